"""The invariants that tie tax documents to the ledger, for ``flask ledger check`` and every run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from sqlalchemy import case, func, select

from app.ledger.check import Check, of_program
from app.ledger.models import LedgerAccount, LedgerEntry, TransactionKind
from app.payouts.domain.invoice import DocumentState, Invoice
from app.payouts.models import DocumentLine, DocumentSeries, Payout, PayoutRun, TaxDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

_PAGE: Final = 500


def input_vat_is_that_of_the_documents(session: Session, program_id: int | None) -> Iterator[str]:
    """Per referrer, the VAT on the journal is the VAT of every document ever written, corrections included."""
    posted = (
        select(LedgerEntry.referrer_id, func.sum(LedgerEntry.amount_minor).label("total"))
        .where(LedgerEntry.account == LedgerAccount.INPUT_VAT, of_program(LedgerEntry.program_id, program_id))
        .group_by(LedgerEntry.referrer_id)
        .subquery()
    )
    shown = (
        select(TaxDocument.referrer_id, func.sum(TaxDocument.vat_minor).label("total"))
        .where(of_program(TaxDocument.program_id, program_id))
        .group_by(TaxDocument.referrer_id)
        .subquery()
    )
    wanted = (
        select(
            func.coalesce(shown.c.referrer_id, posted.c.referrer_id),
            func.coalesce(shown.c.total, 0),
            func.coalesce(posted.c.total, 0),
        )
        .select_from(shown)
        .outerjoin(posted, posted.c.referrer_id == shown.c.referrer_id, full=True)
        .where(func.coalesce(shown.c.total, 0) != func.coalesce(posted.c.total, 0))
    )
    for referrer_id, documents, journal in session.execute(wanted):
        yield f"referrer {referrer_id}: documents show VAT of {documents}, the journal has {journal}"


def numbers_have_no_gap(session: Session, program_id: int | None) -> Iterator[str]:
    """Every series runs from one to its last number."""
    wanted = (
        select(DocumentSeries, func.count(TaxDocument.id), func.coalesce(func.max(TaxDocument.sequence), 0))
        .outerjoin(
            TaxDocument,
            (TaxDocument.program_id == DocumentSeries.program_id)
            & (TaxDocument.country == DocumentSeries.country)
            & (TaxDocument.year == DocumentSeries.year),
        )
        .where(of_program(DocumentSeries.program_id, program_id))
        .group_by(DocumentSeries.program_id, DocumentSeries.country, DocumentSeries.year)
    )
    for series, count, last in session.execute(wanted):
        if not count == last == series.last_number:
            name = f"{series.country} {series.year}"
            yield f"series {name} stands at {series.last_number}, it has {count} documents up to {last}"


def documents_are_what_was_stored(session: Session, program_id: int | None) -> Iterator[str]:
    """A document's columns are those of its snapshot, and its bytes those that were rendered."""
    mine, after = of_program(TaxDocument.program_id, program_id), 0
    wanted = select(TaxDocument).order_by(TaxDocument.id).limit(_PAGE)
    while documents := session.scalars(wanted.where(mine, TaxDocument.id > after)).all():
        for document in documents:
            said = Invoice.from_json(document.facts)
            columns = (said.number, said.type, said.net_minor, said.vat_minor, said.currency)
            if _columns(document) != columns:
                yield f"document {document.number} differs from its snapshot"
        after = documents[-1].id
    stored = select(TaxDocument.id, TaxDocument.number, TaxDocument.sha256).where(
        TaxDocument.sha256.is_not(None), of_program(TaxDocument.program_id, program_id)
    )
    for number, name, sha256 in session.execute(stored).all():
        content = session.scalar(select(TaxDocument.content).where(TaxDocument.id == number))
        if hashlib.sha256(content or b"").hexdigest() != sha256:
            yield f"document {name} does not have the bytes that were rendered"


def _columns(document: TaxDocument) -> tuple[object, ...]:
    return document.number, document.type, document.net_minor, document.vat_minor, document.currency


def documents_show_their_entries(session: Session, program_id: int | None) -> Iterator[str]:
    """A standing document shows what its ledger entries come to; one that takes another back has none."""
    wanted = (
        select(
            TaxDocument.number, TaxDocument.net_minor, func.coalesce(func.sum(-LedgerEntry.amount_minor), 0)
        )
        .outerjoin(DocumentLine, DocumentLine.document_id == TaxDocument.id)
        .outerjoin(LedgerEntry, LedgerEntry.id == DocumentLine.ledger_entry_id)
        .where(
            TaxDocument.state == DocumentState.ISSUED,
            TaxDocument.reverses.is_(False),
            of_program(TaxDocument.program_id, program_id),
        )
        .group_by(TaxDocument.id)
        .having(func.coalesce(func.sum(-LedgerEntry.amount_minor), 0) != TaxDocument.net_minor)
    )
    for number, net, total in session.execute(wanted):
        yield f"document {number} shows {net}, its ledger entries come to {total}"


def payouts_carry_their_vat(session: Session, program_id: int | None) -> Iterator[str]:
    """The VAT part of a payout is what was reserved for it from VAT payable."""
    reserved = func.coalesce(
        func.sum(
            case((LedgerEntry.kind == TransactionKind.VAT_RESERVED, -LedgerEntry.amount_minor), else_=0)
        ),
        0,
    )
    wanted = (
        select(Payout.id, Payout.vat_minor, reserved)
        .join(PayoutRun, PayoutRun.id == Payout.run_id)
        .outerjoin(
            LedgerEntry,
            (LedgerEntry.payout_id == Payout.id) & (LedgerEntry.account == LedgerAccount.IN_FLIGHT),
        )
        .where(of_program(PayoutRun.program_id, program_id))
        .group_by(Payout.id)
        .having(reserved != Payout.vat_minor)
    )
    for number, vat, total in session.execute(wanted):
        yield f"payout {number} carries VAT of {vat}, {total} was reserved for it"


DOCUMENT_CHECKS: Final[dict[str, Check]] = {
    "input VAT is that of the documents": input_vat_is_that_of_the_documents,
    "document numbers have no gap": numbers_have_no_gap,
    "documents are what was stored": documents_are_what_was_stored,
    "documents show their entries": documents_show_their_entries,
    "payouts carry their VAT": payouts_carry_their_vat,
}
