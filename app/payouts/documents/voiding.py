"""Taking a document back: by an objection, or because its payout was cancelled. Its number stays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from app.identity.audit import record_event
from app.kernel.clock import local_day
from app.kernel.db import table_of
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.payouts.documents.issuing import Occasion, correction_of, store
from app.payouts.documents.outstanding import issue_for
from app.payouts.domain.invoice import CorrectionReason, DocumentState, DocumentType
from app.payouts.domain.invoicing import Source
from app.payouts.models import DocumentLine, TaxDocument
from app.payouts.settling import lock_referrers
from app.referrals.models import Program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor

_LONGEST: Final = 500


class NoSuchDocument(NotFound):
    """A number that no document has."""

    title = "Unknown document"

    def __init__(self, number: str) -> None:
        super().__init__(f"there is no document {number!r}")
        self.number = number


class DocumentStandsNot(Conflict):
    """A document that cannot be objected to: it is void, or a correction."""

    title = "Not possible for this document"

    def __init__(self, document: TaxDocument) -> None:
        super().__init__(f"{document.number} is void or a correction: object to the invoice that stands")
        self.number = document.number


class NotWaiting(Conflict):
    """A document whose lines wait for nobody."""

    title = "Nothing to issue again"

    def __init__(self, document: TaxDocument) -> None:
        super().__init__(f"nothing of {document.number} waits to be issued again")
        self.number = document.number


class NoReason(InvalidInput):
    """An objection says what is wrong."""

    title = "Reason missing"

    def __init__(self) -> None:
        super().__init__(f"say what is wrong, in 1 to {_LONGEST} characters", pointer="/reason")


def document_named(session: Session, number: str) -> TaxDocument:
    """The document of that number. Raises :class:`NoSuchDocument`."""
    document = session.scalar(select(TaxDocument).where(TaxDocument.number == number))
    if document is None:
        raise NoSuchDocument(number)
    return document


def object_to(
    session: Session, document_id: int, reason: str, *, by: Actor, now: datetime
) -> TaxDocument | None:
    """The referrer objects: the document is void, a correction takes it back, and its money waits for staff.

    The correction; ``None`` where nothing was left to take back. Raises :class:`DocumentStandsNot`,
    :class:`NoReason`.
    """
    said = " ".join(reason.split())
    if not 1 <= len(said) <= _LONGEST:
        raise NoReason
    document = _locked(session, document_id)
    if document.type is not DocumentType.SELF_BILLED or document.state is DocumentState.VOID:
        raise DocumentStandsNot(document)
    document.objection = said
    correction = _void(session, document, CorrectionReason.OBJECTION, now)
    _record(session, document, "document.objected", by, now)
    return correction


def issue_again(session: Session, document_id: int, *, by: Actor, now: datetime) -> list[TaxDocument]:
    """Staff settled an objection (a new tax profile, a word with the referrer): its money is invoiced anew.

    The documents written; none where the treatment still waits. Raises :class:`NotWaiting`.
    """
    document = _locked(session, document_id)
    table = table_of(DocumentLine)
    freed = session.execute(
        update(table).where(table.c.held_by_id == document.id).values(held_by_id=None).returning(table.c.id)
    ).all()
    if not freed:
        raise NotWaiting(document)
    program = session.get_one(Program, document.program_id)
    _record(session, document, "document.issued_again", by, now)
    return issue_for(session, program, document.referrer_id, now)


def void_documents_of(session: Session, payout_ids: Sequence[int], now: datetime) -> None:
    """Take back the invoices of payouts that were cancelled; their money is invoiced by whatever pays it.

    The caller holds the locks of the payouts' referrers.
    """
    documents = session.scalars(
        select(TaxDocument)
        .where(
            TaxDocument.payout_id.in_(payout_ids),
            TaxDocument.state == DocumentState.ISSUED,
            TaxDocument.type == DocumentType.SELF_BILLED,
        )
        .order_by(TaxDocument.country, TaxDocument.id)
    ).all()
    for document in documents:
        _void(session, document, CorrectionReason.CANCELLED, now)


def _locked(session: Session, document_id: int) -> TaxDocument:
    """The document, fresh, with its referrer locked.

    The race: two objections, or an objection and a run that writes a correction of the same document. Either would
    take back what the other has taken back already.
    """
    document = session.get_one(TaxDocument, document_id)
    lock_referrers(session, [document.referrer_id])
    session.refresh(document)
    return document


def _void(
    session: Session, document: TaxDocument, reason: CorrectionReason, now: datetime
) -> TaxDocument | None:
    corrections = session.scalars(
        select(TaxDocument).where(
            TaxDocument.corrects_id == document.id, TaxDocument.state == DocumentState.ISSUED
        )
    ).all()
    void = [document, *corrections]
    lines = session.scalars(
        select(DocumentLine).where(DocumentLine.document_id.in_([each.id for each in void]))
    ).all()
    for each in void:
        each.state, each.voided_at, each.void_reason = DocumentState.VOID, now, reason
    for line in lines:
        line.document_id = None
        line.held_by_id = document.id if reason is CorrectionReason.OBJECTION else None
    session.flush()
    program = session.get_one(Program, document.program_id)
    today = local_day(now, program.timezone)
    taken_back = [
        Source(line.ledger_entry_id, -line.amount_minor, line.commission_id, line.label) for line in lines
    ]
    if sum(each.net_minor for each in void) == 0:
        return None
    draft = correction_of(document, taken_back, Occasion(today, today, now, {}), program, reason)
    # What is left of the VAT, not the VAT of what is left: several corrections were rounded one by one.
    draft.invoice = replace(draft.invoice, vat_minor=-sum(each.vat_minor for each in void))
    draft.reverses = True
    ((_, correction),) = store(session, program, [draft], now)
    return correction


def _record(session: Session, document: TaxDocument, action: str, by: Actor, now: datetime) -> None:
    subject = f"document:{document.number}"
    record_event(session, by, action, subject, {}, now=now, program_id=document.program_id)
