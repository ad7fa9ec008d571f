"""The nightly report of click labels."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id


class ClickQuality(Base):
    """How a referrer's clicks of the ``days`` days up to and including ``until`` were labelled.

    Made anew every night from :class:`ClickTotal`; only the newest report is kept, since the totals stay.
    """

    __tablename__ = "click_quality"
    __table_args__ = (
        CheckConstraint("days IN (1, 30)", name="days"),
        Index("ix_click_quality_order", "program_id", "days", "suspicion_ppm", "referrer_id"),
        Index("ix_click_quality_counted", "program_id", "days", "counted", "referrer_id"),
    )

    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    until: Mapped[date]
    bad_tag: Mapped[int] = mapped_column(Id)
    prefetch: Mapped[int] = mapped_column(Id)
    head: Mapped[int] = mapped_column(Id)
    embedded: Mapped[int] = mapped_column(Id)
    bot: Mapped[int] = mapped_column(Id)
    duplicate: Mapped[int] = mapped_column(Id)
    counted: Mapped[int] = mapped_column(Id)
    suspicion_ppm: Mapped[int]
