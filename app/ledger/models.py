"""The tables of the journal, and the words for what moves in it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, JsonValue, UtcDateTime, enum_column


class LedgerAccount(StrEnum):
    """The accounts of a programme's ledger. Payable, held and in flight are kept per referrer, and so is VAT."""

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
    INPUT_VAT = "input_vat"
    """VAT on self-billing documents, which the merchant claims back."""
    PAYABLE_VAT = "payable_vat"
    """VAT on self-billing documents, owed to a referrer and not reserved by a payout; outside of what was earned."""


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
    VAT_DOCUMENTED = "vat_documented"
    """A self-billing document shows VAT: input VAT to payable VAT; the reverse for a correction."""
    VAT_RESERVED = "vat_reserved"
    """A payout took payable VAT along: payable VAT to in flight."""
    VAT_CANCELLED = "vat_cancelled"
    """The VAT of a payout that was undone before submission: in flight to payable VAT."""
    VAT_BOOKED = "vat_booked"
    """The VAT of a payout that the bank booked: in flight to bank."""
    VAT_REJECTED = "vat_rejected"
    """The VAT of a payout that the bank rejected: in flight to payable VAT."""
    VAT_RETURNED = "vat_returned"
    """The VAT of a payout that the bank sent back: bank to payable VAT."""


VAT_KINDS: Final = frozenset(
    {
        TransactionKind.VAT_DOCUMENTED,
        TransactionKind.VAT_RESERVED,
        TransactionKind.VAT_CANCELLED,
        TransactionKind.VAT_BOOKED,
        TransactionKind.VAT_REJECTED,
        TransactionKind.VAT_RETURNED,
    }
)
"""Movements of VAT: they use in flight and bank like net money, and never count as earned, in flight or paid."""


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
    VAT_DOCUMENTED = "vat_documented"
    """VAT on self-billing documents, net of corrections. It is VAT payable, VAT in flight or VAT paid."""
    VAT_PAYABLE = "vat_payable"
    """VAT that the next payout takes along; negative after a correction."""
    VAT_IN_FLIGHT = "vat_in_flight"
    """VAT reserved by a payout that the bank has neither booked nor rejected."""
    VAT_PAID = "vat_paid"
    """VAT booked by the bank, net of returns."""


VAT_FIGURES: Final = frozenset(
    {Figure.VAT_DOCUMENTED, Figure.VAT_PAYABLE, Figure.VAT_IN_FLIGHT, Figure.VAT_PAID}
)
"""The figures about VAT, which add up by themselves."""


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
    effective_on: Mapped[date]
    """Day of what it books, in the programme's time zone: a late fact keeps its own (``ledger/books.py``)."""
    posted_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerEntry(Base):
    """One side of a movement: ``amount_minor`` above zero is a debit, below zero a credit; never zero."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="not_zero"),
        CheckConstraint(
            "account NOT IN ('payable', 'held', 'in_flight', 'input_vat', 'payable_vat') "
            "OR referrer_id IS NOT NULL",
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


class LedgerClosing(Base):
    """A month of a programme's books that is closed. Append-only: a closed month stays closed.

    What the month holds follows from ``last_transaction_id`` alone (``books.py``); count and sum are kept to prove it.
    """

    __tablename__ = "ledger_closings"
    __table_args__ = (
        UniqueConstraint("program_id", "period"),
        CheckConstraint("last_transaction_id >= 0 AND transaction_count >= 0", name="counts"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    period: Mapped[str] = mapped_column(String(7))
    """``YYYY-MM``; every earlier month is closed too."""
    end_on: Mapped[date]
    """The day after its last (exclusive)."""
    last_transaction_id: Mapped[int] = mapped_column(Id)
    """The highest transaction number there was: higher ones were not known yet and book later."""
    transaction_count: Mapped[int] = mapped_column(Id)
    """Transactions that it closed: those of the month, and of the first one also of all earlier months."""
    debits_minor: Mapped[int] = mapped_column(Id)
    """Sum of their debits."""
    settings: Mapped[dict[str, str]] = mapped_column(JsonValue)
    """What the month's reports are written with (account numbers, adviser's numbers), as it was then."""
    closed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_by: Mapped[str] = mapped_column(String(80))
    """The actor, as the audit trail writes it."""


class SealedBook(StrEnum):
    """The append-only books that are sealed every night, each in a chain of its own."""

    LEDGER = "ledger"
    """Ledger transactions with their entries."""
    AUDIT = "audit"
    """Audit events."""


class Seal(Base):
    """A link of a book's hash chain: the rows with numbers above ``after_id`` up to ``last_id``. Append-only.

    A day has one or more; the one that ``ends_day`` says that the day is sealed (``seals.py``).
    """

    __tablename__ = "seals"
    __table_args__ = (
        UniqueConstraint("book", "number"),
        CheckConstraint("number >= 1 AND last_id >= after_id AND row_count >= 0", name="counts"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    book: Mapped[SealedBook] = mapped_column(enum_column(SealedBook))
    number: Mapped[int]
    """1, 2, 3 ... without a gap within its book."""
    layout: Mapped[int]
    """Which columns make up a row's fingerprint (``seals.py``)."""
    day: Mapped[date]
    """UTC: programmes lie in different time zones, and the chain is one."""
    ends_day: Mapped[bool]
    after_id: Mapped[int] = mapped_column(Id)
    last_id: Mapped[int] = mapped_column(Id)
    row_count: Mapped[int]
    part_count: Mapped[int]
    """Ledger entries within the rows."""
    debits: Mapped[dict[str, int]] = mapped_column(JsonValue)
    """Sum of debits by currency, in minor units."""
    marks: Mapped[bytes] = mapped_column(LargeBinary)
    """For each row its number and the first bytes of its fingerprint, to name the first one that differs."""
    previous: Mapped[str] = mapped_column(String(64))
    """``digest`` of the seal before; zeros for the first."""
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 over ``previous``, every other column but the marks, and the fingerprint of each row."""
    sealed_at: Mapped[datetime] = mapped_column(UtcDateTime)
