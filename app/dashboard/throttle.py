"""How often somebody may guess a password: failures are counted per address and network, in Redis for all processes.

While Redis is away each process counts for itself: a limit that is a little too generous beats a login that is down.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

import structlog
from flask import abort, current_app, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from flask import Flask

_log = structlog.get_logger(__name__)

_EXTENSION: Final = "refledger.throttle"
_PER_ADDRESS: Final = RateLimitItemPerMinute(10, 15, namespace="login")
_PER_NETWORK: Final = RateLimitItemPerMinute(100, 15, namespace="login")


class Throttle:
    """Ten failures for one address from one network in a quarter of an hour, a hundred for all addresses."""

    def __init__(self, redis_url: str, secret: str) -> None:
        self._secret = secret.encode()
        spelled = (
            "redis+unix://" + redis_url.removeprefix("unix://")
            if redis_url.startswith("unix://")
            else redis_url
        )
        self._shared = FixedWindowRateLimiter(
            storage_from_string(spelled, socket_timeout=0.5, socket_connect_timeout=0.5)
        )
        self._own = FixedWindowRateLimiter(MemoryStorage())

    def allows(self, address: str, network: str) -> bool:
        """Whether another attempt may be made."""
        return self._ask("test", address, network)

    def failed(self, address: str, network: str) -> None:
        """Count an attempt that failed."""
        self._ask("hit", address, network)

    def _ask(self, verb: str, address: str, network: str) -> bool:
        # Redis, its file on disk and its replicas hold neither an e-mail address nor a network in the clear.
        who, place = self._hidden(f"{network} {address.lower()}"), self._hidden(network)
        try:
            return self._both(self._shared, verb, who, place)
        except (RedisError, OSError) as error:
            _log.warning("login_throttle_counts_locally", error=type(error).__name__)
            return self._both(self._own, verb, who, place)

    def _hidden(self, text: str) -> str:
        """Keyed: there are few enough networks to try a plain hash on all of them."""
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    @staticmethod
    def _both(limiter: FixedWindowRateLimiter, verb: str, who: str, network: str) -> bool:
        ask = getattr(limiter, verb)
        return all([ask(_PER_ADDRESS, "address", who), ask(_PER_NETWORK, "network", network)])


def _throttle() -> Throttle:
    found: Throttle = current_app.extensions[_EXTENSION]
    return found


def require_patience(address: str) -> None:
    """Answer 429 where this address was tried too often from here."""
    if not _throttle().allows(address, request.remote_addr or ""):
        abort(429)


def count_failure(address: str) -> None:
    """Remember that a password was wrong."""
    _throttle().failed(address, request.remote_addr or "")


def register_throttle(app: Flask, redis_url: str) -> None:
    """Give the app its counter."""
    app.extensions[_EXTENSION] = Throttle(redis_url, app.config["SECRET_KEY"])
