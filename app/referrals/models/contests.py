"""Contests: a referrer disagrees with a commission or decision, staff answer, and both are kept."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime, enum_column

__all__ = ["Contest", "ContestState", "ContestSubject"]


class ContestSubject(StrEnum):
    """What a contest is about."""

    COMMISSION = "commission"
    """One commission; ``about`` is its number."""
    ORDER = "order"
    """An order that earned nothing, or too little; ``about`` is its number."""
    CLICK = "click"
    """A click of which nothing came; ``about`` is the click id."""


class ContestState(StrEnum):
    """How far it has come."""

    OPEN = "open"
    ANSWERED = "answered"


class Contest(Base):
    """What a referrer wrote, and what staff answered. Neither is ever changed, only cleared (docs/privacy.md)."""

    __tablename__ = "contests"
    __table_args__ = (
        UniqueConstraint("contest_id"),
        CheckConstraint("(state = 'answered') = (answer IS NOT NULL)", name="answer"),
        Index("ix_contests_referrer", "referrer_id", "subject", "about"),
        Index("ix_contests_order", "order_id"),
        Index("ix_contests_state", "program_id", "state", "id"),
        Index(
            "uq_contests_open",
            "referrer_id",
            "subject",
            "about",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contest_id: Mapped[str] = mapped_column(String(40))
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    subject: Mapped[ContestSubject] = mapped_column(enum_column(ContestSubject))
    about: Mapped[str] = mapped_column(String(80))
    order_id: Mapped[int | None] = mapped_column(Id, ForeignKey("orders.id"))
    """The order behind it, where there is one."""
    path: Mapped[str] = mapped_column(String(800))
    """The referrer's page that it was sent from, and that shows both."""
    state: Mapped[ContestState] = mapped_column(enum_column(ContestState))
    words: Mapped[str] = mapped_column(String(1000))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answer: Mapped[str | None] = mapped_column(String(1000))
    answered_by: Mapped[str | None] = mapped_column(String(80))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
