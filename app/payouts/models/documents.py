"""Who writes tax documents to whom, and the documents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, JsonValue, UtcDateTime, enum_column
from app.payouts.domain.invoice import CorrectionReason, DocumentState, DocumentType
from app.payouts.domain.vat import TaxStatus, VatAnswer, VatCategory


class MerchantProfile(Base):
    """One version of who the merchant of a programme is on documents. Never edited, only followed by the next."""

    __tablename__ = "merchant_profiles"
    __table_args__ = (UniqueConstraint("program_id", "version"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    version: Mapped[int]
    legal_name: Mapped[str] = mapped_column(String(140))
    street: Mapped[str] = mapped_column(String(140))
    postcode: Mapped[str] = mapped_column(String(16))
    town: Mapped[str] = mapped_column(String(70))
    country: Mapped[str] = mapped_column(String(2))
    vat_id: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(80))


class TaxProfile(Base):
    """One version of what a referrer is to the tax office. Never edited, only followed by the next.

    Without one, a referrer is a private person.
    """

    __tablename__ = "tax_profiles"
    __table_args__ = (
        UniqueConstraint("referrer_id", "version"),
        CheckConstraint("status <> 'business' OR vat_id IS NOT NULL", name="vat_id"),
        CheckConstraint("status <> 'small_business' OR tax_number IS NOT NULL", name="tax_number"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    version: Mapped[int]
    status: Mapped[TaxStatus] = mapped_column(enum_column(TaxStatus))
    legal_name: Mapped[str] = mapped_column(String(140))
    street: Mapped[str] = mapped_column(String(140))
    postcode: Mapped[str] = mapped_column(String(16))
    town: Mapped[str] = mapped_column(String(70))
    country: Mapped[str] = mapped_column(String(2))
    """ISO 3166, also for Greece, whose VAT ids begin with EL."""
    vat_id: Mapped[str | None] = mapped_column(String(20))
    tax_number: Mapped[str | None] = mapped_column(String(30))
    small_business_id: Mapped[str | None] = mapped_column(String(30))
    """Number of the EU scheme for small businesses; ends in EX."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(80))


class SelfBillingAgreement(Base):
    """A referrer's agreement that the merchant writes the invoices, to one version of its text, until withdrawn."""

    __tablename__ = "self_billing_agreements"
    __table_args__ = (
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
        Index("ix_self_billing_agreements_referrer", "referrer_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    version: Mapped[str] = mapped_column(String(16))
    agreed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    agreed_by: Mapped[str] = mapped_column(String(80))
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_by: Mapped[str | None] = mapped_column(String(80))


class VatCheck(Base):
    """What VIES answered about a VAT id, and when. Every answer is kept; the latest yes or no counts."""

    __tablename__ = "vat_checks"
    __table_args__ = (Index("ix_vat_checks_referrer", "referrer_id", "vat_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    vat_id: Mapped[str] = mapped_column(String(20))
    answer: Mapped[VatAnswer] = mapped_column(enum_column(VatAnswer))
    consultation_number: Mapped[str | None] = mapped_column(String(40))
    """VIES's proof that it was asked."""
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DocumentSeries(Base):
    """The last number given in a programme, country and year. Its lock makes numbers gapless: it is held until the
    transaction that writes the document ends, and a rollback takes the number back with the document.
    """

    __tablename__ = "document_series"

    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), primary_key=True)
    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last_number: Mapped[int]


class TaxDocument(Base):
    """A self-billed invoice, or a correction of one. ``facts`` is all that it says; its bytes are made of that once."""

    __tablename__ = "tax_documents"
    __table_args__ = (
        UniqueConstraint("program_id", "country", "year", "sequence"),
        UniqueConstraint("number"),
        CheckConstraint("(type = '384') = (corrects_id IS NOT NULL)", name="corrects"),
        CheckConstraint("type = '384' OR net_minor > 0", name="positive"),
        CheckConstraint("NOT reverses OR type = '384'", name="reverses"),
        CheckConstraint("(content IS NULL) = (sha256 IS NULL)", name="content"),
        CheckConstraint("(state = 'void') = (voided_at IS NOT NULL)", name="voided"),
        Index("ix_tax_documents_program", "program_id", "id"),
        Index("ix_tax_documents_date", "program_id", "issued_on", "id"),
        Index("ix_tax_documents_referrer", "referrer_id", "id"),
        Index("ix_tax_documents_payout", "payout_id"),
        Index("ix_tax_documents_corrects", "corrects_id"),
        Index("ix_tax_documents_waiting", "rendered_at", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    payout_id: Mapped[int | None] = mapped_column(Id, ForeignKey("payouts.id"))
    """The payout that it was written for; a correction has none."""
    country: Mapped[str] = mapped_column(String(2))
    year: Mapped[int]
    sequence: Mapped[int]
    number: Mapped[str] = mapped_column(String(60))
    type: Mapped[DocumentType] = mapped_column(enum_column(DocumentType))
    corrects_id: Mapped[int | None] = mapped_column(Id, ForeignKey("tax_documents.id"))
    reverses: Mapped[bool] = mapped_column(default=False)
    """It takes back all that was left of the document that it corrects, which is void."""
    state: Mapped[DocumentState] = mapped_column(enum_column(DocumentState))
    category: Mapped[VatCategory] = mapped_column(enum_column(VatCategory))
    rate_ppm: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    net_minor: Mapped[int] = mapped_column(Id)
    vat_minor: Mapped[int] = mapped_column(Id)
    issued_on: Mapped[date]
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    facts: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    """``domain/invoice.py``, as JSON."""
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)
    sha256: Mapped[str | None] = mapped_column(String(64))
    byte_count: Mapped[int | None] = mapped_column(Id)
    rendered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    void_reason: Mapped[CorrectionReason | None] = mapped_column(enum_column(CorrectionReason))
    objection: Mapped[str | None] = mapped_column(String(500))
    """What the referrer objects to."""


class DocumentLine(Base):
    """A ledger entry on a business referrer's payable account, and the document that shows it.

    Without a document it waits: for an agreement, for VIES, or for staff after an objection (``held_by_id``).
    """

    __tablename__ = "document_lines"
    __table_args__ = (
        UniqueConstraint("ledger_entry_id"),
        Index("ix_document_lines_waiting", "referrer_id", "document_id"),
        Index("ix_document_lines_commission", "commission_id"),
        Index("ix_document_lines_document", "document_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    ledger_entry_id: Mapped[int] = mapped_column(Id, ForeignKey("ledger_entries.id"))
    commission_id: Mapped[int | None] = mapped_column(Id, ForeignKey("commissions.id"))
    label: Mapped[str] = mapped_column(String(200))
    amount_minor: Mapped[int] = mapped_column(Id)
    document_id: Mapped[int | None] = mapped_column(Id, ForeignKey("tax_documents.id"))
    held_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("tax_documents.id"))
    """The void document that was objected to; staff have its money invoiced again."""
