"""Clicks as they were labelled, their totals, and the daily keys of the visitor hash."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime

BY_ASSET = text("substr(campaign, 1, 2) = 'b-'")
"""Totals of banners and texts (``links.asset_campaign``). A query says it in these words, or the index is not used."""


class Click(Base):
    """One request to a referral link. All are stored; only those labelled ``counted`` count."""

    __tablename__ = "clicks"
    __table_args__ = (
        UniqueConstraint("event_id"),
        Index("ix_clicks_program_at", "program_id", "at", "id"),
        Index("ix_clicks_referrer_at", "referrer_id", "at", "id"),
        Index(
            "ix_clicks_visitor",
            "visitor",
            sqlite_where=text("visitor IS NOT NULL"),
            postgresql_where=text("visitor IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    event_id: Mapped[str] = mapped_column(String(40))
    """Unique name of the request; the drain is idempotent by it."""
    click_id: Mapped[str | None] = mapped_column(String(80), index=True)
    """The signed id that travelled on; a duplicate carries that of the click it repeats."""
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    referrer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("referrers.id"))
    campaign: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    label: Mapped[str] = mapped_column(String(16))
    visitor: Mapped[str | None] = mapped_column(String(32))
    """HMAC of network and agent, or of the cookie, under the day's key; nobody can go back from it."""
    network: Mapped[str | None] = mapped_column(String(32))
    """HMAC of the network alone, under the day's key."""
    agent: Mapped[str | None] = mapped_column(String(64))
    """Family and major version."""
    source_host: Mapped[str | None] = mapped_column(String(255))


class ClickTotal(Base):
    """Clicks per referrer, campaign, label and day (of the programme's time zone); outlives the raw clicks."""

    __tablename__ = "click_totals"
    __table_args__ = (
        Index("ix_click_totals_program", "program_id", "day"),
        Index(
            "ix_click_totals_asset",
            "program_id",
            "campaign",
            sqlite_where=BY_ASSET,
            postgresql_where=BY_ASSET,
        ),
    )

    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    campaign: Mapped[str] = mapped_column(String(20), primary_key=True)
    label: Mapped[str] = mapped_column(String(16), primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    count: Mapped[int]


class ClickUse(Base):
    """A customer presented a click id, at its signup or with an order: how a click is followed to what came of it."""

    __tablename__ = "click_uses"

    click_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    customer_id: Mapped[int] = mapped_column(Id, ForeignKey("customers.id"), primary_key=True)


class ReferrerNetwork(Base):
    """A network that a referrer logged in from on a UTC day, hashed as the day's clicks; goes with the key."""

    __tablename__ = "referrer_networks"
    __table_args__ = (Index("ix_referrer_networks_referrer", "referrer_id"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), primary_key=True)
    network: Mapped[str] = mapped_column(String(32), primary_key=True)


class VisitorKey(Base):
    """The random key of one UTC day's visitor hashes; destroyed after seven days."""

    __tablename__ = "visitor_keys"

    day: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(32))
