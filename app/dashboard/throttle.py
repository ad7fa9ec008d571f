"""How often somebody may guess a password or a code, counted in Redis for all processes.

Failed passwords are counted per address and network. Codes are counted per person wherever they come from, also right
ones and before they are looked at: whoever gets that far knows the password, and six digits are few.

While Redis is away each process counts for itself: a limit that is a little too generous beats a login that is down.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

import structlog
from flask import abort, current_app, request
from limits import RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from flask import Flask
    from limits import RateLimitItem

_log = structlog.get_logger(__name__)

_EXTENSION: Final = "refledger.throttle"
_PER_ADDRESS: Final = RateLimitItemPerMinute(10, 15, namespace="login")
_PER_NETWORK: Final = RateLimitItemPerMinute(100, 15, namespace="login")
_CODES: Final = RateLimitItemPerMinute(10, 10, namespace="code")
_CODES_A_DAY: Final = RateLimitItemPerDay(50, namespace="code")


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

    def code(self, person: str) -> bool:
        """Count a code that somebody gave; whether it may be looked at."""
        who = self._hidden(f"code {person}")
        try:
            return self._codes(self._shared, who)
        except (RedisError, OSError) as error:
            _log.warning("login_throttle_counts_locally", error=type(error).__name__)
            return self._codes(self._own, who)

    def spends(self, limit: RateLimitItem, subject: str) -> bool:
        """Count something that may be done so often for one subject; whether it may be done now."""
        who = self._hidden(subject)
        try:
            return self._shared.hit(limit, who)
        except (RedisError, OSError) as error:
            _log.warning("throttle_counts_locally", error=type(error).__name__)
            return self._own.hit(limit, who)

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
    def _codes(limiter: FixedWindowRateLimiter, who: str) -> bool:
        return all([limiter.hit(_CODES, who), limiter.hit(_CODES_A_DAY, who)])

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


def count_code(person: str) -> None:
    """Count a code of this person (their public id) before it is looked at; answer 429 where there were too many."""
    if not _throttle().code(person):
        abort(429)


def may_spend(limit: RateLimitItem, subject: str = "") -> bool:
    """Count what visitors may do so often from one network, or for one ``subject``; whether it may be done now."""
    return _throttle().spends(limit, subject or f"network {request.remote_addr or ''}")


def register_throttle(app: Flask, redis_url: str) -> None:
    """Give the app its counter."""
    app.extensions[_EXTENSION] = Throttle(redis_url, app.config["SECRET_KEY"])
