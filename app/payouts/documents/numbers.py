"""Numbers of documents: one after the other per programme, country and year, without a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from app.kernel.db import insert_or_ignore
from app.payouts.models import DocumentSeries

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.referrals.models import Program


def take_numbers(session: Session, program: Program, country: str, year: int, count: int) -> range:
    """The next ``count`` numbers of a series.

    The race: two transactions write documents of one series. The first to come locks the series' row until it ends,
    and the second goes on from what it left: from the number after, or from the same one where it rolled back. So
    callers lock referrers first, take numbers last, and take those of several countries in alphabetical order.
    """
    key = {"program_id": program.id, "country": country, "year": year}
    insert_or_ignore(session, DocumentSeries, [{**key, "last_number": 0}], key=tuple(key))
    last = session.scalars(
        update(DocumentSeries)
        .where(
            DocumentSeries.program_id == program.id,
            DocumentSeries.country == country,
            DocumentSeries.year == year,
        )
        .values(last_number=DocumentSeries.last_number + count)
        .returning(DocumentSeries.last_number),
        execution_options={"synchronize_session": False},
    ).one()
    return range(last - count + 1, last + 1)


def number_text(program: Program, country: str, year: int, sequence: int) -> str:
    """How a number is written (BT-1): ``HOSTING-NL-2026-000012``."""
    return f"{program.slug.upper()}-{country}-{year}-{sequence:06d}"
