"""The tables of the journal, and the words for what moves in it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime, enum_column


class LedgerAccount(StrEnum):
    """The accounts of a programme's ledger. ``PAYABLE``, ``HELD`` and ``IN_FLIGHT`` are kept per referrer."""

    COMMISSION_EXPENSE = "commission_expense"
    """What the programme costs the merchant. Debited when a commission is earned."""
    PAYABLE = "payable"
    """Owed to a referrer; pending until its ``available_on``, available from then on."""
    HELD = "held"
    """Owed to a referrer but taken aside, under review."""
    IN_FLIGHT = "in_flight"
    """Reserved by a payout that the bank has neither booked nor rejected yet."""
    BANK = "bank"
    """The merchant's bank account; credited when the bank booked a payout."""
    OPENING = "opening"
    """Counter-account of balances brought along from another system."""


class TransactionKind(StrEnum):
    """Why money moved. One kind, one row of the table in DESIGN.md 7."""

    COMMISSION = "commission"
    """A commission's earned amount changed: expense to payable, or back where a late fact lowers it."""
    CLAWBACK = "clawback"
    """A refund or chargeback took commission back: held, then payable, to expense; the reverse when it is reversed."""
    HOLD = "hold"
    """Taken under review: payable to held."""
    RELEASE = "release"
    """Released from review: held to payable."""
    REVIEW_REJECTION = "review_rejection"
    """Rejected by review: held to expense. Counts as clawed back."""
    PAYOUT_RESERVED = "payout_reserved"
    """A payout run took it: payable to in flight, one entry pair for each ``available_on``."""
    PAYOUT_CANCELLED = "payout_cancelled"
    """The reservation undone before submission."""
    PAYOUT_BOOKED = "payout_booked"
    """The bank booked it: in flight to bank."""
    PAYOUT_REJECTED = "payout_rejected"
    """The bank rejected it: in flight to payable."""
    PAYOUT_RETURNED = "payout_returned"
    """The bank sent it back after booking: bank to payable."""
    OPENING_BALANCE = "opening_balance"
    """A balance brought along from another system."""
    ADJUSTMENT = "adjustment"
    """A correction by staff, with a reason."""
    WRITE_OFF = "write_off"
    """A debt that staff forgave."""


class Figure(StrEnum):
    """What :class:`LedgerBalance` sums, per referrer and ``available_on``; each is positive as people read it."""

    PAYABLE = "payable"
    HELD = "held"
    IN_FLIGHT = "in_flight"
    PAID = "paid"
    """Booked by the bank, net of returns."""
    EARNED = "earned"
    """Commission before refunds."""
    CLAWED_BACK = "clawed_back"
    """Taken back by refunds, chargebacks or review."""
    OTHER = "other"
    """Opening balances, adjustments and write-offs."""


class LedgerTransaction(Base):
    """One balanced movement. ``idempotency_key`` is unique for ever: posting it again changes nothing."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (UniqueConstraint("idempotency_key"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    kind: Mapped[TransactionKind] = mapped_column(enum_column(TransactionKind))
    idempotency_key: Mapped[str] = mapped_column(String(128))
    memo: Mapped[str | None] = mapped_column(String(500))
    posted_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerEntry(Base):
    """One side of a movement: ``amount_minor`` above zero is a debit, below zero a credit; never zero."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="not_zero"),
        CheckConstraint(
            "account NOT IN ('payable', 'held', 'in_flight') OR referrer_id IS NOT NULL",
            name="referrer_named",
        ),
        CheckConstraint("account <> 'in_flight' OR payout_id IS NOT NULL", name="payout_named"),
        CheckConstraint("account <> 'held' OR commission_id IS NOT NULL", name="commission_named"),
        Index("ix_ledger_entries_referrer", "referrer_id", "account", "available_on"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    transaction_id: Mapped[int] = mapped_column(Id, ForeignKey("ledger_transactions.id"), index=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    account: Mapped[LedgerAccount] = mapped_column(enum_column(LedgerAccount))
    kind: Mapped[TransactionKind] = mapped_column(enum_column(TransactionKind))
    amount_minor: Mapped[int] = mapped_column(Id)
    currency: Mapped[str] = mapped_column(String(3))
    referrer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("referrers.id"))
    commission_id: Mapped[int | None] = mapped_column(Id, ForeignKey("commissions.id"), index=True)
    payout_id: Mapped[int | None] = mapped_column(Id, ForeignKey("payouts.id"), index=True)
    available_on: Mapped[date]
    posted_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerBalance(Base):
    """A running sum of the entries, kept by ``post()`` in the same transaction so that reading costs no scan.

    Derived: ``flask ledger check`` recomputes it from the entries and fails on any difference.
    """

    __tablename__ = "ledger_balances"
    __table_args__ = (
        Index("ix_ledger_balances_program", "program_id", "figure", "referrer_id", "available_on"),
    )

    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), primary_key=True)
    figure: Mapped[Figure] = mapped_column(enum_column(Figure), primary_key=True)
    available_on: Mapped[date] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int] = mapped_column(Id)
