"""Holding the sealed books against their seals: the first seal that does not hold, and its first row that differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.kernel.db import table_of
from app.ledger.models import Seal
from app.ledger.seals import BEGINNING, LAYOUT, TOLD, digest_of, marks_in, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.orm import Session

    from app.ledger.check import Check
    from app.ledger.seals import Book, SealedRow

_SEALS = table_of(Seal)


def seals_hold(book: Book) -> Check:
    """The check of one book: its chain has no gap, and its rows are those that were sealed.

    One seal with its rows is in memory at a time. Seals are of the whole house; the programme that is asked for does
    not narrow them.
    """

    def check(session: Session, _program_id: int | None) -> Iterator[str]:
        before: Mapping[str, Any] = {"number": 0, "digest": BEGINNING, "last_id": 0, "day": None}
        while (seal := _next_seal(session, book, before["number"])) is not None:
            wrong = _out_of_line(book, before, seal) or _altered(session, book, seal)
            if wrong is not None:
                # What follows hangs on this one: it says nothing more.
                yield wrong
                return
            before = seal

    return check


def _next_seal(session: Session, book: Book, after: int) -> Mapping[str, Any] | None:
    wanted = select(*_SEALS.c).where(_SEALS.c.book == book.name, _SEALS.c.number > after)
    row = session.execute(wanted.order_by(_SEALS.c.number).limit(1)).mappings().one_or_none()
    return None if row is None else dict(row)


def _out_of_line(book: Book, before: Mapping[str, Any], seal: Mapping[str, Any]) -> str | None:
    """Why a seal does not follow the one before it."""
    expected = before["number"] + 1
    if seal["number"] != expected:
        return f"seal {expected} of the book {book.name} is gone"
    if seal["layout"] != LAYOUT:
        return f"{_named(book, seal)} has layout {seal['layout']}, which nobody can read"
    if seal["previous"] != before["digest"] or seal["after_id"] != before["last_id"]:
        return f"{_named(book, seal)} does not follow the one before it"
    return None


def _altered(session: Session, book: Book, seal: Mapping[str, Any]) -> str | None:
    """What differs between a seal and the rows that it covers."""
    rows = list(rows_of(session, book, seal["after_id"], seal["last_id"]))
    if digest_of({name: seal[name] for name in TOLD}, rows) == seal["digest"]:
        same = b"".join(row.mark for row in rows) == seal["marks"]
        return None if same else f"the marks of {_named(book, seal)} were altered"
    return _first_difference(book, seal, rows) or f"{_named(book, seal)} was altered itself"


def _first_difference(book: Book, seal: Mapping[str, Any], rows: list[SealedRow]) -> str | None:
    sealed, there = marks_in(seal["marks"]), {row.number: row for row in rows}
    for number in sorted(sealed.keys() | there.keys()):
        if number not in there:
            what = "was sealed and is gone"
        elif number not in sealed:
            what = "was not there when the day was sealed"
        elif there[number].mark != sealed[number]:
            what = "is not what was sealed"
        else:
            continue
        return f"{seal['day']}: {book.word} {number} {what}"
    return None


def _named(book: Book, seal: Mapping[str, Any]) -> str:
    return f"seal {seal['number']} of the book {book.name} ({seal['day']})"
