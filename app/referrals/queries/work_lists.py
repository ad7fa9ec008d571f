"""What waits for somebody: reviews, contests, parked facts. Searched, sorted and taken home like every list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.kernel.keyset import Way
from app.referrals.models import (
    ClickQuality,
    Commission,
    Contest,
    ContestState,
    Fact,
    FactState,
    Hold,
    HoldState,
    Order,
    OrderLine,
    Product,
    Referrer,
)
from app.referrals.queries.click_quality import QualityRow, quality_row
from app.referrals.queries.staff import ReviewRow
from app.referrals.queries.waiting import waiting_lines

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.kernel.keyset import Part
    from app.referrals.words import FactKind, HoldRule

HOLD_WAYS: Final = {"opened": Way(Hold.id, Hold.id)}


@dataclass(frozen=True, slots=True)
class HoldFilter:
    """Holds in one state; those of one rule, or of one referrer."""

    state: HoldState
    rule: HoldRule | None = None
    referrer_id: int | None = None


def holds(session: Session, program_id: int, wanted: HoldFilter, part: Part) -> list[ReviewRow]:
    """What is held, or noted, with the commission it concerns."""
    found = (
        select(Hold, Commission, OrderLine, Order, Referrer, Product)
        .join(Commission, Commission.id == Hold.commission_id)
        .join(OrderLine, OrderLine.id == Commission.order_line_id)
        .join(Order, Order.id == Commission.order_id)
        .join(Referrer, Referrer.id == Commission.referrer_id)
        .outerjoin(Product, Product.id == OrderLine.product_id)
        .where(Hold.program_id == program_id, Hold.state == wanted.state)
    )
    if wanted.rule is not None:
        found = found.where(Hold.rule == wanted.rule)
    if wanted.referrer_id is not None:
        found = found.where(Commission.referrer_id == wanted.referrer_id)
    return [ReviewRow(*row) for row in session.execute(part.of(found))]


CONTEST_WAYS: Final = {"opened": Way(Contest.id, Contest.id)}


@dataclass(frozen=True, slots=True)
class ContestFilter:
    """Contests in one state, or of one referrer."""

    state: ContestState
    referrer_id: int | None = None


def contests(
    session: Session, program_id: int, wanted: ContestFilter, part: Part
) -> list[tuple[Contest, Referrer]]:
    """What referrers contest."""
    found = (
        select(Contest, Referrer)
        .join(Referrer, Referrer.id == Contest.referrer_id)
        .where(Contest.program_id == program_id, Contest.state == wanted.state)
    )
    if wanted.referrer_id is not None:
        found = found.where(Contest.referrer_id == wanted.referrer_id)
    return list(session.execute(part.of(found)))


FACT_WAYS: Final = {"received": Way(Fact.id, Fact.id, descending=True)}


@dataclass(frozen=True, slots=True)
class FactFilter:
    """``order_id`` is the shop's whole order number."""

    state: FactState
    order_id: str = ""
    kind: FactKind | None = None


def facts(session: Session, program_id: int, wanted: FactFilter, part: Part) -> list[Fact]:
    """Facts that wait for another one, or that contradict it."""
    found = select(Fact).where(Fact.program_id == program_id, Fact.state == wanted.state)
    if wanted.order_id:
        found = found.where(Fact.order_id == wanted.order_id)
    if wanted.kind is not None:
        found = found.where(Fact.kind == wanted.kind)
    return list(session.scalars(part.of(found)))


WAITING_WAYS: Final = {"order": Way(Order.id, Order.id)}


def waiting_orders(session: Session, program_id: int, part: Part) -> list[Order]:
    """The orders with a line that waits for an exchange rate."""
    # Joined, not asked of each order: there are few such lines, and many orders.
    lines = waiting_lines().distinct().subquery()
    wanted = select(Order).join(lines, lines.c.order_id == Order.id).where(Order.program_id == program_id)
    return list(session.scalars(part.of(wanted)))


QUALITY_WAYS: Final = {
    "suspicion": Way(ClickQuality.suspicion_ppm, ClickQuality.referrer_id, descending=True),
    "counted": Way(ClickQuality.counted, ClickQuality.referrer_id, descending=True),
}


def click_quality(
    session: Session, program_id: int, days: int, referrer_id: int | None, part: Part
) -> list[QualityRow]:
    """The nightly report of the last ``days`` days."""
    wanted = (
        select(ClickQuality, Referrer.code, Referrer.name)
        .join(Referrer, Referrer.id == ClickQuality.referrer_id)
        .where(ClickQuality.program_id == program_id, ClickQuality.days == days)
    )
    if referrer_id is not None:
        wanted = wanted.where(ClickQuality.referrer_id == referrer_id)
    return [quality_row(*row) for row in session.execute(part.of(wanted))]
