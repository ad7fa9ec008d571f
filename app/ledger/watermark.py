"""Which rows are there for good: the line below which nothing can appear any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from app.kernel.db import on_sqlite
from app.kernel.errors import Unavailable

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.orm import Session

_PATIENCE: Final = "10s"


class BooksBusy(Unavailable):
    """A transaction that writes to the books does not come to its end."""

    title = "The books are busy"

    def __init__(self, table: str) -> None:
        super().__init__(f"{table} is being written to by a long transaction; try again")


def highest_settled(session: Session, table: Table) -> int:
    """The highest row number of ``table``: whatever has a number up to it is committed, for good. 0 for none.

    The race: a row takes its number before its commit, so that one of a slow transaction may appear below rows that
    were read already; a seal or a closing made in between would take it for an intruder. The lock waits for whoever
    has written to the table and not committed, and a row that comes after takes its number under a lock of its own,
    which waits for this one: higher numbers only. The caller's transaction holds nothing else and ends at once. On
    SQLite there is one writer, and the caller's transaction is it.
    """
    if not on_sqlite(session):
        session.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
        try:
            session.execute(text(f"LOCK TABLE {table.name} IN SHARE MODE"))
        except OperationalError as error:
            raise BooksBusy(table.name) from error
    return session.scalar(select(func.max(table.c.id))) or 0
