"""The programme's terms as people read and accept them, beside the figures that the rules go by (``programs.py``)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime

__all__ = ["PublishedTerms", "TermsAcceptance"]


class PublishedTerms(Base):
    """A version of a programme's terms that staff published; never edited, only followed by the next."""

    __tablename__ = "published_terms"
    __table_args__ = (UniqueConstraint("program_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    number: Mapped[int]
    """1, 2, 3 within the programme."""
    text: Mapped[str] = mapped_column(String(20_000))
    """Plain paragraphs, divided by empty lines, in whatever language the merchant wrote them."""
    effective_on: Mapped[date]
    """The first day on which they hold, in the programme's time zone."""
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_by: Mapped[str] = mapped_column(String(80))


class TermsAcceptance(Base):
    """A referrer's acceptance of one version, and when. Accepting again changes nothing."""

    __tablename__ = "terms_acceptances"
    __table_args__ = (UniqueConstraint("referrer_id", "terms_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    terms_id: Mapped[int] = mapped_column(Id, ForeignKey("published_terms.id"))
    accepted_at: Mapped[datetime] = mapped_column(UtcDateTime)
