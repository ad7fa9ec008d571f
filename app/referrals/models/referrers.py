"""Referrers, their links and coupons."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, JsonValue, UtcDateTime, enum_column
from app.referrals.words import ReferrerStatus

__all__ = ["Coupon", "Link", "Referrer", "ReferrerStatus"]


class Referrer(Base):
    """A customer of the merchant who joined one programme. ``code`` is unique in the installation."""

    __tablename__ = "referrers"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("program_id", "email_key"),
        Index("ix_referrers_joined", "program_id", "joined_at", "id"),
        Index("ix_referrers_name", "program_id", "name", "id"),
        Index("ix_referrers_code", "program_id", "code", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"), index=True)
    code: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(64))
    """Keyed fingerprint of the normalised address, comparable with a customer's."""
    locale: Mapped[str] = mapped_column(String(2))
    status: Mapped[ReferrerStatus] = mapped_column(enum_column(ReferrerStatus))
    suspensions: Mapped[list[list[str | None]]] = mapped_column(JsonValue)
    """Half-open spans [from, until|null] in RFC 3339 during which nothing new was attributed."""
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    terms_version: Mapped[str | None] = mapped_column(String(32))
    terms_accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Name, address and bank accounts were removed then; ``code`` and the amounts stay."""


class Link(Base):
    """A campaign link that a referrer made; ``to`` is its deep link. The plain link needs no row."""

    __tablename__ = "links"
    __table_args__ = (
        UniqueConstraint("referrer_id", "campaign", "to"),
        Index("ix_links_campaign", "campaign"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    campaign: Mapped[str] = mapped_column(String(20), default="")
    to: Mapped[str] = mapped_column(String(2000), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Coupon(Base):
    """A coupon code owned by a referrer; ``code`` is kept in upper case and compared so."""

    __tablename__ = "coupons"
    __table_args__ = (UniqueConstraint("program_id", "code"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), index=True)
    code: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
