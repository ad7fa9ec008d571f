"""The bytes of documents: made once after the number was given, stored with their SHA-256, the same ever after.

They are made outside of the transaction that wrote the document, since a PDF takes a tenth of a second and the number
is locked until that transaction ends. A job makes them; the sweeper sees to it that none is forgotten.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from app.kernel.db import table_of
from app.kernel.errors import Unavailable
from app.payouts.documents.invoice_sheet import (
    exemption_text,
    invoice_sheet,
    reason_text,
    terms_text,
    translated,
)
from app.payouts.documents.language import Language
from app.payouts.documents.paper import Attachment, render_sheet
from app.payouts.domain.cii import render_cii
from app.payouts.domain.invoice import Invoice
from app.payouts.models import TaxDocument

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kernel.db import Database

_BATCH: Final = 50


class DocumentNotRendered(Unavailable):
    """A document whose bytes are being made."""

    title = "Not ready yet"

    def __init__(self, number: str) -> None:
        super().__init__(f"the file of {number} is being made; try again in a minute")
        self.number = number


def render_document(invoice: Invoice, made_at: datetime) -> bytes:
    """The PDF/A-3 of a document with its XML inside; the same invoice gives the same bytes."""
    _ = Language(invoice.language)
    xml = render_cii(
        translated(invoice),
        exemption=exemption_text(invoice),
        terms=terms_text(invoice),
        note=reason_text(invoice),
    )
    attachment = Attachment(xml, f"Factur-X EN 16931: {invoice.number}")
    return render_sheet(invoice_sheet(invoice, made_at), _("Page"), attachment)


def render_waiting(database: Database, now: datetime) -> int:
    """Make the bytes of every document that has none; how many that were.

    Safe to run twice at once: whoever comes second with a document finds its bytes there, and they are the same.
    """
    count, after = 0, 0
    while True:
        with database.reading() as session:
            rows = _without_bytes(session, after)
        for document_id, invoice, issued_at in rows:
            content = render_document(invoice, issued_at)
            with database.transaction() as session:
                count += _store(session, document_id, content, now)
        if len(rows) < _BATCH:
            return count
        after = rows[-1][0]


def _without_bytes(session: Session, after: int) -> list[tuple[int, Invoice, datetime]]:
    wanted = (
        select(TaxDocument.id, TaxDocument.facts, TaxDocument.issued_at)
        .where(TaxDocument.rendered_at.is_(None), TaxDocument.id > after)
        .order_by(TaxDocument.id)
        .limit(_BATCH)
    )
    return [
        (number, Invoice.from_json(facts), issued_at) for number, facts, issued_at in session.execute(wanted)
    ]


def _store(session: Session, document_id: int, content: bytes, now: datetime) -> int:
    table = table_of(TaxDocument)
    stored = session.execute(
        update(table)
        .where(table.c.id == document_id, table.c.sha256.is_(None))
        .values(
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
            byte_count=len(content),
            rendered_at=now,
        )
        .returning(table.c.id)
    ).all()
    return len(stored)


def documents_wait(session: Session) -> bool:
    """Whether a document has no bytes yet. For the sweeper."""
    return (
        session.scalar(select(TaxDocument.id).where(TaxDocument.rendered_at.is_(None)).limit(1)) is not None
    )


def document_content(session: Session, document: TaxDocument) -> bytes:
    """The stored bytes, the same at every download. Raises :class:`DocumentNotRendered`."""
    content = session.scalar(select(TaxDocument.content).where(TaxDocument.id == document.id))
    if content is None:
        raise DocumentNotRendered(document.number)
    return content
