"""Staff merge two referrers who are one person, and see first what will happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.identity.roles import Role
from app.referrals.models import Merger, Referrer, ReferrerStatus

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

PATH = "/staff/referrers/zoe-1/merge"


def test_who_merges_sees_what_will_happen_and_twice_is_once(site: Site) -> None:
    site.person("owner@example.org", Role.OWNER)
    site.account("zoe")
    with site.world() as world:
        world.bind("zoe", "c1")
        world.order("o1", customer="c1")
    owner = site.browser("owner@example.org")
    said = owner.text(f"{PATH}?into=eve-1")
    assert "Merge Zoe into Eve" in said
    assert "1 customer moves to Eve" in said
    assert "NL91" not in said.replace("NL91 ****", "")
    assert owner.post(PATH, {"into": "eve-1", "reason": " "}, start=f"{PATH}?into=eve-1").status_code == 422
    form = {"into": "eve-1", "reason": "one person"}
    for _press in range(2):
        sent = owner.post(PATH, form, start="/staff")
        assert sent.headers["Location"] == "/staff/referrers/eve-1"
    with site.services.db.reading() as session:
        assert len(session.scalars(select(Merger)).all()) == 1
        zoe = session.scalars(select(Referrer).where(Referrer.code == "zoe-1")).one()
        assert zoe.status is ReferrerStatus.LEFT
    page = owner.text("/staff/referrers/zoe-1")
    assert "Merged into Eve" in page
    assert "Merge into another referrer" not in page


def test_a_wrong_code_is_told_beside_its_field_and_a_stranger_finds_nothing(quick_site: Site) -> None:
    site = quick_site
    site.person("owner@example.org", Role.OWNER)
    owner = site.browser("owner@example.org")
    for into, words in (
        ("nobody-here", "There is no referrer with this code in the programme."),
        ("zoe-1", "This is the same referrer."),
        ("", "Please fill in a code."),
    ):
        answer = owner.get(PATH, query_string={"into": into})
        assert answer.status_code == 422
        assert words in answer.text
        assert f'value="{into}"' in answer.text
    assert owner.get("/staff/referrers/nobody-here/merge").status_code == 404
    site.person("sue@example.org", Role.SUPPORT)
    assert site.browser("sue@example.org").get(PATH).status_code == 403
