"""A programme in which nothing has happened yet: no product, no referrer, then one referrer and no click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard.access import ACCESS, OWN
from app.dashboard.views.staff.files import LISTINGS
from app.directory import keeping
from app.identity.roles import Action, Role
from app.kernel import clock
from app.referrals.programs import ProgramSettings, create_program
from tests.builders import ACTOR

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

EMPTY = 'class="empty"'
NEVER_EMPTY = {"staff.audit"}
"""That the programme was made stands in it."""
NOTHING_ASKED = {"staff.what_if_file", "home.profile_preview"}
"""Without a question there is no answer to take home, without a profile no preview."""


def bare(site: Site) -> None:
    settings = ProgramSettings(name="Bare", landing_url="https://shop.example/")
    with site.services.db.transaction() as session:
        program = create_program(
            session, slug="bare", currency="EUR", settings=settings, actor=ACTOR, now=clock.now()
        )
        keeping.set_directory(session, program, is_open=True, actor=ACTOR, now=clock.now())


def pages(site: Site, *, own: bool) -> list[str]:
    """The pages that are about nothing in particular: the referrer's own, or those of staff."""
    with site.app.test_request_context():
        return [
            url_for(rule.endpoint, program="bare")
            for rule in site.app.url_map.iter_rules()
            if (action := ACCESS.get(rule.endpoint)) not in {None, Action.CHANGE_ACCOUNT}
            and (action in OWN) is own
            and not rule.arguments
            and rule.endpoint not in NOTHING_ASKED
            and "GET" in (rule.methods or ())
        ]


def test_an_empty_programme_says_on_every_page_what_will_stand_there(quick_site: Site) -> None:
    bare(quick_site)
    quick_site.person("owner@example.org", Role.OWNER)
    owner = quick_site.browser("owner@example.org")
    for path in pages(quick_site, own=False):
        with owner.get(path) as answer:
            assert (path, answer.status_code) == (path, 200)
    with quick_site.app.test_request_context():
        lists = [
            (url_for(each.endpoint, program="bare"), url_for(each.file_endpoint, program="bare"))
            for each, _about in LISTINGS
            if each.endpoint not in NEVER_EMPTY
        ]
    for page, file in lists:
        assert EMPTY in owner.get(page).text, page
        assert len(owner.get(file).text.splitlines()) == 1, file
    stranger = quick_site.browser()
    assert "No product pays a commission yet." in stranger.text("/programs/bare")
    assert EMPTY in stranger.get("/programs/bare/partners").text


def test_the_first_referrer_of_an_empty_programme_finds_a_link_and_what_comes_next(quick_site: Site) -> None:
    bare(quick_site)
    quick_site.referrer("ann", "bare")
    ann = quick_site.browser("ann@example.org")
    for path in pages(quick_site, own=True):
        assert (path, ann.get(path).status_code) == (path, 200)
    for path in ("", "/commissions", "/orders", "/payouts", "/leads", "/promo", "/ratings", "/news"):
        assert EMPTY in ann.get(f"/dashboard{path}").text, path
    home = ann.text("/dashboard")
    assert "Share your link to start." in home
    assert "No product pays a commission yet." in home
