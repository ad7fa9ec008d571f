"""The hash chain over the append-only books: every finished day is sealed, and whatever is altered behind the
triggers' back is found and named.

A seal covers the rows of one book with numbers above ``after_id`` up to ``last_id``; the next one begins there. It
holds SHA-256 over the seal before, its own facts, and the fingerprint of each row. Which rows belong to a day: those
up to the last one that was written on it and is not sealed yet. A row that was committed after its day was sealed has
a higher number than all that was, and goes into the next day's seal; ``highest_settled()`` proves that none can come
below.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Enum, String, func, select, type_coerce

from app.kernel.clock import as_utc
from app.kernel.db import connection_of, insert_or_ignore, table_of
from app.ledger.models import LedgerEntry, LedgerTransaction, Seal, SealedBook
from app.ledger.watermark import highest_settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.orm import Session

    from app.kernel.db import Database

MARGIN: Final = timedelta(minutes=10)
"""How long after midnight (UTC) the day is sealed: what was under way then has come to its end as a rule."""

PIECE: Final = 5_000
"""The most rows of one seal: a day with more has several, each written by a transaction of its own."""

LAYOUT: Final = 1
"""Which columns a row's fingerprint covers. A further column means a further layout; the old one stays readable."""

BEGINNING: Final = "0" * 64
"""``previous`` of the first seal."""

_CHUNK: Final = 1_000
_ID: Final = 8
_MARK: Final = 16
"""Bytes of a row's number within its mark, and of the whole mark."""


@dataclass(frozen=True)
class Book:
    """What is sealed: a table by its numbers, with the rows of another one that hang on them.

    ``at`` names the column that says when a row was written, ``word`` what people call one. ``parts`` are the rows that
    belong to one, found by ``part_of``.
    """

    name: SealedBook
    word: str
    table: Table
    at: str
    columns: tuple[str, ...]
    parts: Table | None = None
    part_of: str = ""
    part_columns: tuple[str, ...] = ()


LEDGER_BOOK: Final = Book(
    name=SealedBook.LEDGER,
    word="transaction",
    table=table_of(LedgerTransaction),
    at="posted_at",
    columns=(
        "id",
        "program_id",
        "currency",
        "kind",
        "idempotency_key",
        "memo",
        "effective_on",
        "posted_at",
    ),
    parts=table_of(LedgerEntry),
    part_of="transaction_id",
    part_columns=(
        "transaction_id",
        "currency",
        "amount_minor",
        "id",
        "program_id",
        "account",
        "kind",
        "referrer_id",
        "commission_id",
        "payout_id",
        "available_on",
        "posted_at",
    ),
)


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A row as it is now: its number, its fingerprint, and what the seal's sums take from it."""

    number: int
    fingerprint: bytes
    parts: int
    debits: tuple[tuple[str, int], ...]

    @property
    def mark(self) -> bytes:
        """What a seal keeps of it."""
        return self.number.to_bytes(_ID, "big") + self.fingerprint[: _MARK - _ID]


@dataclass(frozen=True, slots=True)
class Head:
    """Where a book's chain ends."""

    number: int
    day: date | None
    ends_day: bool
    last_id: int
    digest: str


def head_of(session: Session, book: SealedBook) -> Head:
    """The newest seal of a book; number 0 before the first."""
    row = session.execute(
        select(Seal.number, Seal.day, Seal.ends_day, Seal.last_id, Seal.digest)
        .where(Seal.book == book)
        .order_by(Seal.number.desc())
        .limit(1)
    ).one_or_none()
    return Head(*row) if row else Head(0, None, ends_day=True, last_id=0, digest=BEGINNING)


def last_finished_day(now: datetime) -> date:
    """The newest day that may be sealed."""
    return as_utc(now - MARGIN).date() - timedelta(days=1)


def is_due(session: Session, book: Book, now: datetime) -> bool:
    """Whether a finished day of the book is not sealed. For the sweeper."""
    head = head_of(session, book.name)
    if head.day is None:
        # Nothing to seal in an empty book.
        first: datetime | None = session.scalar(
            select(book.table.c[book.at]).order_by(book.table.c.id).limit(1)
        )
        return first is not None and first.date() <= last_finished_day(now)
    return head.day < last_finished_day(now) or (not head.ends_day and head.day <= last_finished_day(now))


def seal_days(db: Database, book: Book, now: datetime) -> list[date]:
    """Seal every finished day of the book that is not, in order; which days those were.

    Safe to run twice at once and to be killed anywhere: seals are written with their number in the chain, a few
    thousand rows' worth in a transaction, and the next start goes on from the last.
    """
    with db.transaction() as session:
        settled = highest_settled(session, book.table)
    sealed: list[date] = []
    with db.reading() as session:
        head = head_of(session, book.name)
        ends = _ends_of_days(session, book, head.last_id, settled)
        for batch in _batches(_new_seals(session, book, head, ends, now)):
            if not _write(db, batch):
                break
            sealed += [seal["day"] for seal in batch if seal["ends_day"]]
    return sealed


class _SomebodyElse(Exception):
    """Another process is sealing the same book."""


def _write(db: Database, batch: Sequence[dict[str, Any]]) -> bool:
    """Add these links to the chain, all or none; whether they are those that come next."""
    try:
        with db.transaction() as session:
            _add(session, batch)
    except _SomebodyElse:
        return False
    return True


def _add(session: Session, batch: Sequence[dict[str, Any]]) -> None:
    # The race: two workers seal the same book. Whoever comes second finds these numbers taken and must write none,
    # or its later links would hang on ones that are not there.
    if insert_or_ignore(session, Seal, batch, key=("book", "number")) != len(batch):
        raise _SomebodyElse


def _batches(made: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for seal in made:
        batch.append(seal)
        if len(batch) == _CHUNK or sum(each["row_count"] for each in batch) >= PIECE:
            yield batch
            batch = []
    if batch:
        yield batch


def _new_seals(
    session: Session, book: Book, head: Head, ends: dict[date, int], now: datetime
) -> Iterator[dict[str, Any]]:
    """The links from ``head`` to the last finished day, one after the other."""
    if head.day is None and not ends:
        return
    day, waiting = _first_open(head, ends), sorted(ends.items(), reverse=True)
    while day <= last_finished_day(now):
        last_id = head.last_id
        while waiting and waiting[-1][0] <= day:
            last_id = max(last_id, waiting.pop()[1])
        ends_day = False
        while not ends_day:
            rows = list(islice(rows_of(session, book, head.last_id, last_id), PIECE))
            ends_day = len(rows) < PIECE
            until = last_id if ends_day else rows[-1].number
            seal = _made(book, head, rows, day=day, last_id=until, ends_day=ends_day, now=now)
            yield seal
            head = Head(seal["number"], day, ends_day, until, seal["digest"])
        day += timedelta(days=1)


def _first_open(head: Head, ends: dict[date, int]) -> date:
    if head.day is None:
        return min(ends)
    return head.day + timedelta(days=1) if head.ends_day else head.day


def _ends_of_days(session: Session, book: Book, after: int, last: int) -> dict[date, int]:
    """For each day the highest number that was written on it: one pass over what is not sealed."""
    number, day = book.table.c.id, func.date(book.table.c[book.at])
    rows = session.execute(
        select(type_coerce(day, String), func.max(number))
        .where(number > after, number <= last)
        .group_by(day)
        .order_by(day)
    )
    return {date.fromisoformat(str(on)): int(end) for on, end in rows}


def _made(
    book: Book,
    head: Head,
    rows: Sequence[SealedRow],
    *,
    day: date,
    last_id: int,
    ends_day: bool,
    now: datetime,
) -> dict[str, Any]:
    debits: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        for currency, amount in row.debits:
            debits[currency] += amount
    seal: dict[str, Any] = {
        "book": book.name,
        "number": head.number + 1,
        "layout": LAYOUT,
        "day": day,
        "ends_day": ends_day,
        "after_id": head.last_id,
        "last_id": last_id,
        "row_count": len(rows),
        "part_count": sum(row.parts for row in rows),
        "debits": dict(debits),
        "previous": head.digest,
        "sealed_at": now,
    }
    marks = b"".join(row.mark for row in rows)
    return seal | {"digest": digest_of(seal, rows), "marks": marks}


TOLD: Final = (
    "book",
    "number",
    "layout",
    "day",
    "ends_day",
    "after_id",
    "last_id",
    "row_count",
    "part_count",
    "debits",
    "previous",
    "sealed_at",
)
"""The columns of a seal that its digest covers."""


def digest_of(seal: dict[str, Any], rows: Iterable[SealedRow]) -> str:
    """SHA-256, in hex, over a seal's facts and the fingerprints of its rows."""
    digest = hashlib.sha256(_canonical([seal[name] for name in TOLD]))
    for row in rows:
        digest.update(row.fingerprint)
    return digest.hexdigest()


def marks_in(marks: bytes) -> dict[int, bytes]:
    """A seal's marks by the number of their row, in order."""
    each = (marks[start : start + _MARK] for start in range(0, len(marks), _MARK))
    return {int.from_bytes(mark[:_ID], "big"): mark for mark in each}


def rows_of(session: Session, book: Book, after: int, last: int) -> Iterator[SealedRow]:
    """The rows with numbers above ``after`` up to ``last``, by number, some thousand in memory at a time."""
    while after < last:
        within = book.table.c.id.between(after + 1, last)
        wanted = select(*_plain(book.table, book.columns)).where(within).order_by(book.table.c.id)
        chunk = connection_of(session).execute(wanted.limit(_CHUNK)).all()
        end = chunk[-1][0] if len(chunk) == _CHUNK else last
        rows = {row[0]: tuple(row) for row in chunk}
        parts = _parts(session, book, after, end)
        # Parts whose row is gone stand alone, so that they are found too.
        for number in sorted(rows.keys() | parts.keys()):
            yield _sealed(number, rows.get(number), parts.get(number, []))
        after = end


def _parts(session: Session, book: Book, after: int, last: int) -> dict[int, list[tuple[Any, ...]]]:
    found: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    if book.parts is not None:
        of = book.parts.c[book.part_of]
        wanted = select(*_plain(book.parts, book.part_columns)).where(of.between(after + 1, last))
        for part in connection_of(session).execute(wanted.order_by(of, book.parts.c.id)):
            found[part[0]].append(tuple(part))
    return found


def _plain(table: Table, names: Sequence[str]) -> list[ColumnElement[Any]]:
    """The columns as the database has them: a word need not become a member of its enumeration to be hashed."""
    columns = [table.c[name] for name in names]
    return [type_coerce(each, String) if isinstance(each.type, Enum) else each for each in columns]


def _sealed(number: int, row: tuple[Any, ...] | None, parts: Sequence[tuple[Any, ...]]) -> SealedRow:
    fingerprint = hashlib.sha256(_canonical([row, parts])).digest()
    debits = tuple((currency, amount) for _, currency, amount, *_ in parts if amount > 0)
    return SealedRow(number, fingerprint, len(parts), debits)


def _canonical(values: object) -> bytes:
    """The same bytes for the same values on both databases."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_written)
    return text.encode()


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return as_utc(value).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a sealed row")
