"""Referrers who turned out to be one person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime

__all__ = ["Merger"]


class Merger(Base):
    """From ``made_at`` on, ``survivor`` stands for ``gone``: in links, coupons, typed codes, and to its customers.

    What ``gone`` earned before stays its own, and is paid to it (docs/adr/0028). Never edited and never undone.
    """

    __tablename__ = "mergers"
    __table_args__ = (UniqueConstraint("gone_id"), CheckConstraint("gone_id <> survivor_id", name="two"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    gone_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    survivor_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), index=True)
    reason: Mapped[str] = mapped_column(String(500))
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
