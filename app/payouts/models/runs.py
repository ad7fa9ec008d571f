"""Payout runs: what is paid to whom, who was left out, who approved it, and the files that came of it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime, enum_column
from app.payouts.domain.state import PayoutState, RunMove, RunState
from app.payouts.words import OmissionReason, PayeeCheck
from app.referrals.words import Approval


class PayoutRun(Base):
    """One programme, one period, one currency. ``id`` is the run number that message ids carry.

    ``underway`` names a move of several transactions that has begun; whoever comes next, after a crash too,
    finishes it, and no other move starts before. The settings a run was frozen with are copied: a later
    change of the programme changes no run that somebody may have signed.
    """

    __tablename__ = "payout_runs"
    __table_args__ = (
        UniqueConstraint("program_id", "period", "currency", "sequence"),
        UniqueConstraint("name"),
        CheckConstraint("sequence >= 1", name="sequence"),
        CheckConstraint("payout_count >= 0 AND total_minor >= 0 AND omission_count >= 0", name="totals"),
        CheckConstraint("stage_done >= 0 AND stage_total >= 0", name="stage"),
        CheckConstraint("state = 'draft' OR state = 'cancelled' OR frozen_at IS NOT NULL", name="frozen"),
        CheckConstraint("state NOT IN ('approved', 'built') OR approved_at IS NOT NULL", name="approved"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(state = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled"),
        CheckConstraint("state IN ('draft', 'cancelled') OR debtor_iban IS NOT NULL", name="debtor"),
        Index("ix_payout_runs_state", "state"),
        Index("ix_payout_runs_underway", "underway"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    """``PROGRAM:YYYY-MM:CUR:SEQ``."""
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    period: Mapped[str] = mapped_column(String(7))
    currency: Mapped[str] = mapped_column(String(3))
    sequence: Mapped[int]
    state: Mapped[RunState] = mapped_column(enum_column(RunState))
    underway: Mapped[RunMove | None] = mapped_column(enum_column(RunMove))
    until_on: Mapped[date]
    """The period's last day: money with ``available_on`` up to it (inclusive) is paid."""
    rail: Mapped[str] = mapped_column(String(16))
    approval: Mapped[Approval] = mapped_column(enum_column(Approval))
    minimum_minor: Mapped[int] = mapped_column(Id)
    pays_leavers: Mapped[bool] = mapped_column(default=False)
    """Whether who left the programme is paid below the minimum too."""
    debtor_name: Mapped[str | None] = mapped_column(String(140))
    debtor_iban: Mapped[str | None] = mapped_column(String(34))
    debtor_bic: Mapped[str | None] = mapped_column(String(11))
    bank_profile: Mapped[str] = mapped_column(String(16))
    instant: Mapped[bool] = mapped_column(default=False)
    """Whether its files ask for instant credit transfers."""
    payout_count: Mapped[int] = mapped_column(default=0)
    total_minor: Mapped[int] = mapped_column(Id, default=0)
    """Sum of the payouts that are not cancelled; set when the run is frozen, kept by whatever takes one out.
    """
    omission_count: Mapped[int] = mapped_column(default=0)
    execution_on: Mapped[date | None]
    """Requested execution date of its files."""
    stage_done: Mapped[int] = mapped_column(default=0)
    """How far the move under way has come, in referrers (freezing) or payouts; written with each batch."""
    stage_total: Mapped[int] = mapped_column(default=0)
    """How many there are to do; 0 until they are counted."""
    trouble: Mapped[str | None] = mapped_column(String(40))
    """What stopped a move that a worker made: the refusal's name; forgotten when a move begins or ends."""
    trouble_detail: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(80))
    frozen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    frozen_by: Mapped[str | None] = mapped_column(String(80))
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approved_by: Mapped[str | None] = mapped_column(String(80))
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    submitted_by: Mapped[str | None] = mapped_column(String(80))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_by: Mapped[str | None] = mapped_column(String(80))


class Payout(Base):
    """One referrer's money in one run. A retry is a new payout in a later run, never a revived row."""

    __tablename__ = "payouts"
    __table_args__ = (
        UniqueConstraint("run_id", "referrer_id"),
        UniqueConstraint("end_to_end_id"),
        CheckConstraint("amount_minor > 0", name="positive"),
        CheckConstraint("state IN ('reserved', 'cancelled') OR file_id IS NOT NULL", name="filed"),
        CheckConstraint("state NOT IN ('paid', 'returned') OR paid_on IS NOT NULL", name="paid_on"),
        CheckConstraint(
            "(decided_at IS NULL) = (decided_by IS NULL) AND (decided_at IS NULL) = (decision IS NULL)",
            name="decided",
        ),
        Index("ix_payouts_run", "run_id", "id"),
        Index("ix_payouts_amount", "run_id", "amount_minor", "id"),
        Index("ix_payouts_state", "run_id", "state", "id"),
        Index("ix_payouts_file", "file_id", "id"),
        Index("ix_payouts_referrer", "referrer_id", "id"),
        Index("ix_payouts_destination", "destination_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(Id, ForeignKey("payout_runs.id"))
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    destination_id: Mapped[int] = mapped_column(Id, ForeignKey("payout_destinations.id"))
    amount_minor: Mapped[int] = mapped_column(Id)
    """What is transferred, VAT included."""
    vat_minor: Mapped[int] = mapped_column(Id, default=0)
    """VAT of self-billing documents in it; below zero where corrections took back more than invoices added."""
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[PayoutState] = mapped_column(enum_column(PayoutState))
    end_to_end_id: Mapped[str] = mapped_column(String(35))
    file_id: Mapped[int | None] = mapped_column(Id, ForeignKey("payout_files.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When ``state`` last changed."""
    paid_on: Mapped[date | None]
    """Booking date of its debit."""
    returned_on: Mapped[date | None]
    reason_code: Mapped[str | None] = mapped_column(String(35))
    """The bank's reason for a rejection or return (ISO 20022 external code), or why it was cancelled."""
    payee_check: Mapped[PayeeCheck | None] = mapped_column(enum_column(PayeeCheck))
    """What the payee's bank said of name and account, where the bank asked it. Never proof of payment."""
    payee_name: Mapped[str | None] = mapped_column(String(140))
    """The name that the payee's bank has, where the one in the file is close to it."""
    settled_by_event_id: Mapped[int | None] = mapped_column(Id, ForeignKey("bank_events.id", use_alter=True))
    """The booked debit that made it paid."""
    returned_by_event_id: Mapped[int | None] = mapped_column(Id, ForeignKey("bank_events.id", use_alter=True))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a person said what became of it, because nobody knew (``unknown``)."""
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decision: Mapped[str | None] = mapped_column(String(500))
    """Why that person says so."""


class PayoutOmission(Base):
    """A referrer with money whom a run left out, and why."""

    __tablename__ = "payout_omissions"
    __table_args__ = (UniqueConstraint("run_id", "referrer_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(Id, ForeignKey("payout_runs.id"))
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), index=True)
    available_minor: Mapped[int] = mapped_column(Id)
    reason: Mapped[OmissionReason] = mapped_column(enum_column(OmissionReason))


class PayoutApproval(Base):
    """Somebody's signature under the digest of a run's payouts. At most one of a run counts; any change
    voids it.
    """

    __tablename__ = "payout_approvals"
    __table_args__ = (
        CheckConstraint("(voided_at IS NULL) = (void_reason IS NULL)", name="voided"),
        Index(
            "uq_payout_approvals_standing",
            "run_id",
            unique=True,
            sqlite_where=text("voided_at IS NULL"),
            postgresql_where=text("voided_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(Id, ForeignKey("payout_runs.id"))
    digest: Mapped[str] = mapped_column(String(64))
    rule: Mapped[Approval] = mapped_column(enum_column(Approval))
    approved_by: Mapped[str] = mapped_column(String(80))
    approved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    void_reason: Mapped[str | None] = mapped_column(String(200))


class PayoutFile(Base):
    """One file for the bank. Its ids are stored before it is built, its bytes once; every download gives
    those.
    """

    __tablename__ = "payout_files"
    __table_args__ = (
        UniqueConstraint("run_id", "sequence"),
        UniqueConstraint("message_id"),
        CheckConstraint("payment_count > 0 AND control_sum_minor > 0", name="totals"),
        CheckConstraint("(content IS NULL) = (sha256 IS NULL)", name="content"),
        CheckConstraint("(lost_at IS NULL) = (lost_by IS NULL)", name="lost"),
        CheckConstraint(
            "absent_at IS NULL OR (lost_at IS NOT NULL AND absent_by IS NOT NULL)", name="absent"
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(Id, ForeignKey("payout_runs.id"))
    sequence: Mapped[int]
    message_id: Mapped[str] = mapped_column(String(35))
    """Also its payment information id: one block a file."""
    name: Mapped[str] = mapped_column(String(80))
    media_type: Mapped[str] = mapped_column(String(40))
    payment_count: Mapped[int]
    control_sum_minor: Mapped[int] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)
    sha256: Mapped[str | None] = mapped_column(String(64))
    byte_count: Mapped[int | None] = mapped_column(Id)
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lost_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody said that nobody knows whether the bank has it; its open payouts are ``unknown`` from then on."""
    lost_by: Mapped[str | None] = mapped_column(String(80))
    absent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody said that the bank never got it; its unknown payouts are ``rejected`` from then on."""
    absent_by: Mapped[str | None] = mapped_column(String(80))
    absent_reason: Mapped[str | None] = mapped_column(String(500))
