"""The click writer: moves clicks from the stream and the spool into the database.

It may die at any statement and start again. The stream forgets an entry, and the disk a spool file, only after the
commit of its clicks; what was written and not yet forgotten is read again and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar, cast

import structlog
from redis.exceptions import ResponseError
from sqlalchemy.exc import DataError, IntegrityError

from app.referrals.click_record import BrokenRecord, ClickRecord
from app.referrals.click_rows import write_clicks
from app.referrals.spool import read
from app.referrals.stream import STREAM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from redis import Redis

    from app.kernel.db import Database
    from app.referrals.spool import Spool

_log = structlog.get_logger(__name__)

GROUP: Final = "drain"
BATCH: Final = 1_000
"""Clicks in one transaction."""

_CONSUMER: Final = "writer"
_START: Final = "0-0"

Answer = TypeVar("Answer")
Entry = tuple[bytes, dict[bytes, bytes] | None]


class ClickWriter:
    """Writes what waits. Any number of writers may run: a click is written once, by its event id."""

    def __init__(self, db: Database, redis: Redis, spool: Spool) -> None:
        self._db = db
        self._redis = redis
        self._spool = spool

    def spooled(self) -> int:
        """Write what the spool holds; how many clicks were new."""
        return sum(self._write_file(path) for path in self._spool.take())

    def unacknowledged(self, idle_ms: int = 0) -> int:
        """Write what a writer, dead or alive, took ``idle_ms`` ago and has not acknowledged; how many were new."""
        written, start = 0, _START
        while True:
            start, entries = self._claim(start, idle_ms)
            written += self._write_entries(entries)
            if start == _START:
                return written

    def fresh(self, block_ms: int | None = None) -> tuple[int, int]:
        """Write the next batch of the stream: how many entries it had, and how many clicks were new.

        Waits for a first entry at most ``block_ms``, or not at all.
        """
        answer = self._of_group(
            lambda: self._redis.xreadgroup(GROUP, _CONSUMER, {STREAM: ">"}, count=BATCH, block=block_ms)
        )
        streams = cast("list[tuple[bytes, list[Entry]]]", answer)
        entries = [entry for _, found in streams or [] for entry in found]
        return len(entries), self._write_entries(entries)

    def _claim(self, start: str, idle_ms: int) -> tuple[str, list[Entry]]:
        answer = self._of_group(
            lambda: self._redis.xautoclaim(STREAM, GROUP, _CONSUMER, idle_ms, start_id=start, count=BATCH)
        )
        following, entries = answer[:2]
        return following.decode(), entries

    def _of_group(self, ask: Callable[[], Answer]) -> Answer:
        """Ask the consumer group; make it first where Redis is new or has lost it."""
        try:
            return ask()
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
        try:
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        return ask()

    def _write_entries(self, entries: Sequence[Entry]) -> int:
        if not entries:
            return 0
        written = self._write([_read_entry(entry) for entry in entries])
        ids = [entry_id for entry_id, _ in entries]
        # After the commit: an entry acknowledged earlier would be lost with this process.
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xack(STREAM, GROUP, *ids)
            pipeline.xdel(STREAM, *ids)
            pipeline.execute()
        return written

    def _write_file(self, path: Path) -> int:
        written = 0
        batch: list[ClickRecord | BrokenRecord] = []
        for record in read(path):
            batch.append(record)
            if len(batch) == BATCH:
                written += self._write(batch)
                batch = []
        written += self._write(batch)
        path.unlink(missing_ok=True)
        return written

    def _write(self, read_records: Sequence[ClickRecord | BrokenRecord]) -> int:
        records = [record for record in read_records if isinstance(record, ClickRecord)]
        for broken in read_records:
            if isinstance(broken, BrokenRecord):
                _log.error("click_unreadable", record=str(broken))
        if not records:
            return 0
        try:
            with self._db.transaction() as session:
                return write_clicks(session, records)
        except (IntegrityError, DataError):
            return sum(self._write_one(record) for record in records)

    def _write_one(self, record: ClickRecord) -> int:
        """One click of a batch that holds one the database will never take; that one is logged and passed over."""
        try:
            with self._db.transaction() as session:
                return write_clicks(session, [record])
        except (IntegrityError, DataError) as error:
            _log.error("click_refused", record=record.body(), error=str(error.orig))
            return 0


def _read_entry(entry: Entry) -> ClickRecord | BrokenRecord:
    entry_id, fields = entry
    try:
        label, click_id, body = ((fields or {})[name].decode() for name in (b"l", b"c", b"r"))
        return ClickRecord.read(body, label, click_id)
    except (KeyError, UnicodeDecodeError):
        return BrokenRecord(entry_id.decode())
    except BrokenRecord as broken:
        return broken
