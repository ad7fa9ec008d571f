"""The outbox: one row for every message that an event calls for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, JsonValue, UtcDateTime, enum_column


class MailKind(StrEnum):
    """What a message is about; each has its text in every language under ``templates/mail/``."""

    WELCOME = "welcome"
    """A new account: set your password."""
    PASSWORD_RESET = "password_reset"  # noqa: S105 -- a kind of message, not a secret
    """Somebody asked for a new password."""
    VERIFY_EMAIL = "verify_email"
    """Show that this mailbox is yours."""
    BANK_ACCOUNT_CHANGED = "bank_account_changed"
    """Another bank account is on file; goes to the old and to the new address."""
    BANK_ACCOUNT_RESTORED = "bank_account_restored"
    """A change of the bank account was taken back by the mailed link."""
    PARTNER_CHOSEN = "partner_chosen"
    """A customer chose this referrer as their partner."""
    PARTNER_LEFT = "partner_left"
    """A customer ended the partnership, or chose somebody else."""
    PAYOUT_SENT = "payout_sent"
    """Money is on its way, or the bank has booked it."""
    PAYOUT_FAILED = "payout_failed"
    """The bank rejected or returned a payout."""
    CONTEST_OPENED = "contest_opened"
    """A referrer contests something; goes to the staff who answer."""
    CONTEST_ANSWERED = "contest_answered"
    """Staff answered what a referrer contested."""


class Mail(Base):
    """One message. ``context`` holds ids and finished facts, never a token: links are signed when it is sent.

    Unsent rows are due from ``next_attempt_at`` on. Sending moves that instant ahead before it speaks to the
    mail server, so that two senders cannot take one row, and a killed one gives it back after the delay.
    """

    __tablename__ = "mails"
    __table_args__ = (
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index(None, "next_attempt_at"),
        Index(None, "sent_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    event_key: Mapped[str] = mapped_column(String(160), unique=True)
    """Names the event and the recipient's part in it; an event mails once for ever."""
    kind: Mapped[MailKind] = mapped_column(enum_column(MailKind))
    recipient: Mapped[str] = mapped_column(String(254))
    locale: Mapped[str] = mapped_column(String(8))
    context: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Null once it was sent, or given up."""
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(200))
