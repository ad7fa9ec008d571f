"""The main job as stories: who brought the customer, what it earns, and when."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.referrals.errors import (
    AlreadyPaid,
    InTheFuture,
    OrderCancelled,
    OtherBody,
    PaidBeforePlaced,
    ReferrerSuspended,
    RefundAbovePaid,
    UnknownLine,
)
from app.referrals.holds import HeldBySuspension, decide_hold
from app.referrals.models import Fact, FactKind, FactState, Hold
from app.referrals.outcome import OutcomeStatus
from app.referrals.referrers import reinstate, suspend
from app.referrals.words import RateScope, RefundKind
from tests.builders import ACTOR, NOW, World, at, line

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@pytest.fixture
def world(session: Session) -> World:
    return World.build(session)


def test_a_participating_line_earns_and_the_other_says_that_it_does_not_participate(world: World) -> None:
    world.bind("ada")
    world.order("o1", line("l1", "web", 11_000), line("l2", "mail", 500), line("l3", "unheard-of", 500))
    assert [(each.earned_minor, each.available_on) for each in world.commissions()] == [
        (1_100, date(2026, 10, 10))
    ]
    assert world.outcomes() == {"l1": "earns", "l2": "not_participating", "l3": "unknown_product"}
    balance = world.balance(today=date(2026, 10, 9))
    assert (balance.pending, balance.available, balance.earned) == (1_100, 0, 1_100)
    assert world.balance(today=date(2026, 10, 10)).available == 1_100


def test_the_same_order_again_changes_nothing_and_another_body_is_refused(world: World) -> None:
    world.bind("ada")
    assert world.order().status is OutcomeStatus.CREATED
    assert world.order().status is OutcomeStatus.REPEATED
    with pytest.raises(OtherBody):
        world.order("o1", line(net=1))
    assert world.balance().earned == 1_000


def test_a_pending_order_earns_when_it_is_paid_and_then_once(world: World) -> None:
    world.bind("ada")
    world.order(paid=None)
    assert world.commissions() == []
    assert world.pay().status is OutcomeStatus.CREATED
    assert world.pay().status is OutcomeStatus.REPEATED
    assert world.balance().earned == 1_000
    with pytest.raises(OtherBody):
        world.pay(paid="2026-09-12")


def test_a_payment_and_a_refund_wait_for_their_order(world: World) -> None:
    world.bind("ada")
    assert world.refund("r1", l1=3_000).status is OutcomeStatus.PARKED
    assert world.pay().status is OutcomeStatus.PARKED
    assert world.pay().status is OutcomeStatus.PARKED
    world.order(paid=None)
    balance = world.balance()
    assert (balance.earned, balance.clawed_back, balance.available) == (1_000, 300, 700)
    assert world.refund("r1", l1=3_000).status is OutcomeStatus.REPEATED


def test_an_order_that_came_before_its_signup_is_attributed_when_the_signup_comes(world: World) -> None:
    world.order(placed="2026-09-10", paid="2026-09-10")
    assert world.outcomes() == {"l1": "unattributed"}
    world.signup(when="2026-09-10", click_ids=(world.click("ada", at("2026-09-09")),))
    assert world.balance().earned == 1_000


def test_an_order_placed_before_the_binding_earns_nothing_and_says_so(world: World) -> None:
    world.order(placed="2026-09-01", paid="2026-09-20")
    world.signup(when="2026-09-10", referrer_code="ada-hosting")
    assert world.outcomes() == {"l1": "before_binding"}
    assert world.commissions() == []


def test_last_click_wins_and_the_loser_is_in_the_decision(world: World) -> None:
    clicks = world.click("ada", at("2026-08-01")), world.click("bob", at("2026-08-02"))
    world.signup(when="2026-08-03", click_ids=clicks)
    decision = world.decisions()[0]
    assert decision.referrer_id == world.referrers["bob"].id
    assert [candidate["lost"] for candidate in decision.candidates] == [None, "earlier_click"]


def test_an_unattributed_signup_may_be_posted_again_with_a_candidate_and_then_no_more(world: World) -> None:
    world.signup(click_ids=("nonsense",))
    assert world.decisions()[0].candidates[0]["lost"] == "unknown"
    assert world.signup(click_ids=(world.click("ada", at("2026-08-31")),)).status is OutcomeStatus.CREATED
    assert world.decisions()[0].referrer_id == world.referrers["ada"].id
    assert world.signup(click_ids=("nonsense",)).status is OutcomeStatus.REPEATED
    with pytest.raises(OtherBody):
        world.signup(referrer_code="bob-hosting")


def test_two_partial_refunds_come_to_zero_and_never_below(world: World) -> None:
    world.bind("ada")
    world.order("o1", line(net=999))
    world.refund("r1", l1=333)
    world.refund("r1", l1=333)
    assert world.balance().clawed_back == 100 - 67
    world.refund("r2", l1=666)
    assert world.balance().available == 0
    with pytest.raises(RefundAbovePaid):
        world.refund("r3", l1=1)
    with pytest.raises(UnknownLine):
        world.refund("r4", nope=1)


@pytest.mark.parametrize("reversal_first", [False, True])
def test_a_chargeback_and_its_reversal_in_either_order_end_at_the_original_amount(
    world: World, reversal_first: bool
) -> None:
    world.bind("ada")
    world.order()
    chargeback = partial(world.refund, "cb", kind=RefundKind.CHARGEBACK, full=True)
    reversal = partial(world.refund, "rv", kind=RefundKind.CHARGEBACK_REVERSAL, reverses="cb")
    for step in (reversal, chargeback) if reversal_first else (chargeback, reversal):
        step()
    balance = world.balance()
    assert (balance.earned, balance.clawed_back, balance.available) == (1_000, 0, 1_000)


def test_a_correction_moves_the_target_of_a_pending_and_of_a_paid_order(world: World) -> None:
    world.bind("ada")
    world.order(paid=None)
    world.correct("k1", line(net=5_000), line("l2", net=1_000))
    world.pay()
    assert world.balance().earned == 600
    world.correct("k2", line(net=2_000), when="2026-09-12")
    world.correct("k0", line(net=9_999), when="2026-09-01")
    assert world.balance().earned == 200


def test_a_cancelled_order_cannot_be_paid_and_a_paid_one_not_cancelled(world: World) -> None:
    world.bind("ada")
    world.order("o1", paid=None)
    world.cancel("o1")
    with pytest.raises(OrderCancelled):
        world.pay("o1")
    world.order("o2")
    with pytest.raises(AlreadyPaid):
        world.cancel("o2")


def test_of_two_orders_only_the_earlier_paid_one_earns_a_first_order_rate_whatever_came_first(
    world: World,
) -> None:
    world.product("box", "10%", duration="first_order")
    world.bind("ada")
    world.order("late", line(product="box"), paid="2026-09-12")
    assert world.balance().earned == 1_000
    world.order("early", line(product="box"), paid="2026-09-11")
    assert world.balance().earned == 1_000
    assert world.outcomes("late") == {"l1": "duration_spent"}
    assert world.outcomes("early") == {"l1": "earns"}


def test_a_chosen_partner_earns_from_then_on_and_not_after_it_is_ended(world: World) -> None:
    world.bind("ada")
    world.order("o1", placed="2026-09-10", paid="2026-10-15")
    world.choose("bob", when="2026-10-01")
    world.order("o2", placed="2026-10-02", paid="2026-10-02")
    world.choose(None, when="2026-11-01")
    world.order("o3", placed="2026-11-02", paid="2026-11-02")
    assert (world.balance("ada").earned, world.balance("bob").earned) == (1_000, 1_000)
    assert world.outcomes("o3") == {"l1": "after_binding"}


def test_suspension_holds_pending_money_and_reinstatement_releases_it(world: World) -> None:
    world.bind("ada")
    world.order("o1")
    ada = world.referrers["ada"]
    assert suspend(world.session, world.program, ada, reason="odd", actor=ACTOR, now=NOW) == 1
    world.order("o2")
    assert (world.balance().held, world.balance().available) == (2_000, 0)
    world.refund("r1", l1=10_000)
    assert world.balance().held == 1_000
    reinstate(world.session, world.program, ada, reason="fine", actor=ACTOR, now=NOW + timedelta(hours=1))
    assert (world.balance().held, world.balance().available) == (0, 1_000)


def test_ones_own_purchase_is_taken_under_review_and_not_dropped(world: World) -> None:
    world.signup(click_ids=(world.click("ada", at("2026-08-31")),), email="Ada+shop@example.org")
    world.order()
    assert (world.balance().held, world.balance().earned) == (1_000, 1_000)


def test_facts_from_the_future_and_payments_before_placement_are_refused(world: World) -> None:
    with pytest.raises(InTheFuture):
        world.order(placed="2026-11-22 12:06", paid=None)
    assert world.order("o2", placed="2026-11-22 12:04", paid=None).status is OutcomeStatus.CREATED
    with pytest.raises(PaidBeforePlaced):
        world.order("o3", placed="2026-09-10", paid="2026-09-09")


def test_an_order_in_another_currency_waits_for_its_exchange_rate(world: World) -> None:
    world.bind("ada")
    world.order(currency="USD")
    assert world.outcomes() == {"l1": "waiting_rate"}
    assert world.balance().earned == 0


def test_a_choice_posted_again_is_no_news_though_its_partner_was_suspended_since(world: World) -> None:
    world.choose("ada")
    ada = world.referrers["ada"]
    suspend(world.session, world.program, ada, reason="odd", actor=ACTOR, now=NOW)
    assert world.choose("ada").status is OutcomeStatus.REPEATED
    with pytest.raises(ReferrerSuspended):
        world.choose("ada", "c2", when="2026-11-22 12:00")


def test_a_refund_that_waited_for_a_payment_is_refused_when_the_order_is_cancelled(world: World) -> None:
    world.order(paid=None)
    assert world.refund("r1", l1=100).status is OutcomeStatus.PARKED
    world.cancel()
    fact = world.session.scalars(select(Fact).where(Fact.kind == FactKind.REFUND)).one()
    assert (fact.state, fact.reason) == (FactState.REFUSED, "order 'o1' was cancelled")


def test_what_a_suspension_holds_is_released_by_reinstating_and_not_one_by_one(world: World) -> None:
    world.bind("ada")
    world.order()
    suspend(world.session, world.program, world.referrers["ada"], reason="odd", actor=ACTOR, now=NOW)
    hold = world.session.scalars(select(Hold)).one()
    with pytest.raises(HeldBySuspension):
        decide_hold(world.session, world.program, hold.id, release=True, reason="ok", by="x", now=NOW)
    assert world.balance().held == 1_000


def test_a_new_rate_spares_an_order_that_a_fast_clock_dated_ahead(world: World) -> None:
    world.bind("ada")
    world.order(placed="2026-11-22 12:03", paid="2026-11-22 12:03")
    world.rate("50%", sku="web", scope=RateScope.ALL)
    world.refund("r1", l1=1, when="2026-11-22 12:04")
    assert world.balance(today=date(2027, 1, 1)).earned == 1_000
