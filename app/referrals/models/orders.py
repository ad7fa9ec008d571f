"""Facts as they came in, and the orders, corrections and refunds they make up."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kernel.db import Base, Id, JsonValue, UtcDateTime, enum_column
from app.referrals.words import FactKind, FactState, LineKind, OrderStatus, RefundKind

__all__ = [
    "GONE",
    "Correction",
    "Fact",
    "FactKind",
    "FactState",
    "Order",
    "OrderLine",
    "OrderStatus",
    "Refund",
    "RefundKind",
]


GONE: Final = -1
"""The position of a line that a correction took out of its order: it earns nothing, whatever its rate."""


class Fact(Base):
    """One fact from outside under its natural key, as it was sent (personal data as keyed fingerprints).

    The row is the idempotency record, the parking place of what came too early, and what a replay starts from.
    """

    __tablename__ = "facts"
    __table_args__ = (
        UniqueConstraint("program_id", "kind", "key"),
        Index("ix_facts_order", "program_id", "order_id"),
        Index("ix_facts_state", "program_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    kind: Mapped[FactKind] = mapped_column(enum_column(FactKind))
    key: Mapped[str] = mapped_column(String(300))
    order_id: Mapped[str | None] = mapped_column(String(128))
    body_hash: Mapped[str] = mapped_column(String(64))
    body: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    state: Mapped[FactState] = mapped_column(enum_column(FactState))
    reason: Mapped[str | None] = mapped_column(String(300))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Order(Base):
    """An order of a customer, as its facts so far make it."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("program_id", "order_id"),
        CheckConstraint("(status = 'paid') = (paid_at IS NOT NULL)", name="paid_at"),
        CheckConstraint("(status = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled_at"),
        Index("ix_orders_customer", "customer_id", "placed_at"),
        Index("ix_orders_program_placed", "program_id", "placed_at", "id"),
        Index("ix_orders_status", "program_id", "status", "placed_at", "id"),
        Index("ix_orders_referrer", "referrer_id", "placed_at", "id"),
        Index(
            "ix_orders_program_paid",
            "program_id",
            "paid_at",
            sqlite_where=text("paid_at IS NOT NULL"),
            postgresql_where=text("paid_at IS NOT NULL"),
        ),
        Index(
            "ix_orders_referrer_paid",
            "referrer_id",
            "paid_at",
            "customer_id",
            "counted",
            sqlite_where=text("referrer_id IS NOT NULL AND paid_at IS NOT NULL"),
            postgresql_where=text("referrer_id IS NOT NULL AND paid_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    customer_id: Mapped[int] = mapped_column(Id, ForeignKey("customers.id"))
    order_id: Mapped[str] = mapped_column(String(128))
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[OrderStatus] = mapped_column(enum_column(OrderStatus))
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    method: Mapped[str | None] = mapped_column(String(32))
    payer_iban_key: Mapped[str | None] = mapped_column(String(64))
    click_id: Mapped[str | None] = mapped_column(String(80))
    coupon: Mapped[str | None] = mapped_column(String(64))
    referrer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("referrers.id"))
    """Whom the order belongs to now, by the customer's binding at ``placed_at``."""
    exchange: Mapped[dict[str, Any] | None] = mapped_column(JsonValue)
    """What converts it where its currency is not the programme's: the reference rates of a day, like
    ``{"on": "2026-09-09", "per_euro": {"USD": "1.08"}}``. Null while it waits for them.
    """
    counted: Mapped[bool] = mapped_column(default=True)
    """Whether its customer counts by it for performance tiers: not while a review holds it as the referrer's own order,
    and not once it is rejected.
    """
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OrderLine(Base):
    """One line of an order as it is now. ``net_minor`` is what the customer paid for the whole line, before refunds."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "line_id"),
        CheckConstraint("net_minor >= 0", name="net"),
        CheckConstraint("quantity >= 1", name="quantity"),
        CheckConstraint("refunded_minor BETWEEN 0 AND net_minor", name="refunded"),
        Index("ix_order_lines_product", "product_id"),
        Index(
            "ix_order_lines_waiting",
            "order_id",
            sqlite_where=text("outcome = 'waiting_rate'"),
            postgresql_where=text("outcome = 'waiting_rate'"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_id: Mapped[int] = mapped_column(Id, ForeignKey("orders.id"))
    line_id: Mapped[str] = mapped_column(String(128))
    position: Mapped[int]
    sku: Mapped[str] = mapped_column(String(128))
    product_id: Mapped[int | None] = mapped_column(Id, ForeignKey("products.id"))
    quantity: Mapped[int] = mapped_column(Id)
    net_minor: Mapped[int] = mapped_column(Id)
    refunded_minor: Mapped[int] = mapped_column(Id, default=0)
    kind: Mapped[LineKind] = mapped_column(enum_column(LineKind))
    outcome: Mapped[str] = mapped_column(String(32))
    """A member of :class:`app.referrals.domain.commission.Outcome`: earns, or why it does not."""
    order: Mapped[Order] = relationship(lazy="raise")


class Correction(Base):
    """The lines of an order as the merchant says they are from ``corrected_at`` on."""

    __tablename__ = "corrections"
    __table_args__ = (UniqueConstraint("program_id", "correction_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    order_id: Mapped[int] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    correction_id: Mapped[str] = mapped_column(String(128))
    corrected_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JsonValue)


class Refund(Base):
    """A refund, chargeback or chargeback reversal. ``full`` takes whatever every line has."""

    __tablename__ = "refunds"
    __table_args__ = (UniqueConstraint("program_id", "refund_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    order_id: Mapped[int] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    refund_id: Mapped[str] = mapped_column(String(128))
    kind: Mapped[RefundKind] = mapped_column(enum_column(RefundKind))
    reverses: Mapped[str | None] = mapped_column(String(128))
    refunded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    full: Mapped[bool]
    lines: Mapped[dict[str, int]] = mapped_column(JsonValue)
    """``line_id`` to net minor units; empty when ``full``."""
