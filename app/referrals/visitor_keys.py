"""The key of the day, under which visitors are hashed: shared by all processes, and destroyed after a week."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.kernel import ids
from app.kernel.db import insert_or_ignore
from app.referrals.models import VisitorKey

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from app.kernel.db import Database

_log = structlog.get_logger(__name__)

KEPT_DAYS: Final = 7
"""How many days' keys live, for the fraud rules."""

_KEY_BYTES: Final = 32
_DAY_MS: Final = 86_400_000
_RETRY_SECONDS: Final = 5.0


class VisitorKeys:
    """The day keys of one database, one read a day for each process.

    While the database is away a random key of this process serves, so that the buyer goes on; two processes then
    tell one visitor apart as two.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._day = -1
        self._key = b""
        self._stand_in = ids.token_bytes(_KEY_BYTES)
        self._again_at = 0.0

    def known(self, at_ms: int) -> bool:
        """Whether :meth:`key` answers from memory, without a read that others would wait for."""
        return at_ms // _DAY_MS == self._day

    def key(self, at_ms: int) -> bytes:
        """The key of the UTC day of an instant, in milliseconds since 1970."""
        day = at_ms // _DAY_MS
        if day == self._day:
            return self._key
        if time.monotonic() < self._again_at:
            return self._stand_in
        try:
            self._key = self._shared(datetime.fromtimestamp(day * 86_400, UTC).date())
        except SQLAlchemyError as error:
            self._again_at = time.monotonic() + _RETRY_SECONDS
            _log.warning("visitor_key_not_read", error=type(error).__name__)
            return self._stand_in
        self._day = day
        return self._key

    def _shared(self, day: date) -> bytes:
        known = select(VisitorKey.key).where(VisitorKey.day == day)
        with self._db.reading() as session:
            key = session.scalar(known)
        if key is None:
            # Two processes may make the day's key at once: the first one's is read by both.
            with self._db.transaction() as session:
                key = shared_key(session, day)
        return key


def shared_key(session: Session, day: date) -> bytes:
    """The key of a UTC day, made where nobody has yet; ``session`` writes."""
    known = select(VisitorKey.key).where(VisitorKey.day == day)
    key = session.scalar(known)
    if key is None:
        new = {"day": day, "key": ids.token_bytes(_KEY_BYTES)}
        insert_or_ignore(session, VisitorKey, [new], key=["day"])
        key = session.scalars(known).one()
    return key
