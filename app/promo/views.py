"""How often banners are shown: counted in Redis, written into the database each minute.

A view costs one increment and no row. Nothing of the visitor is read but whether it is a program, and nothing is kept.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import delete, select

from app.kernel import ids
from app.kernel.db import insert_or_ignore, upsert_add
from app.promo.models import BannerViews, PromoAsset, ViewBatch
from app.referrals.landing import Landings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kernel.db import Database

_log = structlog.get_logger(__name__)

COUNTS: Final = "refledger:views"
TAKEN: Final = "refledger:views-taken"
_BATCH: Final = "batch"

_TAKE: Final = """
if redis.call('EXISTS', KEYS[2]) == 0 then
  if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[2], 'batch', ARGV[1])
end
return redis.call('HGETALL', KEYS[2])
"""
_DROP: Final = "if redis.call('HGET', KEYS[1], 'batch') == ARGV[1] then redis.call('DEL', KEYS[1]) end"
# Another drain may have dropped the batch meanwhile and the next may lie there: it is not ours to drop.

_ANSWER_SECONDS: Final = 0.1
"""A visitor waits for the picture, not for our count of it."""
_REST: Final = 1.0
_REMEMBERED: Final = timedelta(days=30)


class Shown(NamedTuple):
    """A banner as its visitors get it; it never changes. ``digest`` names the picture."""

    program_id: int
    digest: str


class Banners:
    """What the banners of one database look like, and whose page shows them; remembered by each process."""

    def __init__(self, db: Database, redis_url: str) -> None:
        self._db = db
        self._landings = Landings(db)
        self._known: dict[int, Shown] = {}
        self._redis = Redis.from_url(
            redis_url, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS
        )
        self._rest_until = 0.0

    def find(self, asset_id: int) -> Shown | None:
        """A banner, retired ones too; ``None`` where there is none."""
        if (known := self._known.get(asset_id)) is not None:
            return known
        wanted = select(PromoAsset.program_id, PromoAsset.digest).where(PromoAsset.id == asset_id)
        with self._db.reading() as session:
            row = session.execute(wanted).one_or_none()
        if row is None or row.digest is None:
            return None
        # There are as many as staff have uploaded, so they fit in memory.
        return self._known.setdefault(asset_id, Shown(row.program_id, row.digest))

    def count(self, code: str, asset_id: int, shown: Shown) -> bool:
        """Count a view on an active referrer's page; whether it was counted. Never raises for a Redis that is away."""
        landing = self._landings.find(code)
        if landing is None or not landing.active or landing.program_id != shown.program_id:
            return False
        if time.monotonic() < self._rest_until:
            return False
        try:
            self._redis.hincrby(COUNTS, f"{asset_id}:{landing.referrer_id}", 1)
        except (RedisError, OSError) as error:
            self._rest_until = time.monotonic() + _REST
            _log.warning("views_not_counted", error=type(error).__name__)
            return False
        return True


def drain_views(db: Database, redis: Redis, now: datetime) -> int:
    """Write what was counted since the last time; how many views. Killed anywhere, the next call goes on.

    The counts are set aside under the name of a batch; the database knows which batches it has, so one that was written
    and not yet dropped is not written again.
    """
    fields = _taken(redis)
    batch = fields.pop(_BATCH, "")
    if not batch:
        return 0
    counts = {(int(asset), int(referrer)): int(count) for (asset, _, referrer), count in _split(fields)}
    with db.transaction() as session:
        written = add_views(session, batch, counts, now)
    redis.eval(_DROP, 1, TAKEN, batch)
    return written


def add_views(session: Session, batch: str, counts: Mapping[tuple[int, int], int], now: datetime) -> int:
    """Add counts by (banner, referrer) once for this batch; how many views were added."""
    if not insert_or_ignore(session, ViewBatch, [{"batch": batch, "written_at": now}], key=("batch",)):
        return 0
    session.execute(delete(ViewBatch).where(ViewBatch.written_at < now - _REMEMBERED))
    rows = [
        {"asset_id": asset_id, "referrer_id": referrer_id, "count": count}
        for (asset_id, referrer_id), count in counts.items()
    ]
    upsert_add(session, BannerViews, rows, key=("asset_id", "referrer_id"), add="count")
    return sum(counts.values())


def _taken(redis: Redis) -> dict[str, str]:
    flat = cast("list[bytes]", redis.eval(_TAKE, 2, COUNTS, TAKEN, ids.random_id("", 26)))
    return {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _split(fields: Mapping[str, str]) -> list[tuple[tuple[str, str, str], str]]:
    return [(name.partition(":"), count) for name, count in fields.items()]
