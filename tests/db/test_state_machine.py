"""Every sequence of steps leaves the books in order (DESIGN.md 7), and six planted faults are each found."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy.orm import Session

from app.kernel.db import Database
from app.ledger import journal
from app.ledger.models import LedgerAccount
from app.payouts import runs
from app.payouts.check import ALL_CHECKS
from app.referrals import changes, holds, orders, postings, settle
from tests.support.books import Books, StandingChecks, build_world
from tests.support.examples import examples, run_machine
from tests.support.histories import undone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.builders import World

EXAMPLES = examples(1_000)
STEPS = 6

customers = st.sampled_from(["c1", "c2"])
referrers = st.sampled_from(["ada", "bob", "cem"])
nets = st.integers(0, 30_000)
picks = st.integers(0, 3)


class Shop(RuleBasedStateMachine):
    """A shop, its staff and its bank, all at once."""

    world: World
    checks: StandingChecks

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(undone(self.world.session))
        self.books = Books(self.world, self.checks)

    def teardown(self) -> None:
        self.stack.close()

    def order_id(self, data: st.DataObject, *, paid: bool) -> str:
        fitting = [
            order_id
            for order_id, sale in self.books.sales.items()
            if sale.paid is paid and not sale.cancelled
        ]
        return data.draw(st.sampled_from(fitting))

    def some(self, *, paid: bool) -> bool:
        return any(sale.paid is paid and not sale.cancelled for sale in self.books.sales.values())

    @initialize(customer=customers, referrer=referrers, net=nets, own=st.integers(0, 4))
    def begins(self, customer: str, referrer: str, net: int, own: int) -> None:
        self.books.sign_up(customer, referrer, own=own == 0)
        self.books.order(customer, net, paid=True)
        self.books.order(customer, net, paid=False)

    @rule(customer=customers, referrer=referrers)
    def sign_up(self, customer: str, referrer: str) -> None:
        self.books.sign_up(customer, referrer, own=False)

    @rule(customer=customers, referrer=referrers | st.none())
    def choose(self, customer: str, referrer: str | None) -> None:
        self.books.choose(customer, referrer)

    @rule(customer=customers, net=nets, paid=st.booleans())
    def order(self, customer: str, net: int, paid: bool) -> None:
        self.books.order(customer, net, paid=paid)

    @precondition(lambda self: self.some(paid=False))
    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        self.books.pay(self.order_id(data, paid=False))

    @precondition(lambda self: self.some(paid=False))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.books.cancel(self.order_id(data, paid=False))

    @precondition(lambda self: self.some(paid=True))
    @rule(data=st.data(), net=nets)
    def correct(self, data: st.DataObject, net: int) -> None:
        self.books.correct(self.order_id(data, paid=True), net)

    @precondition(lambda self: self.some(paid=True))
    @rule(data=st.data(), percent=st.integers(1, 100))
    def refund(self, data: st.DataObject, percent: int) -> None:
        self.books.refund(self.order_id(data, paid=True), percent)

    @precondition(lambda self: self.some(paid=True))
    @rule(data=st.data())
    def charge_back(self, data: st.DataObject) -> None:
        self.books.charge_back(self.order_id(data, paid=True))

    @precondition(lambda self: any(sale.chargebacks for sale in self.books.sales.values()))
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        self.books.reverse(self.order_id(data, paid=True))

    @rule(referrer=referrers)
    def suspend_or_reinstate(self, referrer: str) -> None:
        self.books.suspend(referrer)

    @precondition(lambda self: self.some(paid=True))
    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        self.books.hold(self.order_id(data, paid=True))

    @rule(pick=picks, release=st.booleans())
    def decide(self, pick: int, release: bool) -> None:
        self.books.decide(pick, release=release)

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.books.pass_time(24 * days)

    @rule(pick=st.integers(0, 50))
    def repeat(self, pick: int) -> None:
        self.books.repeat(pick)

    @rule()
    def reserve(self) -> None:
        self.books.pass_time(24 * 8)
        self.books.reserve()

    @precondition(lambda self: self.books.reserved_ever)
    @rule(pick=picks)
    def cancel_run(self, pick: int) -> None:
        self.books.cancel_run(pick)

    @precondition(lambda self: self.books.reserved_ever)
    @rule(pick=picks)
    def book(self, pick: int) -> None:
        self.books.bank(pick, "book")

    @precondition(lambda self: self.books.reserved_ever)
    @rule(pick=picks)
    def reject(self, pick: int) -> None:
        self.books.bank(pick, "reject")

    @precondition(lambda self: self.books.reserved_ever)
    @rule(pick=picks)
    def give_back(self, pick: int) -> None:
        self.books.bank(pick, "return")

    @invariant()
    def the_books_are_in_order(self) -> None:
        self.books.check()


@pytest.fixture(scope="module")
def shop(folder: Path, sqlite_template: Path) -> Iterator[type[Shop]]:
    """The machine, over one world that every example leaves as it was."""
    path = folder / "state-machine.db"
    shutil.copyfile(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    with Session(database.engine, expire_on_commit=False) as session:
        session.begin()
        world = build_world(session)
        with pytest.MonkeyPatch.context() as patch:
            # What a run checks before and after itself, with statements that are made once.
            everything = StandingChecks(session, ALL_CHECKS, world.program.id)
            patch.setattr(runs, "require_sound_books", lambda _db, _program: everything.require(session))
            yield type("ShopHere", (Shop,), {"world": world, "checks": StandingChecks(session)})
        session.rollback()
    database.dispose()


@pytest.mark.parametrize("part", range(2))
def test_whatever_happens_the_books_are_in_order(shop: type[Shop], part: int) -> None:
    run_machine(shop, EXAMPLES // 2, steps=STEPS)


def a_clawback_with_the_wrong_sign(patch: pytest.MonkeyPatch) -> None:
    real = postings.retarget

    def wrong(commission: Any, *, earned: int, target: int, **rest: Any) -> Any:
        return real(commission, earned=earned, target=min(earned, 2 * earned - target), **rest)

    patch.setattr(settle, "retarget", wrong)


def a_forgotten_hold(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(holds, "hold_all", lambda *_args, **_named: 0)


def a_double_posting_under_a_new_key(patch: pytest.MonkeyPatch) -> None:
    real = journal.post_later

    def twice(session: Any, several: Any, *, posted_at: Any) -> Any:
        real(session, [replace(each, key=f"{each.key}-again") for each in several], posted_at=posted_at)
        return real(session, several, posted_at=posted_at)

    patch.setattr(postings, "post_later", twice)


def a_date_that_is_a_day_off(patch: pytest.MonkeyPatch) -> None:
    real = journal.Entry

    def shifted(**named: Any) -> Any:
        late = named["account"] is LedgerAccount.HELD
        return real(**{**named, "available_on": named["available_on"] + timedelta(days=int(late))})

    patch.setattr(postings, "Entry", shifted)


def a_balance_that_is_skipped(patch: pytest.MonkeyPatch) -> None:
    real = journal._remember
    patch.setattr(journal, "_remember", lambda session, several: real(session, several[:1]))


def a_refund_above_what_was_paid(patch: pytest.MonkeyPatch) -> None:
    real = changes.apply_refund

    def doubled(session: Any, program: Any, order: Any, fact: Any) -> Any:
        more = tuple(replace(line, net_minor=line.net_minor * 2) for line in fact.lines)
        return real(session, program, order, replace(fact, lines=more))

    from app.referrals import refunds

    patch.setattr(changes, "_check_lines", lambda *_args: None)
    patch.setattr(refunds, "apply_refund", doubled)


def a_payment_that_settles_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(orders, "apply_payment", lambda _order, _fact: None)


@pytest.mark.parametrize(
    "fault",
    [
        a_clawback_with_the_wrong_sign,
        a_forgotten_hold,
        a_double_posting_under_a_new_key,
        a_date_that_is_a_day_off,
        a_balance_that_is_skipped,
        a_refund_above_what_was_paid,
        a_payment_that_settles_nothing,
    ],
)
def test_a_planted_fault_is_found(
    shop: type[Shop], monkeypatch: pytest.MonkeyPatch, fault: Callable[[pytest.MonkeyPatch], None]
) -> None:
    fault(monkeypatch)
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_machine(shop, 250, Phase.generate, derandomize=True, steps=STEPS)
