"""The nightly work behind the overview: totals of the last two years, and what is owed carried forward."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import delete, func, insert, literal, select

from app.kernel.clock import local_day
from app.kernel.db import insert_all, table_of, upsert_add
from app.ledger.journal import figure_of
from app.ledger.models import LedgerEntry
from app.ledger.watermark import highest_settled
from app.overview.brought import NUMBERS, Brought, brought_between, sum_of
from app.overview.models import DayTotal, OwedMark, OwedTotal, ReferrerTotal
from app.overview.owed import OWED
from app.overview.periods import months_later
from app.overview.totals import TWELVE, reckoned_until
from app.referrals.models import Program

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.kernel.db import Database

_log = structlog.get_logger(__name__)

MONTHS_BACK: Final = 24
"""Months before the current one that are reckoned again each night: a refund changes the day of its order."""


def reckon_overviews(db: Database, now: datetime) -> int:
    """Reckon every programme whose day has ended since the last time; how many there were.

    A month is a transaction, the last one last: killed in between, the next hour's look does all of it again.
    """
    with db.reading() as session:
        programs = list(session.scalars(select(Program).order_by(Program.id)))
    done = 0
    for program in programs:
        yesterday = local_day(now, program.timezone) - timedelta(days=1)
        with db.reading() as session:
            if reckoned_until(session, program.id) == yesterday:
                continue
        month = months_later(yesterday.replace(day=1), -MONTHS_BACK)
        while month <= yesterday:
            reckon_month(db, program, month, yesterday)
            month = months_later(month, 1)
        carry_owed_forward(db, program.id)
        done += 1
        _log.info("overview_reckoned", program=program.slug, until=yesterday.isoformat())
    return done


def reckon_month(db: Database, program: Program, month: date, until: date) -> None:
    """Put a month's totals, up to ``until``, in the place of those from before."""
    next_month = months_later(month, 1)
    days: dict[date, Brought] = {}
    referrers: defaultdict[int, Brought] = defaultdict(Brought)
    # Read before the transaction that writes: on SQLite nobody else could write meanwhile.
    with db.reading() as session:
        day = month
        while day < next_month and day <= until:
            found = brought_between(session, program, day, day)
            days[day] = sum_of(found.values())
            for referrer_id, brought in found.items():
                referrers[referrer_id].add(brought)
            day += timedelta(days=1)
    kept = [
        {"program_id": program.id, "day": day, **brought.as_row()}
        for day, brought in days.items()
        if brought != Brought() or day == until
    ]
    name = f"{month:%Y-%m}"
    each = [
        {"program_id": program.id, "period": name, "referrer_id": referrer_id, **brought.as_row()}
        for referrer_id, brought in sorted(referrers.items())
    ]
    with db.transaction() as session:
        _forget(session, program.id, month, next_month)
        if kept:
            insert_all(session, DayTotal, kept)
        if each:
            insert_all(session, ReferrerTotal, each)
        if until < next_month:
            _sum_up_twelve_months(session, program.id, month)


def _forget(session: Session, program_id: int, month: date, next_month: date) -> None:
    days, referrers = table_of(DayTotal), table_of(ReferrerTotal)
    within = days.c.day >= month, days.c.day < next_month
    session.execute(delete(days).where(days.c.program_id == program_id, *within))
    of_month = referrers.c.period == f"{month:%Y-%m}"
    session.execute(delete(referrers).where(referrers.c.program_id == program_id, of_month))


def _sum_up_twelve_months(session: Session, program_id: int, last: date) -> None:
    """Put the sums of the twelve months up to ``last`` in the place of the night's before."""
    table = table_of(ReferrerTotal)
    ours = table.c.program_id == program_id
    session.execute(delete(table).where(ours, table.c.period.endswith(TWELVE)))
    months = [f"{months_later(last, -back):%Y-%m}" for back in range(12)]
    sums = (
        select(
            table.c.program_id,
            literal(f"{last:%Y-%m}{TWELVE}"),
            table.c.referrer_id,
            *(func.sum(table.c[name]) for name in NUMBERS),
        )
        .where(ours, table.c.period.in_(months))
        .group_by(table.c.program_id, table.c.referrer_id)
    )
    session.execute(insert(table).from_select(["program_id", "period", "referrer_id", *NUMBERS], sums))


def carry_owed_forward(db: Database, program_id: int) -> None:
    """Take the ledger entries since the last time into what is owed."""
    with db.transaction() as session:
        upto = highest_settled(session, table_of(LedgerEntry))
    with db.transaction() as session:
        # Two workers at once would add the same entries twice: the second waits for the first one's mark.
        mark = session.scalar(select(OwedMark).where(OwedMark.program_id == program_id).with_for_update())
        if mark is None:
            mark = OwedMark(program_id=program_id, last_entry_id=0)
            session.add(mark)
            session.flush()
        if upto <= mark.last_entry_id:
            return
        upsert_add(
            session,
            OwedTotal,
            _owed_since(session, program_id, mark.last_entry_id, upto),
            key=("program_id", "figure", "available_on"),
            add="amount_minor",
        )
        mark.last_entry_id = upto


def _owed_since(session: Session, program_id: int, after: int, upto: int) -> list[dict[str, object]]:
    rows = session.execute(
        select(
            LedgerEntry.account,
            LedgerEntry.kind,
            LedgerEntry.available_on,
            func.sum(LedgerEntry.amount_minor),
        )
        .where(LedgerEntry.id > after, LedgerEntry.id <= upto, LedgerEntry.program_id == program_id)
        .group_by(LedgerEntry.account, LedgerEntry.kind, LedgerEntry.available_on)
    )
    sums: defaultdict[tuple[object, object], int] = defaultdict(int)
    for account, kind, available_on, amount in rows:
        figure, sign = figure_of(account, kind)
        if figure in OWED:
            sums[figure, available_on] += sign * int(amount)
    return [
        {"program_id": program_id, "figure": figure, "available_on": on, "amount_minor": minor}
        for (figure, on), minor in sums.items()
    ]
