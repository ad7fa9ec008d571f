"""The tables of the directory."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.directory.domain.states import ProfileState, RatingState, ReportedPart, ReportState
from app.kernel.db import Base, Id, JsonValue, UtcDateTime, enum_column


def _bytewise(length: int) -> String:
    """Text that both databases compare byte by byte, so that "begins with" is a range of the index."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


REASON: Final = 500
"""Characters of a reason, of staff or of somebody who reports."""


class Directory(Base):
    """A programme's directory. Without a row, or closed, the programme has none that the public can see."""

    __tablename__ = "directories"

    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), primary_key=True)
    is_open: Mapped[bool]
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Expertise(Base):
    """Something that partners can be good at, in the words of staff; a retired one is not offered any more."""

    __tablename__ = "expertises"
    __table_args__ = (UniqueConstraint("program_id", "name_en"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    name_en: Mapped[str] = mapped_column(String(60))
    name_nl: Mapped[str] = mapped_column(String(60))
    name_de: Mapped[str] = mapped_column(String(60))
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Profile(Base):
    """The partner's own version of their profile, on its way to the public."""

    __tablename__ = "partner_profiles"
    __table_args__ = (Index("ix_partner_profiles_queue", "program_id", "state", "submitted_at"),)

    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    state: Mapped[ProfileState] = mapped_column(enum_column(ProfileState))
    content: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    revision: Mapped[int]
    """Rises with each change. Staff decide on the revision that they read."""
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    remark: Mapped[str | None] = mapped_column(String(REASON))
    """Why staff sent it back; gone once it is submitted again."""


class Listing(Base):
    """What the public sees of a partner: the content that staff let through, and what ratings add up to."""

    __tablename__ = "partner_listings"
    __table_args__ = (
        Index("ix_partner_listings_rank", "program_id", "rank", "referrer_id"),
        Index("ix_partner_listings_name", "program_id", "name_key", "referrer_id"),
    )

    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    content: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    name_key: Mapped[str] = mapped_column(_bytewise(200))
    rank: Mapped[int]
    rating_total: Mapped[int]
    """Stars of all shown ratings together."""
    rating_count: Mapped[int]
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ListingTerm(Base):
    """A term by which a listing is found (``domain/profile.py``): filters and search walk this one index."""

    __tablename__ = "listing_terms"

    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), primary_key=True)
    term: Mapped[str] = mapped_column(_bytewise(40), primary_key=True)
    referrer_id: Mapped[int] = mapped_column(
        Id, ForeignKey("partner_listings.referrer_id"), primary_key=True, index=True
    )


class Rating(Base):
    """What a customer says of a partner: one for each pair. ``shown_`` is what the public sees of it."""

    __tablename__ = "ratings"
    __table_args__ = (
        UniqueConstraint("rating_id"),
        UniqueConstraint("customer_id", "referrer_id"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        CheckConstraint("shown_stars BETWEEN 1 AND 5", name="shown_stars"),
        CheckConstraint("(shown_stars IS NULL) = (shown_at IS NULL)", name="shown"),
        Index("ix_ratings_queue", "program_id", "state", "written_at"),
        Index("ix_ratings_shown", "referrer_id", "shown_at", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    rating_id: Mapped[str] = mapped_column(String(40))
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    customer_id: Mapped[int] = mapped_column(Id, ForeignKey("customers.id"))
    state: Mapped[RatingState] = mapped_column(enum_column(RatingState))
    revision: Mapped[int]
    stars: Mapped[int]
    words: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(String(60))
    """The name under which the customer wants it shown; empty: none."""
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)
    remark: Mapped[str | None] = mapped_column(String(REASON))
    """Why staff refused it."""
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    shown_stars: Mapped[int | None]
    shown_words: Mapped[str | None] = mapped_column(Text)
    shown_signature: Mapped[str | None] = mapped_column(String(60))
    shown_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the customer wrote what is shown."""
    answer: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer_closed: Mapped[bool] = mapped_column(default=False)
    """Staff took the partner's answer down; there is no second one."""


class RatingReport(Base):
    """Somebody thinks that a rating, or its answer, should not be there. Who it was is not kept."""

    __tablename__ = "rating_reports"
    __table_args__ = (
        UniqueConstraint("report_id"),
        Index("ix_rating_reports_queue", "program_id", "state", "made_at"),
        Index("ix_rating_reports_rating", "rating_id", "state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    report_id: Mapped[str] = mapped_column(String(40))
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    rating_id: Mapped[int] = mapped_column(Id, ForeignKey("ratings.id"))
    part: Mapped[ReportedPart] = mapped_column(enum_column(ReportedPart))
    reason: Mapped[str] = mapped_column(String(REASON))
    state: Mapped[ReportState] = mapped_column(enum_column(ReportState))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
