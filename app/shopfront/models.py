"""Tables of hand-overs, of customers' sessions, and of how a programme looks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, JsonValue, UtcDateTime, enum_column
from app.shopfront.words import Opens


class HandOver(Base):
    """One address that opens a page signed in: for one person, for five minutes, once.

    Only the SHA-256 of its token is stored. ``used_at`` is written by whoever uses it first.
    """

    __tablename__ = "hand_overs"
    __table_args__ = (CheckConstraint("(referrer_id IS NULL) <> (customer_id IS NULL)", name="one_person"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    referrer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("referrers.id"))
    customer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("customers.id"), index=True)
    opens: Mapped[Opens] = mapped_column(enum_column(Opens))
    profile_of: Mapped[str | None] = mapped_column(String(32))
    """The code of the referrer whose profile is opened."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CustomerSession(Base):
    """One browser in which a customer of the merchant is known to us. Only the SHA-256 of its token is stored."""

    __tablename__ = "customer_sessions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    customer_id: Mapped[int] = mapped_column(Id, ForeignKey("customers.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Look(Base):
    """How a programme looks, whose name its mails bear, and which sites may frame it. No row: as Refledger does."""

    __tablename__ = "program_looks"
    __table_args__ = (CheckConstraint("(logo IS NULL) = (logo_type IS NULL)", name="logo"),)

    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), primary_key=True)
    brand: Mapped[str | None] = mapped_column(String(80))
    """What stands where "Refledger" stands otherwise."""
    accent_light: Mapped[str | None] = mapped_column(String(7))
    """``#rrggbb`` in lower case, readable on the light ground; ``accent_dark`` on the dark one."""
    accent_dark: Mapped[str | None] = mapped_column(String(7))
    logo: Mapped[bytes | None] = mapped_column(LargeBinary)
    """A picture that we encoded ourselves; ``logo_type`` is its media type."""
    logo_type: Mapped[str | None] = mapped_column(String(32))
    logo_hash: Mapped[str | None] = mapped_column(String(64))
    mail_name: Mapped[str | None] = mapped_column(String(80))
    mail_reply_to: Mapped[str | None] = mapped_column(String(254))
    mail_from: Mapped[str | None] = mapped_column(String(254))
    frame_origins: Mapped[list[str]] = mapped_column(JsonValue, default=list)
    """The origins (``https://shop.example``) whose pages may show ours in a frame."""
