"""What stays of orders that nobody was rewarded for, once they are too old to keep."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, enum_column
from app.referrals.words import OrderStatus


class OrderTotal(Base):
    """Order lines of unattributed orders older than their retention, per programme, month, product and currency.

    The orders themselves are gone; no row names a customer or an order. ``month`` is ``YYYY-MM`` of the order's
    placing in the programme's time zone. Amounts are minor units of ``currency``, the net before refunds and what of
    it went back.
    """

    __tablename__ = "order_totals"

    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    sku: Mapped[str] = mapped_column(String(128), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    status: Mapped[OrderStatus] = mapped_column(enum_column(OrderStatus), primary_key=True)
    line_count: Mapped[int] = mapped_column(default=0)
    quantity: Mapped[int] = mapped_column(Id, default=0)
    net_minor: Mapped[int] = mapped_column(Id, default=0)
    refunded_minor: Mapped[int] = mapped_column(Id, default=0)
