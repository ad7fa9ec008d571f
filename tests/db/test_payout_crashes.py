"""Payouts whose process dies between any two statements, in any order of moves: nothing is paid twice, nothing lost.

Eight faults are planted one by one, and the machine must find each.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy.exc import IntegrityError

from app.kernel.db import Database
from app.ledger import journal
from app.payouts import approval, bank_import, matching, queries, runs, settling
from app.payouts.domain.state import (
    WITH_THE_BANK,
    PayoutMove,
    PayoutState,
    RunMove,
    next_payout_status,
    next_run_status,
)
from tests.db.payouts_world import Payday
from tests.support.books import StandingChecks
from tests.support.examples import examples, run_machine
from tests.support.till import CHECKS, DATES, PERIODS, Till, people_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.embedded.postgres import Postgres
    from app.payouts.models import PayoutRun

STEPS = 8
picks = st.integers(0, 3)
deaths = st.integers(-80, 40).map(lambda number: None if number < 0 else number)
"""Before which statement, begin or commit the process dies; ``None``: it lives, mostly, so that examples come far."""

_numbers = count()


class Payroll(RuleBasedStateMachine):
    """Staff, a bank and a power supply, all at once."""

    new_till: Callable[[], Till]

    def __init__(self) -> None:
        super().__init__()
        self.till = self.new_till()

    def teardown(self) -> None:
        try:
            self.till.check_ended()
        finally:
            self.till.stop()

    @initialize(
        gifts=st.lists(
            st.tuples(picks, st.sampled_from([2500, 4000, 9999, -3000]), st.sampled_from(DATES)),
            min_size=4,
            max_size=7,
        ),
        period=st.sampled_from(PERIODS),
        lives=st.lists(deaths, min_size=4, max_size=4) | st.lists(deaths, min_size=1, max_size=2),
    )
    def begins(self, gifts: list[tuple[int, int, date]], period: str, lives: list[int | None]) -> None:
        """Frozen, and perhaps further on its way to the bank."""
        for person, minor, on in gifts:
            self.till.give(self.till.people[person], minor, on)
        self.till.freeze(period, lives[0], again=False)
        for name, each in zip(("approve", "build", "submit"), lives[1:], strict=False):
            self.till.sweep()
            self.till.move(0, name, each)

    @rule(person=picks, minor=st.sampled_from([5000, -2000]), on=st.sampled_from(DATES))
    def give(self, person: int, minor: int, on: date) -> None:
        self.till.give(self.till.people[person], minor, on)

    @rule(period=st.sampled_from(PERIODS), again=st.booleans(), lives=deaths)
    def freeze(self, period: str, again: bool, lives: int | None) -> None:
        self.till.freeze(period, lives, again=again)

    @rule(
        pick=picks,
        name=st.sampled_from(["approve", "approve by who froze it", "withdraw", "cancel", "advance"]),
        lives=deaths,
    )
    def move(self, pick: int, name: str, lives: int | None) -> None:
        self.till.move(pick, name, lives)

    @rule(pick=picks, lives=st.lists(deaths, min_size=3, max_size=3))
    def go_to_the_bank(self, pick: int, lives: list[int | None]) -> None:
        for name, each in zip(("approve", "build", "submit"), lives, strict=True):
            self.till.move(pick, name, each)

    @rule(pick=picks, lives=deaths)
    def exclude(self, pick: int, lives: int | None) -> None:
        self.till.exclude(pick, lives)

    @rule(pick=picks, dismiss=st.booleans(), lives=deaths)
    def lose(self, pick: int, dismiss: bool, lives: int | None) -> None:
        self.till.lose(pick, lives, dismiss=dismiss)

    @rule(
        pick=st.integers(0, 7),
        words=st.lists(st.sampled_from(["debit", "reject", "return"]), min_size=1, max_size=3),
        again=st.booleans(),
        lives=deaths,
    )
    def the_bank_says(self, pick: int, words: list[str], again: bool, lives: int | None) -> None:
        """One thing after the other of one payout, and perhaps something old in a statement that overlaps."""
        for word in words:
            self.till.tell(pick, word, lives)
        if again:
            self.till.repeat(pick, lives)

    @rule(lives=deaths)
    def sweep(self, lives: int | None) -> None:
        self.till.sweep(lives)

    @invariant()
    def nothing_is_paid_twice_and_nothing_lost(self) -> None:
        self.till.check()


def build(url: str) -> tuple[int, tuple[int, ...], StandingChecks]:
    """Four referrers with bank accounts; the programme's and the referrers' ids, and what must hold."""
    database = Database(url)
    payday = Payday.build(database, minimum_payout="0")
    payday.join("cem", "dot")
    with database.reading() as session:
        people, checks = people_of(session), StandingChecks(session, CHECKS)
    database.dispose()
    return payday.program_id, people, checks


@pytest.fixture(scope="module")
def payroll(folder: Path, sqlite_template: Path) -> Iterator[type[Payroll]]:
    """The machine; each example finds the same SQLite file as it was."""
    origin, path = folder / "payroll.db", folder / "payroll-now.db"
    shutil.copyfile(sqlite_template, origin)
    world = build(f"sqlite:///{origin}")
    database = Database(f"sqlite:///{path}")

    def new_till() -> Till:
        for file in folder.glob("payroll-now.db*"):
            file.unlink()
        shutil.copyfile(origin, path)
        return Till(database, *world)

    yield type("PayrollHere", (Payroll,), {"new_till": staticmethod(new_till)})
    database.dispose()


@pytest.fixture(scope="module")
def payroll_on_postgres(postgres_server: Postgres) -> Iterator[type[Payroll]]:
    """The same on PostgreSQL, where each example finds a fresh copy of one database."""
    with postgres_server.connect() as connection:
        connection.execute("CREATE DATABASE payroll TEMPLATE template STRATEGY FILE_COPY")
    world = build(postgres_server.url("payroll"))
    database = Database(postgres_server.url("payroll_now"))

    def new_till() -> Till:
        with postgres_server.connect() as connection:
            connection.execute("DROP DATABASE IF EXISTS payroll_now WITH (FORCE)")
            connection.execute("CREATE DATABASE payroll_now TEMPLATE payroll STRATEGY FILE_COPY")
        return Till(database, *world)

    yield type("PayrollThere", (Payroll,), {"new_till": staticmethod(new_till)})
    database.dispose()
    with postgres_server.connect() as connection:
        for name in ("payroll", "payroll_now"):
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_wherever_it_dies_nothing_is_paid_twice_and_nothing_lost(payroll: type[Payroll]) -> None:
    run_machine(payroll, examples(60), steps=STEPS)


def test_nor_on_postgresql(payroll_on_postgres: type[Payroll]) -> None:
    run_machine(payroll_on_postgres, examples(8), Phase.generate, steps=STEPS)


def a_reservation_without_the_periods_end(patch: pytest.MonkeyPatch) -> None:
    candidates, reserve, late = runs.candidates, settling.reserve, date(2099, 1, 1)

    def too_much(session: Any, found: Any, first: int, last: int, now: Any) -> None:
        own = {name: getattr(found, name) for name in ("id", "program_id", "currency", "name")}
        reserve(session, cast("PayoutRun", SimpleNamespace(**own, until_on=late)), first, last, now)

    patch.setattr(
        runs, "candidates", lambda session, who, _until, taxes: candidates(session, who, late, taxes)
    )
    patch.setattr(runs, "reserve", too_much)


def a_rejected_payout_that_is_paid_after_all(patch: pytest.MonkeyPatch) -> None:
    def revived(state: PayoutState, move: PayoutMove) -> PayoutState:
        if (state, move) == (PayoutState.REJECTED, PayoutMove.BOOK):
            return PayoutState.PAID
        return next_payout_status(state, move)

    patch.setattr(settling, "next_payout_status", revived)
    for module in (matching, queries):
        patch.setattr(module, "WITH_THE_BANK", WITH_THE_BANK | {PayoutState.REJECTED})


def a_booking_posted_again_under_another_key(patch: pytest.MonkeyPatch) -> None:
    real = journal.post_many

    def twice(session: Any, several: Any, *, posted_at: Any) -> Any:
        booked = [replace(each, key=f"{each.key}-again") for each in several if "book" in each.key]
        real(session, booked, posted_at=posted_at)
        return real(session, several, posted_at=posted_at)

    patch.setattr(settling, "post_many", twice)


def feedback_that_is_not_known_again(patch: pytest.MonkeyPatch) -> None:
    real = bank_import._digest
    patch.setattr(bank_import, "_digest", lambda identity, at: real(f"{identity}{next(_numbers)}", at))


def an_approval_that_outlives_a_change(patch: pytest.MonkeyPatch) -> None:
    def stays(state: Any, move: RunMove) -> Any:
        return state if move is RunMove.WITHDRAW else next_run_status(state, move)

    patch.setattr(approval, "next_run_status", stays)
    patch.setattr(approval, "void_approval", lambda *_args, **_named: None)


def a_release_posted_twice(patch: pytest.MonkeyPatch) -> None:
    real = journal.post_many

    def twice(session: Any, several: Any, *, posted_at: Any) -> Any:
        back = [replace(each, key=f"{each.key}-again") for each in several if "cancel" in each.key]
        real(session, back, posted_at=posted_at)
        return real(session, several, posted_at=posted_at)

    patch.setattr(settling, "post_many", twice)


def payouts_written_before_their_money_is_reserved(patch: pytest.MonkeyPatch) -> None:
    real = runs._write_plans

    def too_early(session: Any, *arguments: Any) -> None:
        real(session, *arguments)
        session.connection().exec_driver_sql("COMMIT")
        session.connection().exec_driver_sql("BEGIN IMMEDIATE")

    patch.setattr(runs, "_write_plans", too_early)


def a_freeze_that_begins_again_at_the_beginning(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(runs, "_last_handled", lambda *_args: 0)


@pytest.mark.parametrize(
    "fault",
    [
        a_reservation_without_the_periods_end,
        a_rejected_payout_that_is_paid_after_all,
        a_booking_posted_again_under_another_key,
        feedback_that_is_not_known_again,
        an_approval_that_outlives_a_change,
        a_release_posted_twice,
        payouts_written_before_their_money_is_reserved,
        a_freeze_that_begins_again_at_the_beginning,
    ],
)
def test_a_planted_fault_is_found(
    payroll: type[Payroll], monkeypatch: pytest.MonkeyPatch, fault: Callable[[pytest.MonkeyPatch], None]
) -> None:
    fault(monkeypatch)
    # What the database refuses is found as well.
    with pytest.raises((AssertionError, IntegrityError)):
        run_machine(payroll, 150, Phase.generate, derandomize=True, steps=STEPS)
