"""Which books of the house are sealed, and sealing what is due: the ledger, and the audit trail beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.identity.models import AuditEvent
from app.kernel.db import table_of
from app.ledger.models import SealedBook
from app.ledger.seals import LEDGER_BOOK, Book, Head, head_of, is_due, seal_days

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.kernel.db import Database

AUDIT_BOOK: Final = Book(
    name=SealedBook.AUDIT,
    word="audit event",
    table=table_of(AuditEvent),
    at="at",
    columns=("id", "at", "actor", "action", "subject", "program_id", "details"),
)

BOOKS: Final = (LEDGER_BOOK, AUDIT_BOOK)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a run of the nightly job sealed of one book, and where its chain ends now.

    Whoever notes ``head`` down outside of the database can prove later that the chain was not made anew.
    """

    book: SealedBook
    days: tuple[date, ...]
    head: Head


def seal_what_is_due(db: Database, now: datetime) -> list[Sealed]:
    """Seal every finished day of every book, in order. Raises :class:`~app.ledger.watermark.BooksBusy`."""
    found = []
    for book in BOOKS:
        days = seal_days(db, book, now)
        with db.reading() as session:
            found.append(Sealed(book.name, tuple(days), head_of(session, book.name)))
    return found


def seals_are_due(session: Session, now: datetime) -> bool:
    """Whether a finished day of any book is not sealed."""
    return any(is_due(session, book, now) for book in BOOKS)
