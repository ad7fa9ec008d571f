"""What the bank answered: files, statements, and each record with what became of it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime, enum_column
from app.payouts.words import BankEventKind, BankEventState, BankFileKind, BankFileState, ExceptionReason


class BankFile(Base):
    """A file from the bank, known by its SHA-256: the same bytes twice do nothing twice."""

    __tablename__ = "bank_files"
    __table_args__ = (UniqueConstraint("sha256"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[BankFileKind] = mapped_column(enum_column(BankFileKind))
    state: Mapped[BankFileState] = mapped_column(enum_column(BankFileState))
    record_count: Mapped[int] = mapped_column(default=0)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    imported_by: Mapped[str] = mapped_column(String(80))


class BankStatement(Base):
    """A statement's two balances; each statement must open with what the one before closed with."""

    __tablename__ = "bank_statements"
    __table_args__ = (
        UniqueConstraint("account", "currency", "statement_id", "closing_on"),
        Index("ix_bank_statements_last", "account", "currency", "closing_on"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    bank_file_id: Mapped[int] = mapped_column(Id, ForeignKey("bank_files.id"))
    account: Mapped[str] = mapped_column(String(34))
    currency: Mapped[str] = mapped_column(String(3))
    statement_id: Mapped[str] = mapped_column(String(35))
    opening_on: Mapped[date]
    opening_minor: Mapped[int] = mapped_column(Id)
    closing_on: Mapped[date]
    closing_minor: Mapped[int] = mapped_column(Id)


class BankEvent(Base):
    """One record of a bank file, kept once under ``dedup_key`` whichever message types and
    files repeat it.
    """

    __tablename__ = "bank_events"
    __table_args__ = (
        UniqueConstraint("dedup_key"),
        CheckConstraint("(state IN ('exception', 'resolved')) = (exception IS NOT NULL)", name="exception"),
        CheckConstraint("(state = 'resolved') = (resolved_at IS NOT NULL)", name="resolved"),
        Index("ix_bank_events_state", "state", "id"),
        Index("ix_bank_events_file", "bank_file_id", "state", "id"),
        Index("ix_bank_events_payment", "end_to_end_id"),
        Index("ix_bank_events_reference", "entry_ref"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    bank_file_id: Mapped[int] = mapped_column(Id, ForeignKey("bank_files.id"))
    kind: Mapped[BankEventKind] = mapped_column(enum_column(BankEventKind))
    state: Mapped[BankEventState] = mapped_column(enum_column(BankEventState))
    dedup_key: Mapped[str] = mapped_column(String(64))
    """SHA-256 over what identifies the record across message types and files."""
    account: Mapped[str | None] = mapped_column(String(34))
    entry_ref: Mapped[str | None] = mapped_column(String(64))
    """The account servicer's reference of the booking that the record belongs to."""
    booked: Mapped[bool]
    """Whether the entry is booked (not pending, not information)."""
    booked_on: Mapped[date | None]
    amount_minor: Mapped[int | None] = mapped_column(Id)
    currency: Mapped[str | None] = mapped_column(String(3))
    end_to_end_id: Mapped[str | None] = mapped_column(String(64))
    message_id: Mapped[str | None] = mapped_column(String(64))
    payment_information_id: Mapped[str | None] = mapped_column(String(64))
    batch_count: Mapped[int | None]
    """How many payments a batch entry without details sums up."""
    status: Mapped[str | None] = mapped_column(String(8))
    """The transaction status of a pain.002 (ACCP, RJCT ...)."""
    reason_code: Mapped[str | None] = mapped_column(String(35))
    inherited: Mapped[bool] = mapped_column(default=False)
    """Whether the reason was given for a whole block or file: it says nothing of this payee's account."""
    payee_name: Mapped[str | None] = mapped_column(String(140))
    """The name that a payee's bank proposes (verification of payee, close match)."""
    is_return: Mapped[bool] = mapped_column(default=False)
    """A credit that says it gives a payment back."""
    payout_id: Mapped[int | None] = mapped_column(Id, ForeignKey("payouts.id"), index=True)
    payout_file_id: Mapped[int | None] = mapped_column(Id, ForeignKey("payout_files.id"))
    """The file whose payouts a record without an end-to-end id settles or rejects."""
    exception: Mapped[ExceptionReason | None] = mapped_column(enum_column(ExceptionReason))
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_by: Mapped[str | None] = mapped_column(String(80))
    resolution: Mapped[str | None] = mapped_column(String(500))
