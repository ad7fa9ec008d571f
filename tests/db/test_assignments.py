"""Staff correct whom a customer belongs to: what moves, what stays, and what the books and the audit trail say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.models import AuditEvent
from app.kernel.db import finish
from app.kernel.errors import InvalidInput
from app.ledger.check import LEDGER_CHECKS, first_broken
from app.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction
from app.referrals.assignments import NothingToCorrect
from app.referrals.check import REFERRAL_CHECKS
from app.referrals.errors import CustomerNotFound, InTheFuture, ReferrerSuspended
from app.referrals.referrers import suspend
from app.referrals.words import BindingMethod
from tests.builders import ACTOR, World, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

CHECKS = LEDGER_CHECKS | REFERRAL_CHECKS


@pytest.fixture
def world(session: Session) -> Iterator[World]:
    """Customer c1 is bob's by a click, with an order of 100.00 on 10 September. The books hold at the end."""
    world = World.build(session)
    world.bind("bob")
    world.order()
    yield world
    assert first_broken(session, CHECKS) is None


def left(world: World, name: str) -> int:
    money = world.balance(name)
    return money.earned - money.clawed_back


def test_a_correction_moves_later_orders_only(world: World) -> None:
    done = world.assign("ada", when="2026-10-01")
    world.order("o2", placed="2026-10-02", paid="2026-10-02")
    assert dict(done.moved) == {}
    assert (left(world, "bob"), left(world, "ada")) == (1_000, 1_000)


def test_earlier_orders_move_where_staff_say_so_and_the_ledger_shows_it_as_new_entries(world: World) -> None:
    finish(world.session)
    before = set(world.session.scalars(select(LedgerTransaction.id)))
    done = world.assign("ada", also_earlier=True)
    assert dict(done.moved) == {"ada-hosting": 1_000, "bob-hosting": -1_000}
    assert (left(world, "bob"), left(world, "ada")) == (0, 1_000)
    finish(world.session)
    rows = world.session.scalars(select(LedgerTransaction)).all()
    assert before < {row.id for row in rows}
    fresh = select(LedgerEntry.amount_minor).where(
        LedgerEntry.transaction_id.not_in(before), LedgerEntry.account == LedgerAccount.COMMISSION_EXPENSE
    )
    assert sorted(world.session.scalars(fresh)) == [-1_000, 1_000]
    assert {row.posted_at for row in rows if row.id not in before} == {world.now}


def test_a_customer_may_be_taken_from_everybody(world: World) -> None:
    world.assign(None, when="2026-10-01")
    world.order("o2", placed="2026-10-02", paid="2026-10-02", coupon="NONE")
    assert world.outcomes("o2") == {"l1": "after_binding"}
    assert left(world, "bob") == 1_000
    world.assign(None, also_earlier=True)
    assert world.outcomes() == {"l1": "unattributed"}
    assert left(world, "bob") == 0


def test_an_unattributed_customer_is_given_to_a_referrer_from_its_first_order_on(world: World) -> None:
    world.order("x1", customer="c9", placed="2026-09-05", paid="2026-09-05")
    assert world.outcomes("x1") == {"l1": "unattributed"}
    done = world.assign("ada", "c9", also_earlier=True)
    assert dict(done.moved) == {"ada-hosting": 1_000}
    assert world.outcomes("x1") == {"l1": "earns"}


def test_the_decision_and_the_audit_trail_keep_who_why_and_what(world: World) -> None:
    done = world.assign("ada", when="2026-10-01", reason="  the  click was\nbob's colleague ")
    (decision,) = [each for each in world.decisions() if each.occasion == "staff"]
    assert decision.occasion_ref == done.assignment_id
    assert decision.method is BindingMethod.STAFF
    assert decision.bound_from == at("2026-10-01")
    assert decision.reason == "the click was bob's colleague"
    (first,) = [each for each in world.decisions() if each.occasion == "signup"]
    assert first.referrer_id == world.referrers["bob"].id
    event = world.session.scalars(
        select(AuditEvent).where(AuditEvent.action == "attribution.corrected")
    ).one()
    assert event.actor == ACTOR.label
    assert event.details["referrer"] == "ada-hosting"
    assert event.details["reason"] == decision.reason


def test_a_later_correction_follows_the_first_one(world: World) -> None:
    world.assign("ada", when="2026-10-01")
    world.assign("bob", when="2026-11-01")
    for day, name in (("2026-10-15", "ada"), ("2026-11-15", "bob")):
        world.order(day, placed=day, paid=day)
        (commission,) = [each for each in world.commissions(day) if each.target_minor]
        assert commission.referrer_id == world.referrers[name].id


def test_what_would_change_nothing_is_refused(world: World) -> None:
    for name, when in (("bob", "2026-10-01"), ("bob", None)):
        with pytest.raises(NothingToCorrect):
            world.assign(name, when=when)
    with pytest.raises(NothingToCorrect):
        world.assign("bob", also_earlier=True)
    world.order("x1", customer="c9")
    with pytest.raises(NothingToCorrect):
        world.assign(None, "c9")
    # Bob has the customer from the click on; an order from before it is another matter.
    world.order("o0", placed="2026-08-01", paid="2026-08-01")
    world.assign("bob", also_earlier=True)
    assert world.outcomes("o0") == {"l1": "earns"}


def test_bad_input_is_refused_and_changes_nothing(world: World) -> None:
    with pytest.raises(InvalidInput, match="reason"):
        world.assign("ada", reason="  ")
    with pytest.raises(InvalidInput, match="reason"):
        world.assign("ada", reason="x" * 501)
    with pytest.raises(InTheFuture):
        world.assign("ada", when="2026-11-23")
    with pytest.raises(CustomerNotFound):
        world.assign("ada", "nobody")
    suspend(world.session, world.program, world.referrers["ada"], reason="doubt", actor=ACTOR, now=world.now)
    with pytest.raises(ReferrerSuspended):
        world.assign("ada")
    assert left(world, "bob") == 1_000
