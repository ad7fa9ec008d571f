"""Which orders wait for an exchange rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import literal, select

from app.referrals.domain.commission import Outcome
from app.referrals.models import OrderLine

if TYPE_CHECKING:
    from sqlalchemy import Select


def waiting_lines() -> Select[int]:
    """The numbers of the orders with a line that waits."""
    # Written out, not a parameter: SQLite uses a partial index only where it sees that the condition is the index's.
    waiting = literal(Outcome.WAITING_RATE.value, literal_execute=True)
    return select(OrderLine.order_id).where(OrderLine.outcome == waiting)
