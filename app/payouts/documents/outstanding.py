"""What payouts leave to be written: invoices that waited and may be written now, and corrections after refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kernel.clock import local_day
from app.payouts.documents.issuing import Occasion, tax_parts, write_documents
from app.payouts.documents.sources import to_correct
from app.payouts.domain.calendar import Period
from app.payouts.settling import lock_referrers

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kernel.db import Database
    from app.payouts.models import TaxDocument
    from app.referrals.models import Program


def issue_outstanding(database: Database, program: Program, now: datetime) -> int:
    """Write what is outstanding in a programme.

    One transaction a referrer, so that a number is never held for long; safe to run again. How many documents.
    """
    with database.reading() as session:
        referrer_ids = to_correct(session, program.id)
    count = 0
    for referrer_id in referrer_ids:
        with database.transaction() as session:
            count += len(issue_for(session, program, referrer_id, now))
    return count


def issue_for(session: Session, program: Program, referrer_id: int, now: datetime) -> list[TaxDocument]:
    """Write what one referrer's money calls for between payouts."""
    lock_referrers(session, [referrer_id])
    parts = tax_parts(session, program, [referrer_id], until=None, now=now)
    today = local_day(now, program.timezone)
    return write_documents(session, program, parts, Occasion(Period.of(today).first_day, today, now, {}))
