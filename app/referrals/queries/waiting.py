"""What waits: orders for an exchange rate, facts for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, literal, select

from app.referrals.domain.commission import Outcome
from app.referrals.models import Fact, FactState, Order, OrderLine

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session


def waiting_counts(session: Session, program_id: int) -> tuple[int, int]:
    """How many facts of the programme wait for another one, and how many orders for an exchange rate."""
    facts = select(func.count()).where(Fact.program_id == program_id, Fact.state == FactState.PARKED)
    orders = select(func.count()).where(Order.program_id == program_id, Order.id.in_(waiting_lines()))
    parked, waiting = session.execute(select(facts.scalar_subquery(), orders.scalar_subquery())).one()
    return parked, waiting


def waiting_lines() -> Select[int]:
    """The numbers of the orders with a line that waits."""
    # Written out, not a parameter: SQLite uses a partial index only where it sees that the condition is the index's.
    waiting = literal(Outcome.WAITING_RATE.value, literal_execute=True)
    return select(OrderLine.order_id).where(OrderLine.outcome == waiting)
