"""Taking in a file from the bank: read it whole first, then keep each of its records once."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final, cast

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from app.identity.audit import record_event
from app.kernel.db import insert_or_ignore, on_sqlite, table_of
from app.payouts.domain.feedback import read_feedback
from app.payouts.domain.feedback_xml import BadBankFile
from app.payouts.domain.records import Booking, StatementBalances, Status
from app.payouts.models import BankEvent, BankFile, BankStatement
from app.payouts.words import BankEventKind, BankEventState, BankFileState, ExceptionReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Insert
    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.payouts.deps import PayoutDeps
    from app.payouts.domain.records import BankRecord

_CHUNK: Final = 2**20
_MOST_PLAIN: Final = 500_000
"""How many different lines without the bank's reference one file may hold: each costs a hundred bytes of memory."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A file whose records are stored. ``fresh`` of its ``records`` had not been seen before."""

    file_id: int
    records: int
    fresh: int
    known: bool
    """The same bytes were imported before, to the end."""


def take_in(
    deps: PayoutDeps, source: IO[bytes], name: str, *, limit: int | None, by: Actor, now: datetime
) -> TakenIn:
    """Store the records of a bank file in batches. ``source`` is read three times from its start; ``limit`` is the
    largest that is read, in bytes.

    Raises ``BadBankFile`` before anything is stored. Killed in between, importing the file again goes on;
    the keys of the records keep each of them single.
    """
    digest = _sha256(source, limit)
    kind, records = _read_whole(source, limit)
    with deps.db.transaction() as session:
        row = {
            "sha256": digest,
            "name": name[:200],
            "kind": kind,
            "state": BankFileState.RECORDING,
            "record_count": records,
            "imported_at": now,
            "imported_by": by.label,
        }
        if insert_or_ignore(session, BankFile, [row], key=("sha256",)):
            facts = {"sha256": digest, "records": records}
            record_event(session, by, "bank_file.imported", f"bank_file:{digest[:16]}", facts, now=now)
        file = session.scalars(select(BankFile).where(BankFile.sha256 == digest)).one()
    if file.state is not BankFileState.RECORDING:
        return TakenIn(file.id, records, 0, known=file.state is BankFileState.APPLIED)
    fresh = 0
    source.seek(0)
    rows = _rows(read_feedback(source, limit=limit).records, file.id)
    while batch := list(islice(rows, deps.batch)):
        with deps.db.transaction() as session:
            fresh += _store(session, file, batch)
    with deps.db.transaction() as session:
        session.get_one(BankFile, file.id).state = BankFileState.RECORDED
    return TakenIn(file.id, records, fresh, known=False)


def _sha256(source: IO[bytes], limit: int | None) -> str:
    source.seek(0)
    digest, total = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        total += len(chunk)
        if limit is not None and total > limit:
            raise BadBankFile(f"the file is larger than {limit // 2**20} MiB")
        digest.update(chunk)
    return digest.hexdigest()


def _read_whole(source: IO[bytes], limit: int | None) -> tuple[object, int]:
    """The file's kind and how many bookings or statuses it has, once every one of them was readable."""
    source.seek(0)
    feedback = read_feedback(source, limit=limit)
    return feedback.kind, sum(not isinstance(record, StatementBalances) for record in feedback.records)


def _rows(records: Iterator[BankRecord], file_id: int) -> Iterator[dict[str, Any] | StatementBalances]:
    """The records as rows. Equal lines to which the bank gave no reference are told apart by their ordinal within the
    file; those are the only ones that are remembered. Raises ``BadBankFile`` beyond :data:`_MOST_PLAIN` of them.
    """
    seen: Counter[int] = Counter()
    for record in records:
        match record:
            case StatementBalances():
                yield record
            case Booking():
                row, identity = _booking_row(record)
                ordinal = 1
                if row["entry_ref"] is None:
                    # Eight bytes of the line, because the lines of a large file would not fit.
                    short = int(_digest(identity, 0)[:16], 16)
                    seen[short] += 1
                    ordinal = seen[short]
                    if len(seen) > _MOST_PLAIN:
                        raise BadBankFile(f"more than {_MOST_PLAIN} lines without the bank's reference")
                yield {**row, "bank_file_id": file_id, "dedup_key": _digest(identity, ordinal)}
            case Status():
                row, identity = _status_row(record)
                yield {**row, "bank_file_id": file_id, "dedup_key": _digest(identity, 1)}


def _digest(identity: str, ordinal: int) -> str:
    return hashlib.sha256(f"{identity}|{ordinal}".encode()).hexdigest()


_BLANK: Final[dict[str, Any]] = {
    "state": BankEventState.RECEIVED,
    "account": None,
    "entry_ref": None,
    "booked": False,
    "booked_on": None,
    "message_id": None,
    "payment_information_id": None,
    "batch_count": None,
    "status": None,
    "is_return": False,
    "inherited": False,
    "payee_name": None,
    "exception": None,
}


def _booking_row(record: Booking) -> tuple[dict[str, Any], str]:
    """The row, and what identifies the booking across message types and files.

    Account and account servicer reference, else date and amount; and the end-to-end id, because the
    payments of a batch share their entry's reference.
    """
    reference = record.entry_ref or record.detail_ref
    entry = reference or f"{record.booked_on}:{record.amount_minor}:{record.currency}"
    account = _plain(record.account)
    identity = (
        "booking",
        account,
        "credit" if record.credit else "debit",
        "booked" if record.booked else "not booked",
        entry,
        record.end_to_end_id,
    )
    row = {
        **_BLANK,
        "kind": BankEventKind.CREDIT if record.credit else BankEventKind.DEBIT,
        "account": account,
        "entry_ref": reference,
        "booked": record.booked,
        "booked_on": record.booked_on,
        "amount_minor": record.amount_minor,
        "currency": record.currency,
        "end_to_end_id": record.end_to_end_id,
        "message_id": record.message_id,
        "payment_information_id": record.payment_information_id,
        "batch_count": record.batch_count,
        "reason_code": record.reason_code,
        "is_return": record.is_return,
    }
    return row, "|".join(map(str, identity))


def _plain(account: str | None) -> str | None:
    return "".join(account.split()).upper()[:34] if account else None


def _status_row(record: Status) -> tuple[dict[str, Any], str]:
    identity = (
        "status",
        record.level,
        record.message_id,
        record.payment_information_id,
        record.end_to_end_id,
        record.status,
        record.reason_code,
    )
    row = {
        **_BLANK,
        "kind": BankEventKind.STATUS,
        "amount_minor": record.amount_minor,
        "currency": record.currency,
        "end_to_end_id": record.end_to_end_id,
        "message_id": record.message_id,
        "payment_information_id": record.payment_information_id,
        "status": record.status,
        "reason_code": record.reason_code,
        "inherited": record.inherited,
        "payee_name": record.payee_name,
    }
    return row, "|".join(map(str, identity))


def _store(session: Session, file: BankFile, batch: Sequence[dict[str, Any] | StatementBalances]) -> int:
    """Store the batch's records that nobody stored before; how many."""
    rows = [row for row in batch if not isinstance(row, StatementBalances)]
    rows += [
        gap
        for balances in batch
        if isinstance(balances, StatementBalances) and (gap := _statement(session, file, balances))
    ]
    if not rows:
        return 0
    table = table_of(BankEvent)
    insert = sqlite.insert(table) if on_sqlite(session) else postgresql.insert(table)
    statement = cast("Insert", insert.on_conflict_do_nothing(index_elements=["dedup_key"]))
    return len(session.connection().execute(statement.returning(table.c.id), rows).all())


def _statement(session: Session, file: BankFile, found: StatementBalances) -> dict[str, Any] | None:
    """Keep a statement's balances; a row for the exception list where it does not follow the last one.

    A statement that overlaps the last one (opens on or before the day it closed, with other balances) is
    compared with nothing: its entries are known by their keys.
    """
    account = _plain(found.account) or ""
    last = session.scalar(
        select(BankStatement)
        .where(BankStatement.account == account, BankStatement.currency == found.currency)
        .order_by(BankStatement.closing_on.desc(), BankStatement.id.desc())
        .limit(1)
    )
    row = {
        "bank_file_id": file.id,
        "account": account,
        "currency": found.currency,
        "statement_id": found.statement_id,
        "opening_on": found.opening_on,
        "opening_minor": found.opening_minor,
        "closing_on": found.closing_on,
        "closing_minor": found.closing_minor,
    }
    fresh = insert_or_ignore(
        session, BankStatement, [row], key=("account", "currency", "statement_id", "closing_on")
    )
    follows = last is None or found.opening_on <= last.closing_on or found.opening_minor == last.closing_minor
    if not fresh or follows:
        return None
    identity = f"gap|{account}|{found.currency}|{found.statement_id}|{found.closing_on}"
    return {
        **_BLANK,
        "bank_file_id": file.id,
        "kind": BankEventKind.GAP,
        "state": BankEventState.EXCEPTION,
        "exception": ExceptionReason.STATEMENT_GAP,
        "dedup_key": _digest(identity, 1),
        "account": account,
        "booked_on": found.opening_on,
        "amount_minor": found.opening_minor,
        "currency": found.currency,
        "end_to_end_id": None,
        "reason_code": None,
    }


def counts_of(session: Session, file_id: int) -> dict[BankEventState, int]:
    """How many of the bookings and statuses that a file was the first to tell are in each state."""
    rows = session.execute(
        select(BankEvent.state, func.count())
        .where(BankEvent.bank_file_id == file_id, BankEvent.kind != BankEventKind.GAP)
        .group_by(BankEvent.state)
    )
    return {state: int(count) for state, count in rows}


def gaps_of(session: Session, file_id: int) -> int:
    """How many of a file's statements do not follow the ones before."""
    return session.scalars(
        select(func.count()).where(BankEvent.bank_file_id == file_id, BankEvent.kind == BankEventKind.GAP)
    ).one()
