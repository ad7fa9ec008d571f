"""Reading the overview: nightly totals for the days before, the facts themselves for the days since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, case, func, or_, select

from app.kernel.db import connection_of, table_of
from app.overview.brought import NUMBERS, Brought, brought_between, sum_of
from app.overview.models import DayTotal, ReferrerTotal
from app.referrals.models import Referrer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sqlalchemy.orm import Session

    from app.overview.periods import Compared, Days
    from app.referrals.models import Program

_DAYS, _REFERRERS = table_of(DayTotal), table_of(ReferrerTotal)
TWELVE: Final = "/12"
"""How the name of a period of twelve months ends."""

_MOST_SINCE: Final = 500
"""Referrers of the days since the last reckoning who are looked up among the best: those who brought most then."""


@dataclass(frozen=True, slots=True)
class TopReferrer:
    """One of those who brought most."""

    code: str
    name: str
    brought: Brought


@dataclass(frozen=True, slots=True)
class Totals:
    """What a programme's referrers brought in a period and in the one before, and who brought most.

    ``until`` is the last day that was reckoned at night: what changed since in the days up to it shows tomorrow.
    """

    now: Brought
    before: Brought
    top: tuple[TopReferrer, ...]
    until: date | None


def reckoned_until(session: Session, program_id: int) -> date | None:
    """The last day that the nightly totals cover."""
    return session.scalar(select(func.max(DayTotal.day)).where(DayTotal.program_id == program_id))


def totals(session: Session, program: Program, days: Compared, *, top: int) -> Totals:
    """The overview of a programme. At most six queries, whatever its size."""
    until = reckoned_until(session, program.id)
    now, before = _reckoned(session, program.id, days)
    since = _since(session, program, days.now, until)
    now.add(sum_of(since.values()))
    before.add(sum_of(_since(session, program, days.before, until).values()))
    return Totals(now, before, _top(session, program.id, _period(days.now, until), since, top), until)


def _reckoned(session: Session, program_id: int, days: Compared) -> tuple[Brought, Brought]:
    within = and_(_DAYS.c.day >= days.now.first, _DAYS.c.day <= days.now.last)
    earlier = and_(_DAYS.c.day >= days.before.first, _DAYS.c.day <= days.before.last)
    which = case((within, 1), else_=0)
    rows = connection_of(session).execute(
        select(which, *(func.sum(_DAYS.c[name]) for name in NUMBERS))
        .where(_DAYS.c.program_id == program_id, or_(within, earlier))
        .group_by(which)
    )
    found = {number: Brought(*(int(each) for each in sums)) for number, *sums in rows}
    return found.get(1, Brought()), found.get(0, Brought())


def _since(session: Session, program: Program, days: Days, until: date | None) -> dict[int, Brought]:
    first = days.first if until is None else max(days.first, until + timedelta(days=1))
    return brought_between(session, program, first, days.last) if first <= days.last else {}


def _period(days: Days, until: date | None) -> str:
    """What the totals of these days are called.

    In the first hour of a month twelve months are those that ended with the month before: the night's work is to come.
    """
    if f"{days.first:%Y-%m}" == f"{days.last:%Y-%m}":
        return f"{days.first:%Y-%m}"
    return f"{min(days.last, until or days.last):%Y-%m}{TWELVE}"


def _top(
    session: Session, program_id: int, period: str, since: Mapping[int, Brought], limit: int
) -> tuple[TopReferrer, ...]:
    """Whoever is among the best is so by the totals, or brought something since."""
    newest = sorted(since, key=lambda key: -since[key].revenue_minor)[:_MOST_SINCE]
    wanted = select(_REFERRERS.c.referrer_id, *(_REFERRERS.c[name] for name in NUMBERS)).where(
        _REFERRERS.c.program_id == program_id, _REFERRERS.c.period == period
    )
    found: dict[int, Brought] = {}
    for each in (
        wanted.order_by(_REFERRERS.c.revenue_minor.desc()).limit(limit),
        *((wanted.where(_REFERRERS.c.referrer_id.in_(newest)),) if newest else ()),
    ):
        for key, *numbers in connection_of(session).execute(each):
            found[key] = Brought(*numbers)
    for key in newest:
        found.setdefault(key, Brought()).add(since[key])
    best = sorted(found, key=lambda key: (-found[key].revenue_minor, -found[key].clicks, key))[:limit]
    names = {
        row.id: row
        for row in session.execute(
            select(Referrer.id, Referrer.code, Referrer.name).where(Referrer.id.in_(best))
        )
    }
    return tuple(TopReferrer(names[key].code, names[key].name, found[key]) for key in best)
