"""What pages read of tax documents. Nothing here changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from app.kernel.clock import local_day
from app.payouts.documents.profiles import current_merchant, standings
from app.payouts.domain.state import PayoutState
from app.payouts.domain.vat import TaxWait, Treatment, treat
from app.payouts.models import DocumentLine, Payout, TaxDocument
from app.referrals.models import Referrer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.payouts.models import TaxProfile
    from app.referrals.models import Program


def shown() -> ColumnElement[bool]:
    """Whether a referrer may see a document: not while its payout still waits for approval."""
    hidden = select(Payout.id).where(Payout.id == TaxDocument.payout_id, Payout.state == PayoutState.RESERVED)
    return or_(TaxDocument.payout_id.is_(None), ~hidden.exists())


def documents_shown_to(
    session: Session, referrer_id: int, *, before: int = 0, limit: int
) -> Sequence[TaxDocument]:
    """A referrer's documents, newest first."""
    wanted = select(TaxDocument).where(TaxDocument.referrer_id == referrer_id, shown())
    return session.scalars(_page(wanted, before, limit)).all()


def document_shown_to(session: Session, referrer_id: int, document_id: int) -> TaxDocument | None:
    """One of them."""
    wanted = select(TaxDocument).where(
        TaxDocument.id == document_id, TaxDocument.referrer_id == referrer_id, shown()
    )
    return session.scalar(wanted)


def documents_of_program(
    session: Session, program_id: int, *, before: int = 0, limit: int
) -> Sequence[TaxDocument]:
    """A programme's documents, newest first."""
    wanted = select(TaxDocument).where(TaxDocument.program_id == program_id)
    return session.scalars(_page(wanted, before, limit)).all()


def _page(wanted: Select[TaxDocument], before: int, limit: int) -> Select[TaxDocument]:
    if before:
        wanted = wanted.where(TaxDocument.id < before)
    return wanted.order_by(TaxDocument.id.desc()).limit(limit)


def waits_for_staff(session: Session, document: TaxDocument) -> bool:
    """Whether its money is to be invoiced again once staff have settled the objection."""
    held = select(DocumentLine.id).where(DocumentLine.held_by_id == document.id).limit(1)
    return session.scalar(held) is not None


def waiting_totals(session: Session, program_id: int) -> list[tuple[Referrer, int]]:
    """Referrers with money that no document shows yet, and how much, by code."""
    rows = session.execute(
        select(Referrer, func.sum(DocumentLine.amount_minor))
        .join(DocumentLine, DocumentLine.referrer_id == Referrer.id)
        .where(
            Referrer.program_id == program_id,
            DocumentLine.document_id.is_(None),
            DocumentLine.held_by_id.is_(None),
        )
        .group_by(Referrer.id)
        .order_by(Referrer.code)
        .limit(200)
    )
    return [(referrer, int(total)) for referrer, total in rows]


def treatment_of(
    session: Session, program: Program, profile: TaxProfile | None, now: datetime
) -> Treatment | TaxWait | None:
    """How a referrer's next document is taxed, why it waits, or ``None`` for a private person."""
    if profile is None:
        return None
    merchant = current_merchant(session, program.id)
    standing = standings(session, {profile.referrer_id: profile})[profile.referrer_id]
    return treat(standing, merchant.country if merchant else None, local_day(now, program.timezone))
