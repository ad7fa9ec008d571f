"""What converts an order of another currency: the reference rates of its day, and only of that day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import bindparam, select

from app.kernel.db import connection_of, table_of
from app.referrals.domain.exchange import EURO, exchange_day, exchange_factor
from app.referrals.models import ExchangeRate

if TYPE_CHECKING:
    from datetime import datetime
    from fractions import Fraction

    from sqlalchemy.orm import Session

_RATES = table_of(ExchangeRate)
_OF_DAY: Final = (
    select(_RATES.c.currency, _RATES.c.per_euro)
    .where(_RATES.c.day == bindparam("on"), _RATES.c.currency.in_(bindparam("wanted", expanding=True)))
    .order_by(_RATES.c.currency)
)


class Exchange(NamedTuple):
    """What one minor unit is worth in the programme's; ``told`` are the rates it comes from, as an order keeps them."""

    factor: Fraction
    told: dict[str, Any]


def find_exchange(
    session: Session, *, currency: str, into: str, paid_at: datetime, timezone: str
) -> Exchange | None:
    """The exchange for an order paid then; ``None`` while its day's rates are not imported."""
    on = exchange_day(paid_at, timezone)
    wanted = sorted({currency, into} - {EURO})
    rows = connection_of(session).execute(_OF_DAY, {"on": on, "wanted": wanted})
    per_euro = {row.currency: row.per_euro for row in rows}
    factor = exchange_factor(currency, into, per_euro)
    return None if factor is None else Exchange(factor, {"on": on.isoformat(), "per_euro": per_euro})
