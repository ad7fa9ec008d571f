"""Each request gets an id, is timed, and leaves one log line. The id is the support desk's way from a complaint to
the log: it is answered in ``X-Request-ID`` and in every problem of the API.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

import structlog
from flask import g, request

from app.kernel import ids

if TYPE_CHECKING:
    from flask import Flask, Response

    from app.observe.metrics import RequestDurations

_log = structlog.get_logger(__name__)

HEADER: Final = "X-Request-ID"
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)

_QUIET: Final = frozenset({"healthz", "readyz", "metrics", "static"})
"""Endpoints asked every few seconds: counted, but not logged one by one."""


def register(app: Flask, durations: RequestDurations) -> None:
    """Hook into the application, before anything else that runs before a request."""
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)

    @app.after_request
    def finished(response: Response) -> Response:
        started: float | None = g.get("request_started")
        if started is None:  # answered before the hooks ran
            return response
        response.headers[HEADER] = g.request_id
        seconds = time.perf_counter() - started
        route = _route()
        durations.observe(request.method, route, response.status_code, seconds)
        if request.endpoint not in _QUIET:
            # The rule, not the path: a path may hold a customer's id.
            _log.info(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                ms=round(seconds * 1000, 1),
            )
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        structlog.contextvars.unbind_contextvars("request_id")


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if _WELL_FORMED.fullmatch(given) else ids.random_id("req_", 20)
    g.request_started = time.perf_counter()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _route() -> str:
    return request.url_rule.rule if request.url_rule else "unrouted"
