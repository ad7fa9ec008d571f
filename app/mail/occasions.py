"""What is told because of the state of the books and not because somebody did something: a first commission, a month
that is over, a document. Looked for again and again; the outbox takes none of them twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import delete, func, literal, select
from sqlalchemy.orm import aliased

from app.kernel.clock import local_day
from app.mail.models import Mail, MailKind, MailMark
from app.mail.trail import BATCH, LOOK_BACK, is_marked, mark
from app.payouts.documents.queries import shown
from app.payouts.documents.statements import referrers_with_a_statement, statement_of
from app.payouts.domain.calendar import Period
from app.payouts.domain.invoice import DocumentState, DocumentType
from app.payouts.domain.statement import StatementDoesNotAddUp
from app.payouts.models import TaxDocument
from app.referrals.models import Commission, Program, Referrer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from app.kernel.db import Database
    from app.mail.office import PostOffice

_DOCUMENTS_BACK: Final = timedelta(days=30)
"""A document is shown once its payout is approved, which may take weeks; mails are kept for longer than this."""

_log = structlog.get_logger(__name__)

_MARKS_KEPT: Final = timedelta(days=90)

_STATEMENTS: Final = 50
"""Statements of one transaction: each is computed, and on SQLite nobody else writes meanwhile."""


def tell_of_the_books(office: PostOffice, database: Database, now: datetime) -> int:
    """Queue what is to be told; how many first commissions, months of a programme and documents that were."""
    with database.reading() as session:
        programs = list(session.scalars(select(Program).order_by(Program.id)))
    told = 0
    for program in programs:
        with database.transaction() as session:
            told += _first_commissions(office, session, program, now)
        with database.transaction() as session:
            told += _documents(office, session, program, now)
        told += _statements(office, database, program, now)
    with database.transaction() as session:
        session.execute(delete(MailMark).where(MailMark.at < now - _MARKS_KEPT))
    return told


def _first_commissions(office: PostOffice, session: Session, program: Program, now: datetime) -> int:
    """Of referrers whose first order was paid in the last days. An import of old orders tells nobody; what is under
    review is told when it is decided.
    """
    since = now - LOOK_BACK
    recent = (
        select(func.min(Commission.id).label("id"), Commission.referrer_id)
        .where(
            Commission.program_id == program.id,
            Commission.paid_at >= since,
            Commission.target_minor > 0,
            Commission.held_minor == 0,
        )
        .group_by(Commission.referrer_id)
        .subquery()
    )
    other = aliased(Commission)
    earlier = select(other.id).where(other.referrer_id == recent.c.referrer_id, other.paid_at < since)
    wanted = (
        select(Commission, Referrer)
        .join(recent, recent.c.id == Commission.id)
        .join(Referrer, Referrer.id == Commission.referrer_id)
        .where(
            ~earlier.exists(), ~_has_mail("first-commission:", Referrer.code), Referrer.erased_at.is_(None)
        )
        .order_by(Commission.id)
        .limit(BATCH)
    )
    found = session.execute(wanted).all()
    for commission, referrer in found:
        context = {
            "program": program.name,
            "amount": {"minor": commission.target_minor, "currency": program.currency},
            "available_on": commission.available_on.isoformat(),
            "path": f"/dashboard/commissions/{commission.id}",
        }
        key = f"first-commission:{referrer.code}"
        office.tell(session, referrer, MailKind.FIRST_COMMISSION, key, context, now=now)
    return len(found)


def _documents(office: PostOffice, session: Session, program: Program, now: datetime) -> int:
    """Documents that stand, have their file, and whose payout is approved."""
    wanted = (
        select(TaxDocument, Referrer)
        .join(Referrer, Referrer.id == TaxDocument.referrer_id)
        .where(
            TaxDocument.program_id == program.id,
            TaxDocument.state == DocumentState.ISSUED,
            TaxDocument.rendered_at >= now - _DOCUMENTS_BACK,
            shown(),
            ~_has_mail("document-issued:", TaxDocument.number),
            Referrer.erased_at.is_(None),
        )
        .order_by(TaxDocument.id)
        .limit(BATCH)
    )
    found = session.execute(wanted).all()
    for document, referrer in found:
        context = {
            "program": program.name,
            "number": document.number,
            "correction": document.type is DocumentType.CORRECTED,
            "issued_on": document.issued_on.isoformat(),
            "amount": {"minor": document.net_minor + document.vat_minor, "currency": document.currency},
            "path": f"/dashboard/documents/{document.id}",
        }
        key = f"document-issued:{document.number}"
        office.tell(session, referrer, MailKind.DOCUMENT_ISSUED, key, context, now=now)
    return len(found)


def _statements(office: PostOffice, database: Database, program: Program, now: datetime) -> int:
    """The statements of the month that is over, to everybody who has one; whether they were still to be told."""
    period = Period.of(local_day(now, program.timezone)).previous()
    key = f"statements:{program.slug}:{period}"
    with database.transaction() as session:
        if is_marked(session, key):
            return 0
        waiting = referrers_with_a_statement(session, program, period)
    for start in range(0, len(waiting), _STATEMENTS):
        with database.transaction() as session:
            for referrer_id in waiting[start : start + _STATEMENTS]:
                _statement(office, session, program, referrer_id, period, now)
    with database.transaction() as session:
        mark(session, key, now)
    return 1


def _statement(
    office: PostOffice, session: Session, program: Program, referrer_id: int, period: Period, now: datetime
) -> None:
    referrer = session.get_one(Referrer, referrer_id)
    if referrer.erased_at is not None:
        return
    try:
        statement = statement_of(session, program, referrer, period, now=now)
    except StatementDoesNotAddUp:
        # Altered books of one referrer, which ``flask ledger check`` names, must not keep the others' mails back.
        _log.exception("statement_not_told", referrer=referrer.code, period=str(period))
        return
    context = {
        "program": program.name,
        "month": str(period),
        "opening": {"minor": statement.opening.total_minor, "currency": statement.currency},
        "closing": {"minor": statement.closing.total_minor, "currency": statement.currency},
        "path": f"/dashboard/statements/{period}?program={program.slug}",
    }
    key = f"statement:{referrer.code}:{period}"
    office.tell(session, referrer, MailKind.STATEMENT_READY, key, context, now=now)


def _has_mail(prefix: str, name: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    return select(Mail.id).where(Mail.event_key == literal(prefix) + name).exists()
