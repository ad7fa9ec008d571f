"""What a person should look at, counted by indexes in one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from app.payouts.domain.state import PayoutState
from app.payouts.models import BankEvent, Payout, PayoutRun
from app.payouts.words import BankEventState
from app.referrals.models import ClickQuality, Fact, FactState, Hold, HoldRule, HoldState, Order
from app.referrals.queries.waiting import waiting_lines

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

_HALF_PPM: Final = 500_000
_DAYS: Final = 30
_RUNS: Final = 24
"""Whose payouts are looked at: two years of monthly runs."""


@dataclass(frozen=True, slots=True)
class Attention:
    """How many of each wait for somebody."""

    held: int
    """Commissions under review."""
    outliers: int
    """Of those and of what is only noted, how many for a conversion far above the others'."""
    suspicious: int
    """Referrers most of whose clicks of 30 days look made up."""
    unknown: int
    """Payouts of which nobody knows whether the bank has them."""
    failed: int
    """Payouts rejected or returned since the period began."""
    exceptions: int
    """Records of the bank that matched nothing; the bank account is one for all programmes."""
    parked: int
    """Facts that wait for another one."""
    without_rate: int
    """Orders that wait for an exchange rate."""


def attention(session: Session, program_id: int, since: datetime) -> Attention:
    """What waits in a programme; failed payouts since an instant."""
    waiting = Hold.program_id == program_id, Hold.state.in_((HoldState.OPEN, HoldState.NOTED))
    quality = ClickQuality.program_id == program_id, ClickQuality.days == _DAYS
    parts = (
        _count().where(Hold.program_id == program_id, Hold.state == HoldState.OPEN),
        _count().where(*waiting, Hold.rule == HoldRule.CONVERSION_OUTLIER),
        _count().where(*quality, ClickQuality.suspicion_ppm >= _HALF_PPM),
        _payouts(program_id).where(Payout.state == PayoutState.UNKNOWN),
        _payouts(program_id).where(
            Payout.state.in_((PayoutState.REJECTED, PayoutState.RETURNED)), Payout.changed_at >= since
        ),
        _count().where(BankEvent.state == BankEventState.EXCEPTION),
        _count().where(Fact.program_id == program_id, Fact.state == FactState.PARKED),
        # Added to zero, so that no index of the programme's orders is taken: those that wait are few.
        _count().where(Order.id.in_(waiting_lines()), Order.program_id + 0 == program_id),
    )
    return Attention(*session.execute(select(*(part.scalar_subquery() for part in parts))).one())


def _count() -> Select[int]:
    return select(func.count())


def _payouts(program_id: int) -> Select[int]:
    runs = (
        select(PayoutRun.id)
        .where(PayoutRun.program_id == program_id)
        .order_by(PayoutRun.id.desc())
        .limit(_RUNS)
    )
    return select(func.count()).where(Payout.run_id.in_(runs))
