"""What belongs to one referrer is not there for another, whatever number stands in the address."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import url_for
from sqlalchemy import select

from app.dashboard.access import ACCESS, OWN
from app.directory.models import Rating
from app.identity.models import User
from app.identity.roles import Action
from app.kernel import clock
from app.payouts.models import Payout
from app.payouts.runs import draft_run, freeze_run
from app.referrals.models import Commission, Link, Order, TeamInvitation
from tests.builders import ACTOR, at, line
from tests.web.pages.test_directory import opened, publish, rated
from tests.web.pages.test_team import ANN, EVE, ZOE, invite

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

ELSEWHERE = {
    "home.document": "test_a_business_fills_in_its_details_agrees_is_invoiced_and_objects",
    "home.document_file": "the same",
    "home.object_to_document": "the same",
    "home.statement": "test_a_statement_is_a_page_and_a_file_and_belongs_to_one_referrer: a month is everybody's",
    "home.statement_pdf": "the same",
    "accounts.end_session": "test_sessions_are_listed_in_words_and_ended_one_by_one_or_all_at_once",
    "accounts.passkey": "test_several_are_named_and_removed_by_their_owner_alone",
    "accounts.remove_passkey": "the same",
}
"""Routes with a number or a name in them, with the test that asks for another's."""


def whole(site: Site) -> dict[str, Any]:
    """Zoe has one of everything; what stands in its addresses."""
    site.account("zoe")
    with opened(site) as world:
        world.bind("zoe", "c1", "2026-09-01")
        world.order("o1", line(net=100_000), customer="c1", placed="2026-09-02", paid="2026-09-02")
        publish(world, "zoe")
        rated(world, "r1", 5)
        program = world.program
    with clock.frozen(at("2026-11-20 12:00")):
        with site.services.db.transaction() as session:
            run = draft_run(session, session.merge(program), period="2026-10", by=ACTOR, now=clock.now()).id
        freeze_run(site.services.payouts, run, by=ACTOR, now=clock.now())
    zoe = site.browser(ZOE)
    zoe.post("/dashboard/links", {"campaign": "fair", "to": ""}, start="/dashboard/links")
    invite(site, zoe, ANN)
    with site.services.db.reading() as session:
        return {
            "commission_id": session.scalars(select(Commission.id)).one(),
            "order_id": session.scalars(select(Order.id)).one(),
            "payout_id": session.scalars(select(Payout.id)).one(),
            "link_id": session.scalars(select(Link.id).where(Link.campaign == "fair")).one(),
            "suffix": "svg",
            "rating_id": session.scalars(select(Rating.rating_id)).one(),
            "invitation": session.scalars(select(TeamInvitation.public_id)).one(),
            "person": session.scalars(select(User.public_id).where(User.email == ZOE)).one(),
        }


def test_every_address_with_another_referrers_number_is_not_there(quick_site: Site) -> None:
    known = whole(quick_site)
    zoe, eve = quick_site.browser(ZOE), quick_site.browser(EVE)
    asked = 0
    for rule in quick_site.app.url_map.iter_rules():
        own = ACCESS.get(rule.endpoint) in OWN | {Action.CHANGE_ACCOUNT}
        if not own or rule.endpoint in ELSEWHERE or not rule.arguments - {"suffix"}:
            continue
        with quick_site.app.test_request_context():
            path = url_for(rule.endpoint, **{name: known[name] for name in rule.arguments})
        if "GET" in (rule.methods or ()):
            assert zoe.get(path).status_code == HTTPStatus.OK, path
            assert eve.get(path).status_code == HTTPStatus.NOT_FOUND, path
        else:
            words = {"reason": "x", "message": "x", "answer": "x"}
            assert eve.post(path, words, start="/dashboard").status_code == HTTPStatus.NOT_FOUND, path
        asked += 1
    assert asked >= len(known)
    gone = set(ELSEWHERE) - {rule.endpoint for rule in quick_site.app.url_map.iter_rules()}
    assert gone == set()
