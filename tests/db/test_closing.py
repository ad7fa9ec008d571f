"""Closing a month: for good, one after the other, and late facts go where it is still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.finance.check import EVERY_CHECK
from app.finance.closing import close_period, months_closed
from app.finance.errors import MonthClosed, MonthNotOver, NotTheNextMonth, PaidFirst
from app.identity.audit import Actor
from app.identity.models import AuditEvent
from app.kernel.append_only import drop_statements
from app.ledger.books import Totals, booked_before, booked_in, closings, totals
from app.ledger.check import first_broken
from app.payouts.check import BooksDoNotAddUp
from app.payouts.domain.calendar import Period
from app.payouts.errors import PeriodClosed
from app.payouts.runs import draft_run, due_runs
from app.referrals.models import Program
from tests.builders import World, at, referral_deps
from tests.db.payouts_world import FREEZER, Payday

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.kernel.db import Database

BY = Actor.person("usr_finance")


@pytest.fixture
def told(database: Database) -> Database:
    """Paid orders of September and October, told on their days."""
    with database.transaction() as session:
        world = World.build(session)
        world.bind("ada", when="2026-09-01")
        for day in ("2026-09-10", "2026-09-30", "2026-10-02"):
            world.now = at(f"{day} 12:00")
            world.order(f"o-{day}", placed=day, paid=day)
    return database


def tell(database: Database, now: str, what: Callable[[World], object]) -> None:
    """Have something become known at ``now``."""
    with database.transaction() as session:
        program = session.scalars(select(Program)).one()
        what(World(session, program, referral_deps(), now=at(now)))


def month(database: Database, period: str) -> Totals:
    wanted = Period.parse(period)
    with database.reading() as session:
        closed = closings(session, 1)
        return totals(session, 1, booked_in(wanted.first_day, wanted.next().first_day, closed))


def until(database: Database, period: str) -> Totals:
    with database.reading() as session:
        end = Period.parse(period).next().first_day
        return totals(session, 1, booked_before(end, closings(session, 1)))


def broken(database: Database) -> str | None:
    with database.reading() as session:
        found = first_broken(session, EVERY_CHECK)
        assert first_broken(session, EVERY_CHECK, 1) == found
    return None if found is None else str(found)


def test_a_late_fact_for_a_closed_month_books_in_the_first_open_one(told: Database) -> None:
    tell(
        told, "2026-10-03 09:00", lambda world: world.order("late-1", placed="2026-09-29", paid="2026-09-29")
    )
    # September is open still: what becomes known in October counts there.
    assert month(told, "2026-09") == Totals(3, 3_000)
    closed = close_period(told, 1, "2026-09", by=BY, now=at("2026-10-08"))
    assert closed.totals == Totals(3, 3_000)
    tell(
        told, "2026-10-09 09:00", lambda world: world.order("late-2", placed="2026-09-28", paid="2026-09-28")
    )
    tell(
        told,
        "2026-10-09 10:00",
        lambda world: world.refund("r1", "o-2026-09-10", when="2026-09-30", l1=5_000),
    )
    assert month(told, "2026-09") == Totals(3, 3_000)
    assert month(told, "2026-10") == Totals(3, 1_000 + 1_000 + 500)
    close_period(told, 1, "2026-10", by=BY, now=at("2026-11-03"))
    tell(told, "2026-11-04", lambda world: world.order("late-3", placed="2026-09-27", paid="2026-09-27"))
    assert [month(told, name) for name in ("2026-09", "2026-10", "2026-11")] == [
        Totals(3, 3_000),
        Totals(3, 2_500),
        Totals(1, 1_000),
    ]
    assert [until(told, name).transactions for name in ("2026-08", "2026-09", "2026-10", "2026-11")] == [
        0,
        3,
        6,
        7,
    ]
    assert broken(told) is None


def test_months_close_once_in_order_and_when_they_are_over(told: Database) -> None:
    with pytest.raises(MonthNotOver):
        close_period(told, 1, "2026-10", by=BY, now=at("2026-10-31 22:59"))
    # Midnight in Amsterdam.
    close_period(told, 1, "2026-10", by=BY, now=at("2026-10-31 23:00"))
    with pytest.raises(MonthClosed):
        close_period(told, 1, "2026-10", by=BY, now=at("2026-11-22"))
    with pytest.raises(MonthClosed):
        close_period(told, 1, "2026-09", by=BY, now=at("2026-11-22"))
    with pytest.raises(NotTheNextMonth, match="2026-11 is the next"):
        close_period(told, 1, "2026-12", by=BY, now=at("2027-01-22"))
    with told.reading() as session:
        (row,) = months_closed(session, 1)
        assert (row.period, row.transaction_count, row.closed_by) == ("2026-10", 3, "user:usr_finance")
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "books.closed")).one()
        assert (event.subject, event.details["debits_minor"]) == ("program:hosting", 3_000)
        assert row.settings["account.payable"] == "1700"
    with pytest.raises(DBAPIError, match="append-only"), told.transaction() as session:
        session.execute(text("DELETE FROM ledger_closings"))


def test_a_month_is_closed_after_its_run_is_drafted_and_paid_no_more(database: Database) -> None:
    payday = Payday.build(database, payout_day=15)
    payday.earn("ada", 5000, paid="2026-10-10")
    with pytest.raises(PaidFirst, match="2026-11-15"):
        close_period(database, payday.program_id, "2026-10", by=BY, now=at("2026-11-14"))
    with pytest.raises(PaidFirst):
        close_period(database, payday.program_id, "2026-10", by=BY, now=at("2026-11-16"))
    # Nobody will draft a run for what was missed two months ago: a run takes along all that is older.
    close_period(database, payday.program_id, "2026-09", by=BY, now=at("2026-11-16"))
    with database.transaction() as session:
        program = session.get_one(Program, payday.program_id)
        with pytest.raises(PeriodClosed, match="next month"):
            draft_run(session, program, period="2026-09", by=FREEZER, now=at("2026-11-16"))
        (due,) = due_runs(session, at("2026-11-16"))
        drafted = draft_run(session, program, period=due.period, by=FREEZER, now=at("2026-11-16")).id
    close_period(database, payday.program_id, "2026-10", by=BY, now=at("2026-11-16"))
    assert payday.freeze("2026-10") == drafted
    assert payday.balance().in_flight == 5000
    with database.transaction() as session:
        program = session.get_one(Program, payday.program_id)
        with pytest.raises(PeriodClosed):
            draft_run(session, program, period="2026-10", by=FREEZER, now=at("2026-11-17"), again=True)
    payday.assert_sound()


def test_books_that_do_not_add_up_are_not_closed_and_a_changed_month_is_named(told: Database) -> None:
    close_period(told, 1, "2026-09", by=BY, now=at("2026-10-08"))
    with told.transaction() as session:
        for statement in drop_statements(session.get_bind().dialect.name, "ledger_transactions"):
            session.execute(text(statement))
        session.execute(text("UPDATE ledger_transactions SET effective_on = '2026-10-01' WHERE id = 1"))
    assert broken(told) == (
        "closed months are as they were: 2026-09 was closed with 2 transactions of 2000 and now has 1 of 1000"
    )
    with told.transaction() as session:
        session.execute(text("UPDATE ledger_balances SET amount_minor = amount_minor + 1"))
    with pytest.raises(BooksDoNotAddUp):
        close_period(told, 1, "2026-10", by=BY, now=at("2026-11-08"))
