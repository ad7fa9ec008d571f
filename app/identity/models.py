"""Tables of people, keys and the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String
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
    second_factor_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when logging in takes more than the password: an authenticator app or a passkey. Null without one."""
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
    """When the person last proved who they are in this session (re-authentication stamp)."""
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    program_id: Mapped[int | None] = mapped_column(Id, ForeignKey("programs.id"))
    """The programme whose site vouched for the person and opened it, without a password: it reaches no further."""

    user: Mapped[User] = relationship(lazy="raise")


class Authenticator(Base):
    """A person's app that shows codes (TOTP, RFC 6238: SHA-1, six digits, 30 seconds). One each.

    ``last_step`` is the 30-second step of the last code that was taken, so that no code works twice.
    """

    __tablename__ = "authenticators"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), unique=True)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its first code was given; until then it opens nothing and is asked for nowhere."""


class RecoveryCode(Base):
    """A code for the day on which app and passkeys are lost. Only its keyed hash is stored; it works once."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), index=True)
    code_key: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Passkey(Base):
    """A key pair of a person's device (WebAuthn). Only the public half is known here."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    credential_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the credential's id, by which it is found."""
    credential: Mapped[bytes] = mapped_column(LargeBinary)
    """Attested credential data (WebAuthn, 6.5.2): id and public key."""
    sign_count: Mapped[int] = mapped_column(BigInteger)
    """The device's counter at its last use; 0 where it counts nothing."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PasskeyAnswer(Base):
    """A challenge that a device has answered: for as long as it would still count, so that none counts twice."""

    __tablename__ = "passkey_answers"

    challenge_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    answered_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class EmailChange(Base):
    """Another address that a person asked for: it holds from the press on the link mailed to it."""

    __tablename__ = "email_changes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), index=True)
    old_email: Mapped[str] = mapped_column(String(254))
    new_email: Mapped[str] = mapped_column(String(254))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


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
        Index(None, "at", "id"),
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
