"""The people beside a referrer's own account holder who see, or run, that referrer's pages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime, enum_column

__all__ = ["TeamInvitation", "TeamLevel", "TeamMember"]


class TeamLevel(StrEnum):
    """What somebody may do with a referrer's pages."""

    VIEWER = "viewer"
    """Sees everything, changes nothing."""
    OWNER = "owner"
    """Does what the account holder does, but for leaving, erasing and copying the holder's own data."""


class TeamMember(Base):
    """A person of a referrer's team. The account holder (``referrers.user_id``) has no row: they are always in."""

    __tablename__ = "team_members"
    __table_args__ = (UniqueConstraint("referrer_id", "user_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), index=True)
    level: Mapped[TeamLevel] = mapped_column(enum_column(TeamLevel))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TeamInvitation(Base):
    """An invitation that waits for its answer; the row goes when it is accepted or withdrawn."""

    __tablename__ = "team_invitations"
    __table_args__ = (UniqueConstraint("referrer_id", "email"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    email: Mapped[str] = mapped_column(String(254))
    level: Mapped[TeamLevel] = mapped_column(enum_column(TeamLevel))
    invited_by: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), index=True)
    invited_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
