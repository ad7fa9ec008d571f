"""Clicks: appended by the redirect, drained into the database by the worker.

A click is promised once the buyer was answered: it is then in the Redis stream or in this machine's spool, on disk.
The drain takes both.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Protocol, cast

import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.errors import Unavailable
from app.referrals.click_rows import record_from_click_id
from app.referrals.click_writer import ClickWriter
from app.referrals.domain.click_label import ClickLabel
from app.referrals.spool import Spool
from app.referrals.stream import DUPLICATE_MS, STREAM, ClickStream, StreamDown

if TYPE_CHECKING:
    import threading
    from datetime import datetime

    from app.kernel.db import Database
    from app.referrals.click_record import ClickRecord
    from config import Settings

__all__ = [
    "ClickLog",
    "ClickStreamUnreachable",
    "drain",
    "oldest_undrained_seconds",
    "record_from_click_id",
    "run_writer",
    "spool_bytes",
]

_log = structlog.get_logger(__name__)

_PAUSE: Final = 1.0
"""Seconds before the writer tries again after a failure."""

_WAIT_MS: Final = 1_000
_CLAIM_SECONDS: Final = 5.0
"""How often the running writer looks for what another took, and how long that one may keep it."""

_LOCAL_SEEN: Final = 50_000
_ANSWER_SECONDS: Final = 10
_CONNECT_SECONDS: Final = 1


class ClickParts(Protocol):
    """What of the wired services a click needs."""

    @property
    def db(self) -> Database:
        """Where clicks end."""

    @property
    def settings(self) -> Settings:
        """``redis_url`` and ``var_dir``."""


class ClickStreamUnreachable(Unavailable):
    """Redis does not answer, so what the stream holds cannot be drained now."""

    title = "The click stream is unreachable"

    def __init__(self) -> None:
        super().__init__("Redis does not answer: the spool was drained, the click stream was not")


class ClickLog:
    """Where the redirect appends clicks: to the stream, else to the spool. It never raises.

    It belongs to one event loop, as its stream does.
    """

    def __init__(self, stream: ClickStream, spool: Spool) -> None:
        self._stream = stream
        self._spool = spool
        self._seen: dict[str, tuple[float, str]] = {}

    async def append(self, record: ClickRecord, seen: str | None) -> str | None:
        """Make the click durable; the earlier click's id where it turns out to be a duplicate.

        ``seen`` names visitor and link of a click that would count, and is ``None`` for any other.
        """
        try:
            if seen is None:
                await self._stream.append(record.body(), record.label, record.click_id)
                return None
            return await self._stream.append_once(record.body(), record.click_id, seen)
        except StreamDown as reason:
            return await self._append_to_spool(record, seen, str(reason))

    async def _append_to_spool(self, record: ClickRecord, seen: str | None, reason: str) -> str | None:
        first = self._first_of(seen, record.click_id) if seen else None
        if first:
            record = record._replace(label=ClickLabel.DUPLICATE, click_id=first)
        try:
            await asyncio.to_thread(self._spool.append, record)
        except OSError as error:
            # Both are down. The buyer goes on all the same, and the click id still attributes the signup.
            _log.error("click_lost", click_id=record.click_id, stream=reason, spool=str(error))
        return first

    def _first_of(self, seen: str, click_id: str) -> str | None:
        """Duplicates while Redis is away, as far as this process has seen them."""
        now = time.monotonic()
        at, first = self._seen.get(seen, (0.0, ""))
        if first and now - at < DUPLICATE_MS / 1000:
            return first
        if len(self._seen) >= _LOCAL_SEEN:
            self._seen.clear()
        self._seen[seen] = (now, click_id)
        return None


def click_log(settings: Settings) -> ClickLog:
    """The log of this installation."""
    return ClickLog(ClickStream(settings.redis_url), spool_of(settings))


def spool_of(settings: Settings) -> Spool:
    """The spool of this installation."""
    return Spool(settings.var_dir / "spool")


def drain(parts: ClickParts) -> int:
    """Write what stream and spool hold now, also what another writer left unacknowledged; how many were new.

    Raises :class:`ClickStreamUnreachable`, after the spool was drained.
    """
    with _redis(parts.settings) as redis:
        writer = ClickWriter(parts.db, redis, spool_of(parts.settings))
        written = writer.spooled()
        try:
            written += writer.unacknowledged()
            while True:
                entries, new = writer.fresh()
                written += new
                if not entries:
                    return written
        except (RedisError, OSError) as error:
            raise ClickStreamUnreachable from error


def run_writer(parts: ClickParts, stop: threading.Event) -> None:
    """Drain until ``stop`` is set. A database or Redis that is away is waited for."""
    with _redis(parts.settings) as redis:
        writer = ClickWriter(parts.db, redis, spool_of(parts.settings))
        idle_ms = 0  # at the start, take over at once what this process's predecessor left
        claim_at = time.monotonic()
        while not stop.is_set():
            try:
                writer.spooled()
                if time.monotonic() >= claim_at:
                    writer.unacknowledged(idle_ms)
                    claim_at, idle_ms = time.monotonic() + _CLAIM_SECONDS, int(_CLAIM_SECONDS * 1000)
                writer.fresh(_WAIT_MS)
            except (RedisError, SQLAlchemyError, OSError) as error:
                _log.warning("click_writer_waits", error=type(error).__name__, detail=str(error)[:200])
                stop.wait(_PAUSE)


def oldest_undrained_seconds(parts: ClickParts, now: datetime) -> float:
    """How long the oldest click has waited for the database; 0 where none waits.

    Raises ``RedisError`` where the stream cannot be asked: a made-up figure would look healthy.
    """
    waiting = [
        ms
        for ms in (_oldest_in_stream(parts.settings), spool_of(parts.settings).oldest_ms())
        if ms is not None
    ]
    return max(0.0, now.timestamp() - min(waiting) / 1000) if waiting else 0.0


def spool_bytes(parts: ClickParts) -> int:
    """How much waits in this machine's spool."""
    return spool_of(parts.settings).size()


def _oldest_in_stream(settings: Settings) -> int | None:
    """The time of the stream's first entry in milliseconds: drained entries are deleted, so it still waits."""
    with _redis(settings) as redis:
        entries = cast("list[tuple[bytes, object]]", redis.xrange(STREAM, count=1))
    return int(entries[0][0].partition(b"-")[0]) if entries else None


def _redis(settings: Settings) -> Redis:
    return Redis.from_url(
        settings.redis_url, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_CONNECT_SECONDS
    )
