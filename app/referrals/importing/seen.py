"""What stood in a file before, and on which line: exact, and on disk, so that a million lines cost no memory."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Seen:
    """The ids of the lines read so far, in a private temporary database that goes when it is closed."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("PRAGMA journal_mode=OFF")
        self._file.execute("PRAGMA cache_size=-8000")
        self._file.execute(
            "CREATE TABLE seen (what TEXT, value TEXT, line INTEGER, PRIMARY KEY (what, value)) WITHOUT ROWID"
        )
        self._file.execute("BEGIN")

    def __enter__(self) -> Self:
        """Use it within a block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Throw it away."""
        self._file.close()

    def before(self, what: str, value: str, line: int) -> int | None:
        """The line on which ``value`` stood first, or ``None``: then it stands on ``line`` from now on."""
        added = self._file.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (what, value, line))
        if added.rowcount:
            return None
        found = self._file.execute(
            "SELECT line FROM seen WHERE what = ? AND value = ?", (what, value)
        ).fetchone()
        return int(found[0])
