"""A statement as a file, made when somebody asks for it: a month that is over gives the same bytes every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.payouts.documents.language import Language
from app.payouts.documents.paper import render_sheet
from app.payouts.documents.statement_sheet import statement_sheet
from app.payouts.documents.statements import made_at, statement_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.payouts.domain.calendar import Period
    from app.referrals.models import Program, Referrer


def statement_file(
    session: Session,
    program: Program,
    referrer: Referrer,
    period: Period,
    *,
    now: datetime,
    language: str | None = None,
) -> tuple[str, bytes]:
    """Its name and its bytes, in ``language`` or the referrer's own. Raises ``MonthNotOver``."""
    found = statement_of(session, program, referrer, period, now=now)
    sheet = statement_sheet(found, language or referrer.locale, made_at(program, period))
    return f"{referrer.code}-{period}.pdf", render_sheet(sheet, Language(sheet.language)("Page"))
