"""A run beside the month before it: who is new, who is gone, who gets much more, whose account changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, case, func, literal, select, union_all

from app.payouts.domain.state import PayoutState, RunState
from app.payouts.models import Payout, PayoutDestination, PayoutRun
from app.referrals.models import Referrer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Subquery
    from sqlalchemy.orm import Session

MOST: Final = 50
"""How many differences are named, the largest first."""

_NOT_PAYING: Final = (RunState.DRAFT, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Difference:
    """One referrer in both months; an amount of 0: not paid in that month."""

    referrer: Referrer
    before_minor: int
    now_minor: int
    other_account: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run beside all runs of the latest month before its own that paid. Amounts without VAT."""

    period: str
    before_count: int
    before_minor: int
    fresh: int
    """Paid now and not then."""
    gone: int
    """Paid then and not now."""
    other_accounts: int
    """Paid in both, to another account."""
    largest: tuple[Difference, ...]


def compare_run(session: Session, run: PayoutRun) -> Comparison | None:
    """The comparison; ``None`` where no earlier month paid. Reads both months' payouts by their run."""
    paying = (
        PayoutRun.program_id == run.program_id,
        PayoutRun.currency == run.currency,
        PayoutRun.period < run.period,
        PayoutRun.state.not_in(_NOT_PAYING),
    )
    period = session.scalar(select(func.max(PayoutRun.period)).where(*paying))
    if period is None:
        return None
    earlier = session.scalars(select(PayoutRun.id).where(*paying, PayoutRun.period == period)).all()
    rows = _side_by_side(_paid(earlier, "then"), _paid([run.id], "now"))
    new, gone, moved, count, total = _sums(session, rows)
    return Comparison(period, count, total, new, gone, moved, tuple(_largest(session, rows)))


def _paid(run_ids: Sequence[int], name: str) -> Subquery:
    """What each referrer is paid in some runs, and to which account."""
    return (
        select(
            Payout.referrer_id,
            func.sum(Payout.amount_minor).label("minor"),
            func.max(PayoutDestination.iban_key).label("account"),
        )
        .join(PayoutDestination, PayoutDestination.id == Payout.destination_id)
        .where(Payout.run_id.in_(run_ids), Payout.state != PayoutState.CANCELLED)
        .group_by(Payout.referrer_id)
        .subquery(name)
    )


def _side_by_side(then: Subquery, now: Subquery) -> Subquery:
    """Everybody of either month: SQLite's older releases know no full join."""
    moved = case((then.c.account != now.c.account, 1), else_=0)
    here = select(
        now.c.referrer_id,
        func.coalesce(then.c.minor, 0).label("before"),
        now.c.minor.label("now"),
        moved.label("moved"),
    ).outerjoin(then, then.c.referrer_id == now.c.referrer_id)
    zero = literal(0, Integer)
    absent = (
        select(then.c.referrer_id, then.c.minor, zero, zero)
        .outerjoin(now, now.c.referrer_id == then.c.referrer_id)
        .where(now.c.referrer_id.is_(None))
    )
    return union_all(here, absent).subquery("both")


def _sums(session: Session, rows: Subquery) -> tuple[int, ...]:
    counted: list[Any] = [
        func.sum(case((rows.c.before == 0, 1), else_=0)),
        func.sum(case((rows.c.now == 0, 1), else_=0)),
        func.sum(rows.c.moved),
        func.sum(case((rows.c.before > 0, 1), else_=0)),
        func.sum(rows.c.before),
    ]
    return tuple(int(value or 0) for value in session.execute(select(*counted)).one())


def _largest(session: Session, rows: Subquery) -> list[Difference]:
    difference = func.abs(rows.c.now - rows.c.before)
    wanted = (
        select(Referrer, rows.c.before, rows.c.now, rows.c.moved)
        .join(rows, rows.c.referrer_id == Referrer.id)
        .where((difference != 0) | (rows.c.moved == 1))
        .order_by(difference.desc(), Referrer.id)
        .limit(MOST)
    )
    return [
        Difference(referrer, int(before), int(now), bool(moved))
        for referrer, before, now, moved in session.execute(wanted)
    ]
