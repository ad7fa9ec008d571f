"""How many requests a key may make in a second, counted in Redis for all processes together.

While Redis is away each process counts for itself: a limit that is a little too generous beats an API that is down.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Final, cast

import structlog
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from app.api.problems import TooManyRequests

if TYPE_CHECKING:
    from limits.storage import Storage

_log = structlog.get_logger(__name__)

_RETRY_REDIS_AFTER: Final = 5.0
"""Seconds during which a Redis that failed is not asked again, so that its time-out is not paid per request."""


_SHARE: Final = 50
"""A process takes a fiftieth of the limit from Redis at a time, so that most requests ask nobody. What it took and did
not use within the second is lost: the limit is exact to a block for each process.
"""


class RequestLimit:
    """A fixed window of one second per key."""

    def __init__(self, redis_url: str, per_second: int) -> None:
        self._block = max(1, per_second // _SHARE)
        self._left: dict[int, tuple[int, int]] = {}
        self._item = RateLimitItemPerSecond(per_second, namespace="api")
        self._shared = FixedWindowRateLimiter(_redis(redis_url))
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0
        self._lock = threading.Lock()

    def count(self, key_id: int) -> None:
        """Count one request. Raises :class:`TooManyRequests`."""
        if self._spend(key_id):
            return
        name = str(key_id)
        try:
            taken = self._take(self._limiter(), name)
        except (RedisError, OSError) as error:
            with self._lock:
                self._away_until = time.monotonic() + _RETRY_REDIS_AFTER
            _log.warning("rate_limit_counts_locally", error=type(error).__name__)
            taken = self._take(self._own, name)
        if not taken:
            raise TooManyRequests(self._item.amount, self._seconds_left(self._limiter(), name))
        self._keep(key_id, taken - 1)

    def _take(self, limiter: FixedWindowRateLimiter, name: str) -> int:
        """How many requests were taken from what all processes may make in this window: a block, one, or none."""
        # A refused hit counts all the same, so the end of the window is felt for first.
        whole = self._block == 1 or limiter.test(self._item, name, cost=self._block)
        count = self._block if whole else 1
        return count if limiter.hit(self._item, name, cost=count) else 0

    def _spend(self, key_id: int) -> bool:
        """Use one of what this process took in this second, if one is left."""
        with self._lock:
            second, left = self._left.get(key_id, (0, 0))
            if left == 0 or second != int(time.time()):
                return False
            self._left[key_id] = second, left - 1
            return True

    def _keep(self, key_id: int, count: int) -> None:
        """Keep what was taken and not used yet, beside what another thread took meanwhile."""
        with self._lock:
            now = int(time.time())
            second, left = self._left.get(key_id, (now, 0))
            self._left[key_id] = now, count + (left if second == now else 0)

    def _limiter(self) -> FixedWindowRateLimiter:
        return self._shared if time.monotonic() >= self._away_until else self._own

    def _seconds_left(self, limiter: FixedWindowRateLimiter, name: str) -> int:
        try:
            reset_at = limiter.get_window_stats(self._item, name).reset_time
        except (RedisError, OSError):
            return 1
        return max(1, math.ceil(reset_at - time.time()))


def _redis(url: str) -> Storage:
    """``limits`` spells a unix socket ``redis+unix://``."""
    spelled = "redis+unix://" + url.removeprefix("unix://") if url.startswith("unix://") else url
    return cast("Storage", storage_from_string(spelled, socket_timeout=0.5, socket_connect_timeout=0.5))
