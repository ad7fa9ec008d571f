"""What people say about whom a customer belongs to: prospects that referrers registered, and staff's corrections."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime

__all__ = ["Assignment", "Lead"]


class Lead(Base):
    """A prospect that a referrer registered. The e-mail address is kept as its keyed fingerprint only."""

    __tablename__ = "leads"
    __table_args__ = (
        UniqueConstraint("program_id", "lead_id"),
        Index(
            "ix_leads_email",
            "program_id",
            "email_key",
            sqlite_where=text("email_key IS NOT NULL"),
            postgresql_where=text("email_key IS NOT NULL"),
        ),
        Index("ix_leads_referrer", "referrer_id", "registered_at", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    lead_id: Mapped[str] = mapped_column(String(128))
    email_key: Mapped[str | None] = mapped_column(String(64))
    """Fingerprint of the normalised address, comparable with a customer's; null once it was forgotten."""
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Assignment(Base):
    """Staff said whom a customer belongs to from ``from_at`` on; never edited, only followed by the next one."""

    __tablename__ = "assignments"
    __table_args__ = (UniqueConstraint("assignment_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    assignment_id: Mapped[str] = mapped_column(String(40))
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    customer_id: Mapped[int] = mapped_column(Id, ForeignKey("customers.id"), index=True)
    referrer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("referrers.id"))
    """Null: the customer belongs to nobody."""
    from_at: Mapped[datetime] = mapped_column(UtcDateTime)
    also_earlier: Mapped[bool]
    """Whether orders placed before ``from_at`` move too."""
    reason: Mapped[str] = mapped_column(String(500))
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
