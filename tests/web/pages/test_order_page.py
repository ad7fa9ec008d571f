"""Staff's page of an order: its reviews with what was looked at, and as many questions for fifty lines as for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.dashboard.presenters.staff.evidence import evidence
from app.identity.roles import Role
from app.referrals.customers import erase_personal_data
from app.referrals.domain.review import RULE_VERSION
from app.referrals.models import Hold, HoldState, Order
from app.referrals.words import HoldRule, RateScope
from tests.builders import NOW, at, line

if TYPE_CHECKING:
    from tests.builders import World
    from tests.web.pages.conftest import Browser, Site


@pytest.fixture
def owner(site: Site) -> Browser:
    site.person("owner@example.org", Role.OWNER)
    return site.browser("owner@example.org")


def own_order(world: World, order: str, lines: int) -> int:
    """An order of zoe's own, held in every line and with a refund of each; its number."""
    world.order(order, *(line(f"l{number}", net=1_000) for number in range(lines)))
    for number in range(lines):
        given: dict[str, Any] = {f"l{number}": 10}
        world.refund(f"{order}-{number}", order_id=order, **given)
    return world.session.scalars(select(Order.id).where(Order.order_id == order)).one()


def test_an_order_shows_each_review_with_its_evidence_and_who_decided_it_and_why(
    site: Site, owner: Browser
) -> None:
    with site.world() as world:
        world.signup(email="zoe+shop@example.org", click_ids=(world.click("zoe", at("2026-08-31")),))
        order = own_order(world, "o1", 1)
        hold = world.session.scalars(select(Hold.id)).one()
    page = owner.text(f"/staff/orders/{order}")
    assert f"self_referral_email, version {RULE_VERSION}" in page
    assert "Customer c1 signed up with the referrer's own address" in page
    assert "Customer c1 signed up with the referrer's own address" in owner.text("/staff/review")
    owner.post(f"/staff/review/{hold}/release", {"reason": "a gift, she says"}, start="/staff/review")
    page = owner.text(f"/staff/orders/{order}")
    assert "released" in page
    assert "owner@example.org, " in page
    assert "a gift, she says" in page
    mine = site.browser("zoe@example.org").text(f"/dashboard/orders/{order}")
    assert "own address" not in mine
    assert "owner@example.org" not in mine
    with site.world() as world:
        erase_personal_data(world.session, world.program, "c1", NOW)
    assert "Customer c1 signed up" in owner.text(f"/staff/orders/{order}")


def test_an_order_asks_as_many_questions_for_fifty_lines_refunds_and_reviews_as_for_one(
    site: Site, owner: Browser
) -> None:
    with site.world() as world:
        early: dict[str, Any] = {"scope": RateScope.ALL, "valid_from": at("2026-01-02")}
        world.rate("10%", sku="web", tiers=((2, "12%"),), **early)
        world.signup(email="zoe+shop@example.org", click_ids=(world.click("zoe", at("2026-08-31")),))
        orders = [own_order(world, f"o{lines}", lines) for lines in (1, 50)]
    zoe, page = site.browser("zoe@example.org"), ""
    for browser, path in ((owner, "/staff/orders/"), (zoe, "/dashboard/orders/")):
        asked = []
        for order in orders:
            browser.get(f"{path}{order}")  # whatever a process reads once
            with site.statements() as seen:
                page = browser.text(f"{path}{order}")
            asked.append(len(seen))
        assert asked[0] == asked[1], path
    assert page.count("Before this order 0 of your customers had paid in September 2026.") == 50


SAID: dict[HoldRule, tuple[dict[str, Any], str]] = {
    HoldRule.SELF_REFERRAL_IBAN: ({"order": "o1"}, "Order o1 was paid from a bank account"),
    HoldRule.REFERRER_SUSPENDED: ({}, "The referrer is suspended."),
    HoldRule.STAFF: ({"by": "user:1", "reason": "odd"}, "Eve took it aside: odd"),
    HoldRule.SHARED_CLICK: (
        {"click": "abc", "customers_at_least": 2},
        "At least 2 customers came with click abc.",
    ),
    HoldRule.CROWDED_CLICK: (
        {"click": "abc", "customers_at_least": 3},
        "At least 3 customers came with click abc.",
    ),
    HoldRule.FAST_CONVERSION: ({"order": "o1", "seconds": 1}, "Order o1 was paid 1 second after the click."),
    HoldRule.LATE_CLICK: (
        {"order": "o1", "click": "abc", "seconds_late": 301},
        "Click abc came 301 seconds after the order o1 that presents it.",
    ),
    HoldRule.SAME_NETWORK: ({"click": "abc"}, "Click abc came from a network"),
    HoldRule.CONVERSION_OUTLIER: (
        {"signups": 30, "clicks": 60, "others_signups": 5, "others_clicks": 1000},
        "30 signups came of the referrer's 60 clicks, and 5 of the 1,000 clicks of all others.",
    ),
    HoldRule.REFUND_RATE: (
        {"orders": 10, "refunded": 4},
        "Of the referrer's 10 paid orders of the last 90 days 4",
    ),
    HoldRule.REFERRAL_RING: ({"ring": "a > b > a"}, "Each is a customer of the one before: a > b > a."),
    HoldRule.SELF_REFERRAL_EMAIL: ({}, "Customer (erased) signed up"),
}


def test_every_rule_says_its_evidence_in_words(quick_site: Site) -> None:
    assert SAID.keys() == set(HoldRule)
    with quick_site.app.test_request_context():
        for rule, (found, said) in SAID.items():
            assert said in evidence(rule, found, {"user:1": "Eve"}), rule
        late = evidence(HoldRule.LATE_CLICK, {"customer": "c1", "click": "abc", "seconds_late": 301}, {})
    assert "after the signup of customer c1 that presents it" in late


def test_a_note_that_nobody_decided_says_so(site: Site, owner: Browser) -> None:
    with site.world() as world:
        world.bind("zoe", "c1", "2026-09-10 12:00")
        world.order("o1", placed="2026-09-10 12:00:05", paid="2026-09-10 12:00:05")
        (note,) = world.session.scalars(select(Hold)).all()
        assert note.state is HoldState.NOTED
        order = world.session.scalars(select(Order.id)).one()
    assert "Order o1 was paid 5 seconds after the click. noted since" in owner.text(f"/staff/orders/{order}")
