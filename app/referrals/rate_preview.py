"""What a rate version would change, before it is published: it is made, looked at and taken back in one savepoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from app.referrals.models import Binding, Referrer
from app.referrals.rulebook import rate_of
from app.referrals.words import RateScope
from app.referrals.worse_rates import comes_in_time, is_worse_for, taking_part_count

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.domain.rates import Rate
    from app.referrals.models import Program, RateVersion


@dataclass(frozen=True, slots=True)
class RatePreview:
    """What publishing would do. No recorded order changes: a version that would change one is refused."""

    rate: Rate
    valid_from: datetime
    scope: RateScope
    customers: int
    """Customers bound already to whom it applies from then on; none under ``new_customers``."""
    referrers: int
    """Referrers who take part and whom the version is for."""
    worse: int
    """Of those, whom it pays less than they would have without it."""
    in_time: bool
    """Whether they hear of it 30 days ahead."""


def preview_rate(session: Session, program: Program, publish: Callable[[], RateVersion]) -> RatePreview:
    """What ``publish`` would change; nothing of it stays. Raises whatever ``publish`` raises."""
    taken_back = session.begin_nested()
    try:
        version = publish()
        found = RatePreview(
            rate=rate_of(version),
            valid_from=version.valid_from,
            scope=version.scope,
            customers=_bound(session, program, version) if version.scope is RateScope.ALL else 0,
            referrers=1 if version.referrer_id else taking_part_count(session, program.id),
            worse=len(is_worse_for(session, program, version)),
            in_time=comes_in_time(version),
        )
    finally:
        taken_back.rollback()
    return found


def _bound(session: Session, program: Program, version: RateVersion) -> int:
    open_then = or_(Binding.until_at.is_(None), Binding.until_at > version.valid_from)
    wanted = (
        select(func.count())
        .select_from(Referrer)
        .join(Binding, Binding.referrer_id == Referrer.id)
        .where(Referrer.program_id == program.id, open_then)
    )
    if version.referrer_id is not None:
        wanted = wanted.where(Referrer.id == version.referrer_id)
    return session.scalar(wanted) or 0
