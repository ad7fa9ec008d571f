"""Programmes, their versioned terms, products and kickback rates."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import ids
from app.kernel.db import Base, Id, JsonValue, UtcDateTime, enum_column
from app.referrals.words import (
    Approval,
    AttributionModel,
    CommissionKind,
    ConsentMode,
    Duration,
    LineKind,
    RateKind,
    RateScope,
    TierBasis,
)

__all__ = [
    "Approval",
    "AttributionModel",
    "ConsentMode",
    "Duration",
    "LineKind",
    "Product",
    "Program",
    "ProgramTerms",
    "RateKind",
    "RateScope",
    "RateVersion",
]


class Program(Base):
    """A merchant's partner programme. What money depends on lives in :class:`ProgramTerms`, versioned."""

    __tablename__ = "programs"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("payout_day BETWEEN 1 AND 28", name="payout_day"),
        CheckConstraint("minimum_payout_minor >= 0", name="minimum_payout"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(200))
    currency: Mapped[str] = mapped_column(String(3))
    landing_url: Mapped[str] = mapped_column(String(2000))
    hosts: Mapped[list[str]] = mapped_column(JsonValue)
    """Lower-case host names that a deep link may lead to, besides the landing page's own."""
    timezone: Mapped[str] = mapped_column(String(64))
    consent_mode: Mapped[ConsentMode] = mapped_column(enum_column(ConsentMode))
    payout_day: Mapped[int]
    approval: Mapped[Approval] = mapped_column(enum_column(Approval))
    minimum_payout_minor: Mapped[int] = mapped_column(Id)
    pays_leavers: Mapped[bool] = mapped_column(default=False)
    """Whether who left is paid what is available, even below the minimum."""
    rail: Mapped[str] = mapped_column(String(16), default="sepa")
    debtor_name: Mapped[str | None] = mapped_column(String(140))
    debtor_iban: Mapped[str | None] = mapped_column(String(34))
    debtor_bic: Mapped[str | None] = mapped_column(String(11))
    bank_profile: Mapped[str] = mapped_column(String(16), default="generic")
    instant: Mapped[bool] = mapped_column(default=False)
    """Whether the bank is asked for instant credit transfers (SCT Inst)."""
    joinable: Mapped[bool] = mapped_column(default=True)
    """Whether people may join by themselves, on /join."""
    review: Mapped[dict[str, int | str] | None] = mapped_column(JsonValue)
    """What differs from the defaults of the review rules (``domain/review.py``)."""
    rules_key: Mapped[str] = mapped_column(String(32), default=lambda: ids.random_id(""))
    """Changes whenever this row, its terms, products or rates do (``rulebook.py``)."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ProgramTerms(Base):
    """The terms that decide attribution and maturity, from an instant on; never edited, only followed.

    The attribution window and model of a signup are those in force at its time; the hold period of a commission is
    that in force when its order was paid.
    """

    __tablename__ = "program_terms"
    __table_args__ = (
        UniqueConstraint("program_id", "valid_from"),
        CheckConstraint("window_days BETWEEN 1 AND 365", name="window_days"),
        CheckConstraint("hold_days BETWEEN 0 AND 365", name="hold_days"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    window_days: Mapped[int]
    attribution: Mapped[AttributionModel] = mapped_column(enum_column(AttributionModel))
    hold_days: Mapped[int]
    hold_days_by_method: Mapped[dict[str, int]] = mapped_column(JsonValue)
    """Payment method to days, for those that differ; ``direct_debit`` is 60 unless said otherwise."""


class Product(Base):
    """Something the merchant sells. It participates where a rate version reaches it."""

    __tablename__ = "products"
    __table_args__ = (UniqueConstraint("program_id", "sku"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    sku: Mapped[str] = mapped_column(String(128))
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RateVersion(Base):
    """A kickback rate from an instant on; never edited, only followed by the next version at its level."""

    __tablename__ = "rate_versions"
    __table_args__ = (
        CheckConstraint("rate_ppm BETWEEN 0 AND 1000000", name="rate_ppm"),
        CheckConstraint("flat_minor >= 0", name="flat_minor"),
        CheckConstraint(
            "(kind = 'percent') = (rate_ppm IS NOT NULL) AND (kind = 'flat') = (flat_minor IS NOT NULL)",
            name="one_amount",
        ),
        CheckConstraint("(duration = 'months') = (duration_months IS NOT NULL)", name="months"),
        CheckConstraint("cap_order_minor > 0", name="cap_order"),
        CheckConstraint("cap_customer_minor > 0", name="cap_customer"),
        CheckConstraint("pays = 'kickback' OR (product_id IS NULL AND kind <> 'percent')", name="bonus"),
        Index("ix_rate_versions_level", "program_id", "product_id", "referrer_id", "valid_from"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    product_id: Mapped[int | None] = mapped_column(Id, ForeignKey("products.id"))
    referrer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("referrers.id"))
    kind: Mapped[RateKind] = mapped_column(enum_column(RateKind))
    pays: Mapped[CommissionKind] = mapped_column(enum_column(CommissionKind), default=CommissionKind.KICKBACK)
    """``bonus``: a sign-up bonus, flat or none, for all products; chosen apart from the kickbacks."""
    rate_ppm: Mapped[int | None]
    flat_minor: Mapped[int | None] = mapped_column(Id)
    may_exceed_net: Mapped[bool] = mapped_column(default=False)
    tiers: Mapped[list[dict[str, Any]] | None] = mapped_column(JsonValue)
    """Steps ``{"from": 10, "amount": 120000}``, rising, ``amount`` in the unit of the rate: from that many customers on
    (the tenth included) it holds instead.
    """
    tier_basis: Mapped[TierBasis | None] = mapped_column(enum_column(TierBasis))
    cap_order_minor: Mapped[int | None] = mapped_column(Id)
    cap_customer_minor: Mapped[int | None] = mapped_column(Id)
    duration: Mapped[Duration] = mapped_column(enum_column(Duration))
    duration_months: Mapped[int | None]
    line_kinds: Mapped[list[str]] = mapped_column(JsonValue)
    scope: Mapped[RateScope] = mapped_column(enum_column(RateScope))
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(200))
