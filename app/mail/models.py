"""The outbox: one row for every message that an event calls for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
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
    ADDRESS_CHANGED = "address_changed"
    """Staff corrected the referrer's e-mail address; goes to the old and to the new one."""
    PARTNER_CHOSEN = "partner_chosen"
    """A customer chose this referrer as their partner."""
    PARTNER_LEFT = "partner_left"
    """A customer ended the partnership, or chose somebody else."""
    PAYOUT_SENT = "payout_sent"
    """Money is on its way, or the bank has booked it."""
    PAYOUT_FAILED = "payout_failed"
    """The bank rejected or returned a payout."""
    FIRST_COMMISSION = "first_commission"
    """The first order that earned something."""
    STATEMENT_READY = "statement_ready"
    """A month is over: what was earned and what is owed, and where the statement is."""
    REVIEW_DECIDED = "review_decided"
    """Staff released or rejected a commission that was under review."""
    RATES_WORSE = "rates_worse"
    """A rate version will pay the referrer less."""
    TERMS_PUBLISHED = "terms_published"
    """There is a new version of the terms, to be accepted."""
    SUSPENDED = "suspended"
    """Staff suspended the referrer."""
    REINSTATED = "reinstated"
    """Staff let a suspended referrer take part again."""
    DOCUMENT_ISSUED = "document_issued"
    """A tax document was written on the referrer's behalf."""
    OBJECTION_SETTLED = "objection_settled"
    """Staff looked at an objection to a document."""
    CONTEST_OPENED = "contest_opened"
    """A referrer contests something; goes to the staff who answer."""
    CONTEST_ANSWERED = "contest_answered"
    """Staff answered what a referrer contested."""
    STAFF_INVITED = "staff_invited"
    """An owner made an account for a colleague: set your password."""
    FACTOR_CHANGED = "factor_changed"
    """A second step of logging in was set up, or taken away."""
    ADDRESS_ASKED = "address_asked"
    """Show that this mailbox is yours: it is to become the address of an account."""
    ADDRESS_MOVED = "address_moved"
    """The person gave their account another address; goes to the old one, with the link that takes it back."""
    TEAM_INVITED = "team_invited"
    """Somebody is asked into a referrer's team."""
    TEAM_JOINED = "team_joined"
    """The invited person is in; goes to whoever invited them, and to the referrer's own address."""
    TEAM_REMOVED = "team_removed"
    """Somebody is no longer in a referrer's team."""
    PARTNER_ASKED = "partner_asked"
    """A visitor of the directory wrote to the partner; the partner answers them, not us."""
    PROFILE_PUBLISHED = "profile_published"
    """Staff let the partner's profile through."""
    PROFILE_RETURNED = "profile_returned"
    """Staff sent the profile back, or took it out of the directory; the page says why."""
    RATING_SHOWN = "rating_shown"
    """What a customer said of the partner is in the directory now."""


OPTIONAL: Final = frozenset(
    {
        MailKind.FIRST_COMMISSION,
        MailKind.STATEMENT_READY,
        MailKind.PAYOUT_SENT,
        MailKind.REVIEW_DECIDED,
        MailKind.PARTNER_CHOSEN,
        MailKind.PARTNER_LEFT,
        MailKind.RATING_SHOWN,
    }
)
"""What a referrer may turn off. All else is about the account's safety, about money that does not arrive, changes what
was agreed, has to be delivered by law, or answers what they asked.
"""


PASSED_ON: Final = frozenset({MailKind.PARTNER_ASKED})
"""What somebody else wrote: it is forgotten as soon as it is sent or given up. That there was a mail stays."""


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
    referrer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("referrers.id"))
    """Whose wishes decide whether it goes out; null where it is for somebody as a user, or for staff."""
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


class MailRefusal(Base):
    """A kind of mail that a referrer does not want. Only for kinds in :data:`OPTIONAL`."""

    __tablename__ = "mail_refusals"

    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), primary_key=True)
    kind: Mapped[MailKind] = mapped_column(enum_column(MailKind), primary_key=True)
    refused_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MailMark(Base):
    """An event whose mails are all in the outbox: written last, so that a crash begins the rest of it again."""

    __tablename__ = "mail_marks"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    """``event:{audit event}``, ``statements:{programme}:{month}``."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
