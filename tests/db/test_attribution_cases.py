"""Who gets the customer, told with real facts: the acceptance cases of attribution that no other file tells."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from app.referrals.queries.decided import explain_signup
from app.referrals.queries.non_events import click_story
from app.referrals.referrers import create_coupon
from app.referrals.words import AttributionModel, BindingMethod, LineKind
from tests.builders import ACTOR, World, at, line, referral_deps

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.referrals.intake import PartnerNews


@pytest.fixture
def world(session: Session) -> World:
    return World.build(session)


def lost(world: World) -> dict[str, str | None]:
    return {each["value"]: each["lost"] for each in world.decisions()[0].candidates}


def left(world: World, name: str) -> int:
    money = world.balance(name)
    return money.earned - money.clawed_back


def test_in_a_first_click_programme_the_first_of_two_clicks_earns_and_the_later_one_says_so(
    session: Session,
) -> None:
    world = World.build(session, attribution=AttributionModel.FIRST_CLICK)
    a, b = world.click("ada", at("2026-08-20")), world.click("bob", at("2026-08-21"))
    world.signup(click_ids=(a, b))
    world.order()
    assert (left(world, "ada"), left(world, "bob")) == (1_000, 0)
    assert lost(world) == {a: None, b: "later_click"}


@pytest.mark.parametrize(("seconds", "earned"), [(0, 0), (1, 1_000)])
def test_a_signup_at_the_windows_very_end_earns_nothing_and_one_second_before_it_does(
    world: World, seconds: int, earned: int
) -> None:
    clicked = at("2026-09-01") - timedelta(days=30, seconds=-seconds)
    world.signup(click_ids=(world.click("ada", clicked),))
    world.order()
    assert left(world, "ada") == earned


def test_a_coupon_of_one_with_a_click_of_another_is_one_commission_and_never_two(world: World) -> None:
    create_coupon(world.session, world.program, world.referrers["ada"], "ADA", actor=ACTOR, now=world.now)
    world.signup(click_ids=(world.click("bob", at("2026-08-31")),), coupon="ada")
    world.order(coupon="ADA", click_id=world.click("bob", at("2026-09-09")))
    assert [each.referrer_id for each in world.commissions()] == [world.referrers["ada"].id]
    assert (left(world, "ada"), left(world, "bob")) == (1_000, 0)


def test_a_right_click_id_after_an_unknown_one_attributes_the_order_that_was_there_before_it_once(
    world: World,
) -> None:
    world.signup(click_ids=("no-click-id",))
    world.order()
    assert world.outcomes() == {"l1": "unattributed"}
    right = world.click("ada", at("2026-08-31"))
    world.signup(click_ids=(right,))
    world.signup(click_ids=(right,))
    assert len(world.commissions()) == 1
    assert left(world, "ada") == 1_000
    assert lost(world) == {"no-click-id": "unknown", right: None}


def test_a_bound_customer_who_clicks_anothers_link_and_renews_stays(world: World) -> None:
    world.bind("ada")
    renewal = line(kind=LineKind.RENEWAL)
    world.order(
        "o2", renewal, placed="2026-10-01", paid="2026-10-01", click_id=world.click("bob", at("2026-09-30"))
    )
    assert (left(world, "ada"), left(world, "bob")) == (1_000, 0)
    (decision,) = [each for each in world.decisions() if each.occasion == "order"]
    assert [each["lost"] for each in decision.candidates] == ["already_bound"]


def test_a_chosen_partner_earns_later_orders_the_earlier_one_keeps_theirs_and_both_are_told(
    session: Session,
) -> None:
    world = World.build(session)
    news: list[PartnerNews] = []
    world.deps = referral_deps(news)
    world.bind("ada")
    world.order("o1")
    world.choose("bob", when="2026-10-01")
    world.order("o2", placed="2026-10-02", paid="2026-10-02")
    assert (left(world, "ada"), left(world, "bob")) == (1_000, 1_000)
    ids = {name: world.referrers[name].id for name in ("ada", "bob")}
    assert [(each.referrer_id, each.chosen) for each in news] == [(ids["ada"], False), (ids["bob"], True)]


def test_a_two_year_old_customer_who_chooses_a_partner_earns_it_the_programme_wide_rate(
    session: Session,
) -> None:
    world = World.build(session, slug="directory")
    world.rate("10%")
    world.product("plain")
    world.signup(when="2024-09-01")
    world.order("o1", line(product="plain"), placed="2024-10-01", paid="2024-10-01")
    world.choose("bob", when="2026-09-01")
    world.order("o2", line(product="plain"), placed="2026-09-02", paid="2026-09-02")
    assert world.outcomes("o1") == {"l1": "before_binding"}
    assert [each.target_minor for each in world.commissions("o2")] == [1_000]


def test_in_a_first_click_programme_only_what_was_presented_is_weighed_and_the_other_click_says_so(
    session: Session,
) -> None:
    world = World.build(session, attribution=AttributionModel.FIRST_CLICK)
    first, second = world.click("ada", at("2026-08-20")), world.click("bob", at("2026-08-21"))
    world.signup(click_ids=(second,))
    told = explain_signup(session, world.program, "c1")
    assert told is not None
    (decision,) = told.decisions
    assert decision.referrer == "bob-hosting"
    assert [each.value for each in decision.candidates] == [second]
    story = click_story(session, world.deps.links, world.referrers["ada"], first)
    assert story is not None
    assert story.uses == ()


def test_a_direct_debit_that_is_reversed_on_day_55_was_never_payable(world: World) -> None:
    world.bind("ada")
    world.order(method="direct_debit")
    assert world.balance("ada", date(2026, 11, 4)).available == 0
    world.refund("r1", when="2026-11-04", full=True)
    assert left(world, "ada") == 0
    assert world.balance("ada", date(2026, 12, 1)).available == 0


def test_a_renewal_under_a_rate_for_new_orders_earns_nothing_and_says_why(world: World) -> None:
    world.product("once", "25%", kinds=frozenset({LineKind.NEW}))
    world.bind("ada")
    world.order("o1", line(product="once", kind=LineKind.RENEWAL))
    assert world.outcomes() == {"l1": "kind_not_paid"}
    assert left(world, "ada") == 0


def test_every_method_of_binding_is_told_by_the_binding_itself(world: World) -> None:
    create_coupon(world.session, world.program, world.referrers["ada"], "ADA", actor=ACTOR, now=world.now)
    world.lead("ada", "lead@example.com")
    world.signup("coupon", coupon="ADA")
    world.bind("ada", "click")
    world.signup("lead", email="lead@example.com")
    world.signup("code", referrer_code="ada-hosting")
    world.signup("chosen")
    world.choose("ada", "chosen", when="2026-09-02")
    world.signup("staff")
    world.assign("ada", "staff", when="2026-09-02")
    for method in BindingMethod:
        told = explain_signup(world.session, world.program, method.value)
        assert told is not None
        assert [each.method for each in told.bindings] == [method]
