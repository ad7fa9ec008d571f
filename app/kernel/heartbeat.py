"""A sign of life from each process that works unseen; ``/metrics`` shows its age, so that silence
is noticed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from redis import Redis

SCHEDULER: Final = "scheduler"

_KEY: Final = "refledger:heartbeat"


def beat(redis: Redis, name: str, now: datetime) -> None:
    """Note that the process called ``name`` was alive at ``now``."""
    redis.hset(_KEY, name, str(now.timestamp()))


def last_beats(redis: Redis) -> dict[str, datetime]:
    """When each process was last alive; one that never was is not in it."""
    beats = cast("dict[bytes, bytes]", redis.hgetall(_KEY))
    return {name.decode(): datetime.fromtimestamp(float(at), UTC) for name, at in beats.items()}
