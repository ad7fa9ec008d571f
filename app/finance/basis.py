"""Which entries a report counts: what was known at an instant, or what a month's books hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.kernel.clock import local_day
from app.ledger.books import booked_before, closings
from app.ledger.models import LedgerEntry
from app.payouts.domain.calendar import Period

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.referrals.models import Program


@dataclass(frozen=True, slots=True)
class Basis:
    """``which`` chooses among ledger entries joined with their transactions; ``day`` says what has matured."""

    program_id: int
    currency: str
    day: date
    which: ColumnElement[bool]


def as_known(program: Program, at: datetime) -> Basis:
    """What had been posted by ``at``."""
    day = local_day(at, program.timezone)
    return Basis(program.id, program.currency, day, LedgerEntry.posted_at <= at)


def as_booked(session: Session, program: Program, period: str) -> Basis:
    """What counts up to the end of a month; of a closed one the same for ever. Raises ``UnknownPeriod``."""
    month = Period.parse(period)
    which = booked_before(month.next().first_day, closings(session, program.id))
    return Basis(program.id, program.currency, month.last_day, which)
