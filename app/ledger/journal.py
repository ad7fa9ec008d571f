"""``post()``: the only INSERT into the journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy.dialects import postgresql, sqlite

from app.kernel.db import before_commit, connection_of, insert_all, table_of, upsert_add
from app.ledger.models import (
    VAT_KINDS,
    Figure,
    LedgerAccount,
    LedgerBalance,
    LedgerEntry,
    LedgerTransaction,
    TransactionKind,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session
    from sqlalchemy.sql.dml import ReturningInsert

_LATER: Final = "ledger_postings"
_DELTAS: Final = "ledger_balance_deltas"
_TAKEN_BACK: Final = frozenset({TransactionKind.CLAWBACK, TransactionKind.REVIEW_REJECTION})


class UnbalancedPosting(ValueError):
    """The entries of a posting do not sum to zero, or there are fewer than two. A defect of the caller."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a posting: ``amount_minor`` > 0 debits the account, < 0 credits it."""

    account: LedgerAccount
    amount_minor: int
    available_on: date
    referrer_id: int | None = None
    commission_id: int | None = None
    payout_id: int | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """A balanced movement to be posted once under ``key``, at most 128 characters, unique for ever.

    ``effective_on`` is the day of what it books, in the programme's time zone; ``books.py`` says in which month it
    counts.
    """

    program_id: int
    currency: str
    kind: TransactionKind
    key: str
    entries: tuple[Entry, ...]
    memo: str | None = None
    effective_on: date = field(kw_only=True)

    def __post_init__(self) -> None:
        """Raise :class:`UnbalancedPosting` before anything is written."""
        if len(self.entries) < 2 or sum(entry.amount_minor for entry in self.entries) != 0:  # noqa: PLR2004 - two sides
            raise UnbalancedPosting(f"{self.key}: debits and credits differ")


def figure_of(account: LedgerAccount, kind: TransactionKind) -> tuple[Figure, int]:
    """Which figure an entry belongs to, and the sign by which a debit counts there."""
    match account:
        case LedgerAccount.PAYABLE:
            return Figure.PAYABLE, -1
        case LedgerAccount.HELD:
            return Figure.HELD, -1
        case LedgerAccount.PAYABLE_VAT:
            return Figure.VAT_PAYABLE, -1
        case LedgerAccount.INPUT_VAT:
            return Figure.VAT_DOCUMENTED, 1
        case LedgerAccount.IN_FLIGHT:
            return Figure.VAT_IN_FLIGHT if kind in VAT_KINDS else Figure.IN_FLIGHT, -1
        case LedgerAccount.BANK:
            return Figure.VAT_PAID if kind in VAT_KINDS else Figure.PAID, -1
        case LedgerAccount.COMMISSION_EXPENSE if kind is TransactionKind.COMMISSION:
            return Figure.EARNED, 1
        case LedgerAccount.COMMISSION_EXPENSE if kind in _TAKEN_BACK:
            return Figure.CLAWED_BACK, -1
        case (
            LedgerAccount.COMMISSION_EXPENSE | LedgerAccount.OPENING
        ):  # pragma: no branch - all accounts are named
            return Figure.OTHER, 1


def post(session: Session, posting: Posting, *, posted_at: datetime) -> int | None:
    """Post one movement; its transaction id, or ``None`` where its key was posted before (and nothing changes).

    The caller holds the lock of every referrer it names, shared at least (``referrals/locks.py``).
    """
    return post_many(session, [posting], posted_at=posted_at)[0]


def post_many(session: Session, postings: Sequence[Posting], *, posted_at: datetime) -> list[int | None]:
    """Post several movements in two statements; for each its transaction id, or ``None`` where it was posted before."""
    _write_postings(session)
    return _write(session, postings, posted_at)


def post_later(session: Session, postings: Sequence[Posting], *, posted_at: datetime) -> None:
    """Post these with all others of this transaction, in two statements at its end.

    For callers that need no transaction id. A reader within the same transaction calls :func:`write_balances` first.
    """
    gathered: dict[datetime, list[Posting]] = session.info.setdefault(_LATER, {})
    gathered.setdefault(posted_at, []).extend(postings)
    before_commit(session, _DELTAS, write_balances)


def _write_postings(session: Session) -> None:
    gathered: dict[datetime, list[Posting]] = session.info.pop(_LATER, {})
    for posted_at, postings in gathered.items():
        _write(session, postings, posted_at)


def _write(session: Session, postings: Sequence[Posting], posted_at: datetime) -> list[int | None]:
    if not postings:
        return []
    rows = [
        {
            "program_id": posting.program_id,
            "currency": posting.currency,
            "kind": posting.kind,
            "idempotency_key": posting.key,
            "memo": posting.memo,
            "effective_on": posting.effective_on,
            "posted_at": posted_at,
        }
        for posting in postings
    ]
    statement = _insert_new(session.get_bind().dialect.name)
    ids = {key: transaction_id for transaction_id, key in connection_of(session).execute(statement, rows)}
    fresh = [(ids[posting.key], posting) for posting in postings if posting.key in ids]
    if fresh:
        entries = [
            _entry_row(number, posting, entry, posted_at)
            for number, posting in fresh
            for entry in posting.entries
        ]
        insert_all(session, LedgerEntry, entries)
        _remember(session, [posting for _, posting in fresh])
    return [ids.get(posting.key) for posting in postings]


@cache
def _insert_new(dialect: str) -> ReturningInsert[int, str]:
    """The insert that answers (id, key) of every transaction whose key is new."""
    table = table_of(LedgerTransaction)
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return statement.on_conflict_do_nothing(index_elements=["idempotency_key"]).returning(
        table.c.id, table.c.idempotency_key
    )


def _entry_row(transaction_id: int, posting: Posting, entry: Entry, posted_at: datetime) -> dict[str, object]:
    return {
        "transaction_id": transaction_id,
        "program_id": posting.program_id,
        "account": entry.account,
        "kind": posting.kind,
        "amount_minor": entry.amount_minor,
        "currency": posting.currency,
        "referrer_id": entry.referrer_id,
        "commission_id": entry.commission_id,
        "payout_id": entry.payout_id,
        "available_on": entry.available_on,
        "posted_at": posted_at,
    }


def _remember(session: Session, postings: Sequence[Posting]) -> None:
    """Gather what the balances change by; written once, in key order, before the commit.

    Two orders of different customers touch the same referrer's row of the same day. Updating those rows one posting
    at a time would take their locks in the order of the lines, and two such transactions could wait for each other.
    """
    deltas: dict[tuple[int, Figure, date], list[object]] = session.info.setdefault(_DELTAS, {})
    for posting in postings:
        for entry in posting.entries:
            if entry.referrer_id is None:
                continue
            figure, sign = figure_of(entry.account, posting.kind)
            row = deltas.setdefault(
                (entry.referrer_id, figure, entry.available_on), [posting.program_id, posting.currency, 0]
            )
            row[2] = cast("int", row[2]) + sign * entry.amount_minor
    before_commit(session, _DELTAS, write_balances)


def write_balances(session: Session) -> None:
    """Write what was gathered now, postings and balances; a reader within the same transaction calls this first."""
    _write_postings(session)
    deltas: dict[tuple[int, Figure, date], list[object]] = session.info.pop(_DELTAS, {})
    rows = [
        {
            "referrer_id": referrer_id,
            "figure": figure,
            "available_on": available_on,
            "program_id": program_id,
            "currency": currency,
            "amount_minor": amount,
        }
        for (referrer_id, figure, available_on), (program_id, currency, amount) in deltas.items()
        if amount
    ]
    upsert_add(
        session, LedgerBalance, rows, key=("referrer_id", "figure", "available_on"), add="amount_minor"
    )
