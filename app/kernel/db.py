"""The database: column types, one transaction per request or job, and the two statements that both dialects spell
differently.

Nothing is created at import. ``factory.py`` builds one :class:`Database`; an edge opens one transaction on it and
passes the session down; use cases never commit.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from psycopg import Error as DatabaseDriverError
from psycopg.adapt import Loader
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Enum,
    Integer,
    MetaData,
    Table,
    create_engine,
    event,
    insert,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from app.kernel.clock import as_utc
from app.kernel.queue import JobRequest, collected

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from enum import StrEnum

    import psycopg
    from psycopg.abc import Buffer
    from sqlalchemy import Connection, Dialect, Engine, Insert
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
    from sqlalchemy.sql.dml import ReturningInsert

_log = structlog.get_logger(__name__)

SQLITE_BUSY_SECONDS: Final = 30
"""How long a writer waits for the one write lock of SQLite before the request fails with 503."""

_WRITES: Final = "refledger_writes"
_BEFORE_COMMIT: Final = "before_commit"
_CONNECTION: Final = "connection"
_ONE_TRANSACTION: Final = "one_transaction"
_USED: Final = "used_at"
_IDLE_SECONDS: Final = 5.0

Id = BigInteger().with_variant(Integer, "sqlite")
"""Type of every integer key: 64 bits; on SQLite the alias of the row id."""

JsonValue = JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
"""Type of a JSON document. Never holds money that is summed, nor anything that is searched by."""


class Base(DeclarativeBase):
    """The base of every table; constraint names are fixed so that migrations and errors can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant. Stored in UTC with microseconds; a naive value is refused before it reaches the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What its values are; a decorator does not say what it decorates."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the stored form."""
        if value is None:
            return None
        utc = as_utc(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the base class asks for it
        """From the stored form."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum_column(members: type[StrEnum]) -> Enum:
    """A column of a ``StrEnum``: text with a CHECK on both databases, so that a new state is an ordinary migration."""
    return Enum(
        members,
        values_callable=lambda enum: [member.value for member in enum],
        native_enum=False,
        create_constraint=True,
        name=members.__name__.lower(),
        length=32,
    )


def _on_sqlite_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Take transaction control away from the driver, whose own BEGIN loses updates, and make commits durable."""
    raw = cast("sqlite3.Connection", connection)
    raw.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={SQLITE_BUSY_SECONDS * 1000}",
        "cache_size=-32000",
    ):
        raw.execute(f"PRAGMA {pragma}")


def _on_sqlite_begin(connection: Connection) -> None:
    """Writers queue at BEGIN: a deferred transaction that turns writer later fails with "locked" under load."""
    writes = connection.get_execution_options().get(_WRITES, True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class _WholeNumbers(Loader):
    """PostgreSQL adds up bigint as numeric. No column holds a fraction, so a sum is an int, as on SQLite."""

    def load(self, data: Buffer) -> int | Decimal:
        number = Decimal(bytes(data).decode())
        return int(number) if number == number.to_integral_value() else number


def _on_postgresql_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cast("psycopg.Connection", connection).adapters.register_loader("numeric", _WholeNumbers)


def _on_postgresql_checkin(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info[_USED] = time.monotonic()


def _on_postgresql_checkout(
    connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """See that a connection that lay idle still lives; a busy one is spared the round trip."""
    used = entry.info.get(_USED)
    if used is None or time.monotonic() - used < _IDLE_SECONDS:
        return
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.close()
        connection.rollback()
    except DatabaseDriverError as error:
        # The pool throws the connection away and makes a new one.
        raise DisconnectionError from error


class Database:
    """One database and the way transactions are made on it.

    ``on_commit`` receives the jobs that a transaction collected, after its commit; ``factory.py`` sets it.
    """

    def __init__(self, url: str, *, pool_size: int = 16) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.on_commit: Callable[[Sequence[JobRequest]], None] = lambda _jobs: None
        if self.is_sqlite:
            # What a statement carried may be a person's; an error that is logged must not repeat it.
            self.engine: Engine = create_engine(
                parsed, pool_size=pool_size, max_overflow=64, hide_parameters=True
            )
            event.listen(self.engine, "connect", _on_sqlite_connect)
            event.listen(self.engine, "begin", _on_sqlite_begin)
        else:
            options: dict[str, object] = {"options": "-c timezone=UTC"}
            if parsed.query.get("pgbouncer"):
                # PgBouncer in transaction mode cannot keep prepared statements.
                parsed = parsed.difference_update_query(["pgbouncer"])
                options["prepare_threshold"] = None
            self.engine = create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_size=pool_size,
                max_overflow=64,
                connect_args=options,
                hide_parameters=True,
            )
            event.listen(self.engine, "connect", _on_postgresql_connect)
            event.listen(self.engine, "checkin", _on_postgresql_checkin)
            event.listen(self.engine, "checkout", _on_postgresql_checkout)
        self._reader = self.engine.execution_options(**{_WRITES: False})

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction that may write: commits at the end, rolls back on any exception, then sends its jobs."""
        with Session(self.engine, expire_on_commit=False) as session:
            with session.begin():
                session.info[_ONE_TRANSACTION] = True
                yield session
                finish(session)
            jobs = collected(session)
        if jobs:
            self.on_commit(jobs)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One transaction that only reads; on SQLite it waits for no writer."""
        with Session(self._reader, expire_on_commit=False, autoflush=False) as session, session.begin():
            session.info[_ONE_TRANSACTION] = True
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Like :meth:`reading`, and every statement sees the database as the first one saw it."""
        # SQLite's readers do so anyway.
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        bind = self._reader.execution_options(**options)
        with Session(bind, expire_on_commit=False, autoflush=False) as session, session.begin():
            session.info[_ONE_TRANSACTION] = True
            yield session

    def answers(self) -> bool:
        """Whether the database can be reached now (readiness)."""
        try:
            with self._reader.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except OperationalError:
            _log.warning("database_unreachable")
            return False
        return True

    def dispose(self) -> None:
        """Close every pooled connection (before a fork, at the end)."""
        self.engine.dispose()


def before_commit(session: Session, name: str, work: Callable[[Session], None]) -> None:
    """Have ``work(session)`` run once at the end of this transaction, before its commit; ``name`` makes it once."""
    session.info.setdefault(_BEFORE_COMMIT, {}).setdefault(name, work)


def finish(session: Session) -> None:
    """Run what :func:`before_commit` collected. The transaction does it; long batches may do it in between."""
    works: dict[str, Callable[[Session], None]] = session.info.pop(_BEFORE_COMMIT, {})
    for work in works.values():
        work(session)


def connection_of(session: Session) -> Connection:
    """The connection of this session's transaction, for statements that need no identity map.

    A session goes through its state machine each time it is asked for one; ours live for one transaction, so theirs is
    remembered.
    """
    connection: Connection | None = session.info.get(_CONNECTION)
    if connection is None:
        connection = session.connection()
        if _ONE_TRANSACTION in session.info:
            session.info[_CONNECTION] = connection
    return connection


def on_sqlite(session: Session) -> bool:
    """Whether this session speaks to SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def _insert(session: Session, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if on_sqlite(session) else postgresql.insert(table)


def table_of(model: type[Base]) -> Table:
    """The table behind a mapped class."""
    return cast("Table", model.__table__)


def insert_or_ignore(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]
) -> int:
    """Insert the rows whose ``key`` is not there yet; how many were new.

    ``key`` names a unique constraint's columns; a conflict on any other constraint still raises.
    """
    if not rows:
        return 0
    table = table_of(model)
    statement = _insert(session, table).on_conflict_do_nothing(index_elements=list(key))
    # Counted by what comes back: drivers disagree on the row count of an INSERT.
    inserted = connection_of(session).execute(
        statement.returning(table.c[key[0]]), [dict(row) for row in rows]
    )
    return len(inserted.all())


def insert_all(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows in one statement."""
    connection = connection_of(session)
    connection.execute(_inserting(connection.dialect.name, table_of(model)), rows)


@cache
def _inserting(dialect: str, table: Table) -> Insert | ReturningInsert[Any]:
    # On PostgreSQL only rows that come back are sent together; otherwise each is a statement of its own.
    return insert(table) if dialect == "sqlite" else insert(table).returning(next(iter(table.primary_key)))


def upsert_add(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], *, key: Sequence[str], add: str
) -> None:
    """Insert each row, or add its ``add`` column to the row that is there.

    Rows are written in the order of their keys, so that two transactions that touch the same rows cannot
    deadlock on PostgreSQL.
    """
    if not rows:
        return
    merged = _merging_insert(session.get_bind().dialect.name, table_of(model), tuple(key), add)
    ordered = sorted((dict(row) for row in rows), key=lambda row: tuple(row[name] for name in key))
    connection_of(session).execute(merged, ordered)


@cache
def _merging_insert(
    dialect: str, table: Table, key: tuple[str, ...], add: str
) -> Insert | ReturningInsert[Any]:
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    total = table.c[add] + getattr(statement.excluded, add)
    merging = statement.on_conflict_do_update(index_elements=list(key), set_={add: total})
    # As in _inserting(): together, not one by one.
    return merging if dialect == "sqlite" else merging.returning(table.c[key[0]])
