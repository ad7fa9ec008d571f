"""Importing exchange rates: all of a file or nothing, and never another value for a day that is stored."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select

from app.identity.audit import Actor, record_event
from app.kernel.db import connection_of, table_of
from app.kernel.errors import Conflict
from app.referrals.models import ExchangeRate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.referrals.exchange_files import RateLine

_RATES = table_of(ExchangeRate)
_TOGETHER: Final = 5_000


class OtherRate(Conflict):
    """The day has another rate already, by which orders may have been converted."""

    def __init__(self, rate: RateLine, stored: str) -> None:
        super().__init__(
            f"line {rate.line}: {rate.currency} of {rate.day} is stored as {stored}, not {rate.per_euro}; "
            "a stored rate is never changed",
            pointer="/file",
        )


def import_rates(session: Session, rates: Sequence[RateLine], *, actor: Actor, now: datetime) -> int:
    """Store the rates that are not there yet; how many those were. Raises :class:`OtherRate`."""
    first, last = min(rate.day for rate in rates), max(rate.day for rate in rates)
    stored = _stored(session, first, last)
    new: list[dict[str, object]] = []
    for rate in rates:
        there = stored.get((rate.day, rate.currency))
        if there is None:
            new.append({"day": rate.day, "currency": rate.currency, "per_euro": rate.per_euro})
        elif Decimal(there) != Decimal(rate.per_euro):
            raise OtherRate(rate, there)
    for start in range(0, len(new), _TOGETHER):
        connection_of(session).execute(insert(_RATES), new[start : start + _TOGETHER])
    if new:
        details = {"rates": len(new), "from": first.isoformat(), "to": last.isoformat()}
        record_event(session, actor, "exchange_rates.imported", "exchange_rates", details, now=now)
    return len(new)


def _stored(session: Session, first: date, last: date) -> dict[tuple[date, str], str]:
    wanted = select(_RATES.c.day, _RATES.c.currency, _RATES.c.per_euro).where(
        _RATES.c.day >= first, _RATES.c.day <= last
    )
    return {(row.day, row.currency): row.per_euro for row in connection_of(session).execute(wanted)}
