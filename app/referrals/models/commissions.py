"""Commissions and what holds them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kernel.db import Base, Id, JsonValue, UtcDateTime, enum_column
from app.referrals.models.orders import Order, OrderLine
from app.referrals.words import CommissionKind, HoldRule, HoldState

__all__ = ["Commission", "CommissionKind", "Hold", "HoldRule", "HoldState", "TierRecount"]


class Commission(Base):
    """What one order line earns one referrer: its kickback, or the sign-up bonus of the order that it begins.

    ``target_minor`` is the commission of the line's current net paid amount; whatever changes that amount recomputes
    the target and posts the difference. ``clawed_back`` is ``earned_minor - target_minor``.
    """

    __tablename__ = "commissions"
    __table_args__ = (
        UniqueConstraint("order_line_id", "referrer_id", "kind"),
        CheckConstraint("earned_minor >= 0", name="earned"),
        CheckConstraint("target_minor BETWEEN 0 AND earned_minor", name="target"),
        CheckConstraint("held_minor >= 0", name="held"),
        Index("ix_commissions_referrer", "referrer_id", "paid_at", "id"),
        Index("ix_commissions_program", "program_id", "paid_at", "id"),
        Index("ix_commissions_amount", "program_id", "target_minor", "id"),
        Index("ix_commissions_available", "referrer_id", "available_on"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    order_id: Mapped[int] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    order_line_id: Mapped[int] = mapped_column(Id, ForeignKey("order_lines.id"))
    kind: Mapped[CommissionKind] = mapped_column(enum_column(CommissionKind), default=CommissionKind.KICKBACK)
    rate_version_id: Mapped[int] = mapped_column(Id, ForeignKey("rate_versions.id"))
    """The version it was computed with; kept when a late fact takes the commission away again."""
    base_minor: Mapped[int] = mapped_column(Id)
    """The line's net before refunds, in the programme's currency; of a bonus, the bonus."""
    tier_from: Mapped[int | None]
    """The performance tier that applied: its number of customers."""
    uncapped_minor: Mapped[int | None] = mapped_column(Id)
    """What it would have earned where a cap cut it."""
    earned_minor: Mapped[int] = mapped_column(Id)
    target_minor: Mapped[int] = mapped_column(Id)
    held_minor: Mapped[int] = mapped_column(Id, default=0)
    """What of it stands on the ledger account ``held``."""
    rejected: Mapped[bool] = mapped_column(default=False)
    """Rejected by review, for good: the target stays zero."""
    paid_at: Mapped[datetime] = mapped_column(UtcDateTime)
    available_on: Mapped[date]
    postings: Mapped[int] = mapped_column(default=0)
    """How many postings it has had; numbers their idempotency keys."""
    order: Mapped[Order] = relationship(lazy="raise")
    order_line: Mapped[OrderLine] = relationship(lazy="raise")


class Hold(Base):
    """A commission taken under review by a rule or a person, or only noted, and how that ended."""

    __tablename__ = "holds"
    __table_args__ = (
        Index(
            "uq_holds_open",
            "commission_id",
            "rule",
            unique=True,
            sqlite_where=text("state IN ('open', 'noted')"),
            postgresql_where=text("state IN ('open', 'noted')"),
        ),
        Index("ix_holds_state", "program_id", "state", "id"),
        Index("ix_holds_commission", "commission_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    commission_id: Mapped[int] = mapped_column(Id, ForeignKey("commissions.id"))
    rule: Mapped[HoldRule] = mapped_column(enum_column(HoldRule))
    rule_version: Mapped[int]
    evidence: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    """For staff only."""
    state: Mapped[HoldState] = mapped_column(enum_column(HoldState))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str | None] = mapped_column(String(500))

    @classmethod
    def told(cls) -> ColumnElement[bool]:
        """Whether the referrer is told of it: notes are for staff."""
        return cls.state.not_in((HoldState.NOTED, HoldState.SEEN))


class TierRecount(Base):
    """A late or moved order changed which number a referrer's later customers are: settle them again.

    Written with the order that caused it and deleted once all are settled, so that a lost job loses nothing.
    """

    __tablename__ = "tier_recounts"
    __table_args__ = (Index("ix_tier_recounts_referrer", "referrer_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    """Orders paid before then are as they were."""
