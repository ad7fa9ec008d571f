"""Tables of people, keys and the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.identity.roles import Role
from app.kernel.db import Base, Id, JsonValue, UtcDateTime, enum_column


class User(Base):
    """A person who can log in. ``email`` is kept in lower case; ``password_hash`` is null until
    they set one.
    """

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    """Random, and the only form in which append-only rows name a person."""
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(140))
    role: Mapped[Role] = mapped_column(enum_column(Role))
    locale: Mapped[str] = mapped_column(String(8))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    email_verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class UserSession(Base):
    """One logged-in browser. Only the SHA-256 of its token is stored.

    ``expires_at`` slides with use and never passes ``final_at``.
    """

    __tablename__ = "user_sessions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    agent: Mapped[str] = mapped_column(String(200))
    """How the browser named itself, so that a person recognises their sessions."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    final_at: Mapped[datetime] = mapped_column(UtcDateTime)
    authenticated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the password was last given in this session (re-authentication stamp)."""
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship(lazy="raise")
    program_id: Mapped[int | None] = mapped_column(Id, ForeignKey("programs.id"))
    """The programme whose site vouched for the person and opened it, without a password: it reaches no further."""


class ApiKey(Base):
    """A key of one programme's shop or billing system. Only the SHA-256 of its secret part is stored."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    prefix: Mapped[str] = mapped_column(String(24), unique=True)
    """The public first part (``rfl_`` and 10 characters) by which a key is found, listed and revoked."""
    secret_hash: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(JsonValue)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditEvent(Base):
    """Who changed what, and when. Append-only (triggers), so it names people by their random ids alone."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index(None, "subject", "id"),
        Index(None, "program_id", "id"),
        Index(None, "action", "at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    """``user:usr_...``, ``key:rfl_...``, ``system:NAME`` or ``cli``."""
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(160))
    """What was changed, as ``kind:id``: ``program:hosting``, ``run:hosting:2026-10:EUR:1``."""
    program_id: Mapped[int | None] = mapped_column(Id, ForeignKey("programs.id"))
    details: Mapped[dict[str, Any]] = mapped_column(JsonValue)
