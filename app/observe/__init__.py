"""How an operator sees what the house does: logs with a request id, liveness, readiness, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.observe import health, metrics, requests

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["register"]


def register(app: Flask) -> None:
    """Add request ids, request logs, ``/healthz``, ``/readyz`` and ``/metrics`` to the application."""
    durations = metrics.RequestDurations()
    requests.register(app, durations)
    health.register(app)
    metrics.register(app, durations)
