"""Posting for a whole batch of payouts in a handful of statements: what ``post_many()`` of ``journal.py`` writes,
without a Python object for each entry.

A run of 100,000 payouts has two million entries; the database writes them from what it knows already. Like ``post()``
these are INSERTs only, under idempotency keys that are unique for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import String, cast, func, insert, literal, select, union_all
from sqlalchemy.dialects import postgresql, sqlite

from app.kernel.db import on_sqlite, table_of
from app.ledger.journal import figure_of, write_balances
from app.ledger.models import LedgerAccount, LedgerBalance, LedgerEntry, LedgerTransaction, TransactionKind

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Insert, Select, Subquery
    from sqlalchemy.orm import Session

_ENTRIES: Final = table_of(LedgerEntry)
_BALANCES: Final = table_of(LedgerBalance)
_TRANSACTIONS: Final = table_of(LedgerTransaction)


@dataclass(frozen=True, slots=True)
class PayoutPosting:
    """What is the same in every movement of a batch: one transaction a payout, under ``key_prefix`` and its id."""

    program_id: int
    currency: str
    kind: TransactionKind
    debited: LedgerAccount
    credited: LedgerAccount
    key_prefix: str
    effective_on: date
    posted_at: datetime
    memo: str | None = None


def post_payouts(session: Session, posting: PayoutPosting, source: Select[int, int, date, int]) -> None:
    """Debit and credit what ``source`` names: (``payout_id``, ``referrer_id``, ``available_on``, ``amount_minor``).

    One row a payout and date; no amount is zero. The caller holds the lock of every referrer in it and knows that
    nothing was posted under these keys: a second time fails with an ``IntegrityError`` and changes nothing.
    """
    write_balances(session)
    rows = source.subquery("moved")
    connection = session.connection()
    connection.execute(
        insert(_TRANSACTIONS).from_select(
            ["program_id", "currency", "kind", "idempotency_key", "memo", "effective_on", "posted_at"],
            select(
                literal(posting.program_id),
                literal(posting.currency),
                literal(posting.kind, _TRANSACTIONS.c.kind.type),
                _key(posting, rows),
                literal(posting.memo, _TRANSACTIONS.c.memo.type),
                literal(posting.effective_on, _TRANSACTIONS.c.effective_on.type),
                literal(posting.posted_at, _TRANSACTIONS.c.posted_at.type),
            )
            .group_by(rows.c.payout_id)
            .order_by(rows.c.payout_id),
        )
    )
    for account, sign in ((posting.debited, 1), (posting.credited, -1)):
        connection.execute(_entries(posting, rows, account, sign))
    connection.execute(_balances(posting, rows, sqlite_=on_sqlite(session)))


def _key(posting: PayoutPosting, rows: Subquery) -> ColumnElement[str]:
    return literal(posting.key_prefix) + cast(rows.c.payout_id, String)


def _entries(posting: PayoutPosting, rows: Subquery, account: LedgerAccount, sign: int) -> Insert:
    chosen = (
        select(
            _TRANSACTIONS.c.id,
            literal(posting.program_id),
            literal(account, _ENTRIES.c.account.type),
            literal(posting.kind, _ENTRIES.c.kind.type),
            rows.c.amount_minor * sign,
            literal(posting.currency),
            rows.c.referrer_id,
            rows.c.payout_id,
            rows.c.available_on,
            literal(posting.posted_at, _ENTRIES.c.posted_at.type),
        )
        .join(_TRANSACTIONS, _TRANSACTIONS.c.idempotency_key == _key(posting, rows))
        .order_by(rows.c.payout_id, rows.c.available_on)
    )
    names = (
        "transaction_id program_id account kind amount_minor currency referrer_id payout_id available_on "
        "posted_at"
    ).split()
    return insert(_ENTRIES).from_select(names, chosen)


def _balances(posting: PayoutPosting, rows: Subquery, *, sqlite_: bool) -> Insert:
    """Both sides added to the running balances, in key order as everywhere."""
    sides = []
    for account, sign in ((posting.debited, 1), (posting.credited, -1)):
        figure, counts = figure_of(account, posting.kind)
        sides.append(
            select(
                rows.c.referrer_id,
                literal(figure, _BALANCES.c.figure.type).label("figure"),
                rows.c.available_on,
                (rows.c.amount_minor * (sign * counts)).label("amount_minor"),
            )
        )
    both = union_all(*sides).subquery("sides")
    key = (both.c.referrer_id, both.c.figure, both.c.available_on)
    chosen = (
        select(
            *key,
            literal(posting.program_id),
            literal(posting.currency),
            func.sum(both.c.amount_minor),
        )
        .group_by(*key)
        .order_by(*key)
    )
    names = ["referrer_id", "figure", "available_on", "program_id", "currency", "amount_minor"]
    new = (sqlite.insert if sqlite_ else postgresql.insert)(_BALANCES).from_select(names, chosen)
    total = _BALANCES.c.amount_minor + new.excluded.amount_minor
    return new.on_conflict_do_update(index_elements=names[:3], set_={"amount_minor": total})
