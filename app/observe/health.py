"""Liveness and readiness, for supervisors and load balancers."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import jsonify

from app.requests import services

if TYPE_CHECKING:
    from flask import Flask, Response


def healthz() -> Response:
    """The process answers."""
    return jsonify(status="ok")


def readyz() -> tuple[Response, int]:
    """The database and the queue answer; 503 names the part that does not."""
    parts = {"database": services().db.answers(), "queue": services().queue.answers()}
    ready = all(parts.values())
    words = {name: "ok" if answers else "unreachable" for name, answers in parts.items()}
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return jsonify(status="ready" if ready else "not ready", **words), status


def register(app: Flask) -> None:
    """Add ``/healthz`` and ``/readyz``."""
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
