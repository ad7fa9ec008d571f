"""``/metrics``: Prometheus text, for loopback or whoever holds ``METRICS_TOKEN``.

Durations are this process's own and labelled with its number, since each web process is asked in turn; all other
figures are read when asked, from the database, the queue and the spool.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Response, request
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.observe.figures import Figures
from app.requests import services

if TYPE_CHECKING:
    from flask import Flask

_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class RequestDurations:
    """How long requests took, by method, route and status."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._histogram = Histogram(
            "refledger_request_duration_seconds",
            "Time from the first to the last line of our code for a request",
            ("method", "route", "status", "worker"),
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        known = method if method in _METHODS else "OTHER"
        self._histogram.labels(known, route, str(status), str(os.getpid())).observe(seconds)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""A method is the client's word: unknown ones share a label, so that nobody can grow the table."""


def register(app: Flask, durations: RequestDurations) -> None:
    """Add ``/metrics``."""

    def metrics() -> Response:
        """The figures of this installation, in Prometheus text."""
        if not _may_read(services().settings.metrics_token):
            return Response(
                "metrics answer loopback or METRICS_TOKEN only\n", HTTPStatus.FORBIDDEN, mimetype="text/plain"
            )
        read_now = CollectorRegistry()
        read_now.register(Figures(services()))
        return Response(
            generate_latest(read_now) + generate_latest(durations.registry), content_type=CONTENT_TYPE_LATEST
        )

    app.add_url_rule("/metrics", "metrics", metrics)


def _may_read(token: str | None) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return True
    return _from_loopback()


def _from_loopback() -> bool:
    """Whether the caller sits on this machine itself, not behind a proxy that does."""
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
