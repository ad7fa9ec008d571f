"""Totals of what referrers brought, made anew every night, and of what is owed, carried forward from the ledger."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, enum_column
from app.ledger.models import Figure


class DayTotal(Base):
    """What all referrers of a programme brought on a day of its time zone. Days on which nothing came have no row,
    but for the last one reckoned.
    """

    __tablename__ = "overview_days"

    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    clicks: Mapped[int] = mapped_column(Id)
    """Clicks that counted."""
    signups: Mapped[int] = mapped_column(Id)
    """Customers who signed up and belonged to a referrer then."""
    customers: Mapped[int] = mapped_column(Id)
    """Customers whose first paid order for their referrer it was."""
    orders: Mapped[int] = mapped_column(Id)
    revenue_minor: Mapped[int] = mapped_column(Id)
    """Net of the orders paid that day, less what of them was refunded since."""
    commission_minor: Mapped[int] = mapped_column(Id)
    """What the orders paid that day earn, less what of it was taken back since."""


class ReferrerTotal(Base):
    """The same for one referrer and a period, up to the last day reckoned; whoever brought most is found by index."""

    __tablename__ = "overview_referrers"
    __table_args__ = (Index("ix_overview_referrers_revenue", "program_id", "period", "revenue_minor"),)

    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), primary_key=True)
    period: Mapped[str] = mapped_column(String(10), primary_key=True)
    """``YYYY-MM``, or ``YYYY-MM/12`` for that month and the eleven before."""
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), primary_key=True)
    clicks: Mapped[int] = mapped_column(Id)
    signups: Mapped[int] = mapped_column(Id)
    customers: Mapped[int] = mapped_column(Id)
    orders: Mapped[int] = mapped_column(Id)
    revenue_minor: Mapped[int] = mapped_column(Id)
    commission_minor: Mapped[int] = mapped_column(Id)


class OwedTotal(Base):
    """What a programme owes its referrers together, by the day it is payable, from the entries up to
    :class:`OwedMark`.
    """

    __tablename__ = "overview_owed"

    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), primary_key=True)
    figure: Mapped[Figure] = mapped_column(enum_column(Figure), primary_key=True)
    available_on: Mapped[date] = mapped_column(primary_key=True)
    amount_minor: Mapped[int] = mapped_column(Id)


class OwedMark(Base):
    """Up to which ledger entry :class:`OwedTotal` goes. Entries are never changed, so what is owed now is that sum
    and the entries after it.
    """

    __tablename__ = "overview_owed_marks"

    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), primary_key=True)
    last_entry_id: Mapped[int] = mapped_column(Id)
