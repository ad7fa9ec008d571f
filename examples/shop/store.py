"""The shop's own SQLite file: connections, transactions and tables."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (
    id INTEGER PRIMARY KEY, number TEXT UNIQUE, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL, iban TEXT, partner_code TEXT, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, number TEXT UNIQUE, customer_id INTEGER NOT NULL REFERENCES customers (id),
    status TEXT NOT NULL, placed_at TEXT NOT NULL, paid_at TEXT, method TEXT);
CREATE TABLE IF NOT EXISTS order_lines (
    order_id INTEGER NOT NULL REFERENCES orders (id), line_id TEXT NOT NULL, sku TEXT NOT NULL, name TEXT
    NOT NULL, quantity INTEGER NOT NULL, net_minor INTEGER NOT NULL,
    refunded_minor INTEGER NOT NULL DEFAULT 0, kind TEXT NOT NULL, programme TEXT NOT NULL,
    PRIMARY KEY (order_id, line_id));
CREATE TABLE IF NOT EXISTS refunds (
    id INTEGER PRIMARY KEY, number TEXT UNIQUE, order_id INTEGER NOT NULL REFERENCES orders (id),
    line_id TEXT NOT NULL, net_minor INTEGER NOT NULL, refunded_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS memberships (
    customer_id INTEGER NOT NULL REFERENCES customers (id), programme TEXT NOT NULL, code TEXT NOT NULL,
    referral_url TEXT NOT NULL, paid_to TEXT NOT NULL, PRIMARY KEY (customer_id, programme));
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY, programme TEXT NOT NULL, stream TEXT NOT NULL, method TEXT NOT NULL, path TEXT
    NOT NULL, body TEXT, stored_at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
    tries INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0, answer TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (state, not_before, id);
"""


class Store:
    """Opens connections to one SQLite file; each `transaction()` takes the write lock at once."""

    def __init__(self, path: Path) -> None:
        """Creates the file and its tables where they are missing."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. The lock is taken before the first read: no two requests act on the same state."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query, outside any transaction."""
        with self._connection() as connection:
            return connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        rows = self.rows(sql, *values)
        return rows[0] if rows else None


def timestamp() -> str:
    """Now, as the API wants times: RFC 3339 with its offset."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
