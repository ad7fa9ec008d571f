"""Customers, how they signed up, whom they belong to, and every decision about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, JsonValue, UtcDateTime, enum_column
from app.referrals.words import BindingMethod

__all__ = ["Binding", "BindingMethod", "Customer", "Decision", "PartnerChoice", "Signup"]


class Customer(Base):
    """A customer of the merchant under the merchant's own id; its row is the lock that every fact takes first."""

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("program_id", "customer_id"),
        Index("ix_customers_program", "program_id", "id"),
        Index(
            "ix_customers_email",
            "program_id",
            "email_key",
            sqlite_where=text("email_key IS NOT NULL"),
            postgresql_where=text("email_key IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    customer_id: Mapped[str] = mapped_column(String(128))
    email_key: Mapped[str | None] = mapped_column(String(64))
    """Keyed fingerprint of the normalised address, from the signup."""
    first_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The earliest of its signup's and its orders' own times: a later click finds an existing customer."""
    forgotten_paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The earliest payment among its orders that became totals: no later order is taken for its first."""
    marks: Mapped[list[dict[str, Any]] | None] = mapped_column(JsonValue)
    """What the review rules found in how it came (``marks.py``): every order for that referrer is judged by it."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Signup(Base):
    """A customer's one signup and the candidates that came with it, over all its postings."""

    __tablename__ = "signups"
    __table_args__ = (Index("ix_signups_program", "program_id", "signed_up_at"),)

    customer_id: Mapped[int] = mapped_column(Id, ForeignKey("customers.id"), primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    signed_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    click_ids: Mapped[list[str]] = mapped_column(JsonValue)
    coupons: Mapped[list[str]] = mapped_column(JsonValue)
    referrer_codes: Mapped[list[str]] = mapped_column(JsonValue)
    lead_ids: Mapped[list[str]] = mapped_column(JsonValue, default=list)
    """The leads that named the customer's e-mail address; they stay when the address is erased."""


class PartnerChoice(Base):
    """A customer chose a partner, or (``referrer_id`` null) ended the one it had."""

    __tablename__ = "partner_choices"
    __table_args__ = (UniqueConstraint("customer_id", "chosen_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(Id, ForeignKey("customers.id"))
    chosen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    referrer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("referrers.id"))


class Binding(Base):
    """A span [from_at, until_at) in which the orders a customer places earn for one referrer.

    Derived from the customer's facts; rewritten when a late, earlier-dated fact changes it.
    """

    __tablename__ = "bindings"
    __table_args__ = (
        UniqueConstraint("customer_id", "from_at"),
        Index("ix_bindings_referrer", "referrer_id", "from_at"),
        Index("ix_bindings_campaign", "referrer_id", "campaign", "first_paid_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(Id, ForeignKey("customers.id"))
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    method: Mapped[BindingMethod] = mapped_column(enum_column(BindingMethod))
    from_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    campaign: Mapped[str] = mapped_column(String(20), default="")
    """The campaign of the link whose click brought the customer; empty where none did."""
    first_paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    first_paid_order: Mapped[str | None] = mapped_column(String(128))
    """``order_id`` of the first paid order by (``paid_at``, ``order_id``): where durations start."""


class Decision(Base):
    """An attribution decision as it was taken, with every candidate; a later fact adds a new one, ``superseded``."""

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("decision_id"),
        Index("ix_decisions_customer", "customer_id", "occasion", "occasion_ref"),
        Index(
            "uq_decisions_current",
            "customer_id",
            "occasion",
            "occasion_ref",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    decision_id: Mapped[str] = mapped_column(String(40))
    customer_id: Mapped[int] = mapped_column(Id, ForeignKey("customers.id"))
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    occasion: Mapped[str] = mapped_column(String(16))
    """"signup", "order", "choice" or "staff"."""
    occasion_ref: Mapped[str] = mapped_column(String(128))
    occasion_at: Mapped[datetime] = mapped_column(UtcDateTime)
    rule: Mapped[str] = mapped_column(String(64))
    """Name and version of the rule, with the terms it used."""
    referrer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("referrers.id"))
    method: Mapped[BindingMethod | None] = mapped_column(enum_column(BindingMethod))
    bound_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    candidates: Mapped[list[dict[str, Any]]] = mapped_column(JsonValue)
    """Every candidate: kind, value, referrer, time, and the reason it lost, or null for the winner."""
    unpresented: Mapped[list[dict[str, Any]]] = mapped_column(JsonValue, default=list)
    """Clicks of the same visitor that would have won and were not presented: value, referrer, time."""
    reason: Mapped[str | None] = mapped_column(String(500))
    """What staff wrote; for staff only."""
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
    superseded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
