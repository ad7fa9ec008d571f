"""Every refusal of ``/api`` as an RFC 9457 problem, and the one table from error classes to statuses."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog
from flask import Response, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from app.api.bodies import BodyTooLarge, InvalidFields, Json, MalformedBody, WrongContentType
from app.identity.api_keys import MissingScope
from app.kernel.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RefledgerError,
    StartRefused,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Blueprint, Flask

_log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
API_ROOT: Final = "/api"
DOCS: Final = "/api/v1/docs"


class NotAuthenticated(RefledgerError):
    """No key, or not a key. HTTP 401."""

    title = "Not authenticated"


class TooManyRequests(RefledgerError):
    """The key has used up its requests of this second. HTTP 429."""

    title = "Too many requests"

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(f"more than {limit} requests a second; try again in {retry_after} s")
        self.retry_after = retry_after


STATUSES: Final[tuple[tuple[type[RefledgerError], HTTPStatus], ...]] = (
    (MalformedBody, HTTPStatus.BAD_REQUEST),
    (NotAuthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (BodyTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (WrongContentType, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (TooManyRequests, HTTPStatus.TOO_MANY_REQUESTS),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (StartRefused, HTTPStatus.SERVICE_UNAVAILABLE),
)
"""The first class that an error is an instance of decides; anything else is a defect of ours, 500."""


def status_of(error: Exception) -> int:
    """The HTTP status of an error."""
    if isinstance(error, HTTPException):
        return error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return status
    # The write lock of SQLite, or a server that went away: nothing was written, and trying again is right.
    if isinstance(error, OperationalError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def request_id() -> str | None:
    """The id of the request that is being answered; ``app/observe`` binds it to the log."""
    found: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return found


def problem(error: Exception) -> dict[str, Any]:
    """The members of the RFC 9457 document. A defect of ours says nothing about itself but the request's id."""
    status = HTTPStatus(status_of(error))
    title, detail = status.phrase, ""
    errors: list[dict[str, str]] = []
    if isinstance(error, RefledgerError):
        title, detail = error.title, error.detail
        if isinstance(error, InvalidFields):
            errors = [{"pointer": pointer, "detail": words} for pointer, words in error.errors]
        elif error.pointer is not None:
            errors = [{"pointer": error.pointer, "detail": error.detail}]
    elif isinstance(error, HTTPException):
        detail = error.description or ""
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        detail = "the database does not answer in time; nothing was recorded, try again"
    else:
        detail = "this is a defect of ours; give the request_id when you report it"
    made: dict[str, Any] = {
        "type": f"{DOCS}#{_slug(title)}",
        "title": title,
        "status": int(status),
        "detail": detail,
    }
    if errors:
        made["errors"] = errors
    made["request_id"] = request_id()
    return made


def _slug(title: str) -> str:
    return "problem-" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def problem_response(error: Exception) -> Response:
    """The whole answer, with the headers that its status asks for."""
    document = problem(error)
    status = document["status"]
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request_failed", exc_info=error)
    elif isinstance(error, OperationalError):
        _log.warning("database_busy", error=type(error.orig).__name__)
    response = Response(dump(document), status, mimetype=MEDIA_TYPE)
    for name, value in _headers(error, status).items():
        response.headers[name] = value
    return response


def _headers(error: Exception, status: int) -> Mapping[str, str]:
    if isinstance(error, HTTPException):
        kept = dict(error.get_headers(request.environ))
        return {name: kept[name] for name in ("Allow", "Retry-After") if name in kept}
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="refledger"'}
    if status == HTTPStatus.FORBIDDEN and isinstance(error, MissingScope):
        return {
            "WWW-Authenticate": f'Bearer realm="refledger", error="insufficient_scope", scope="{error.scope}"'
        }
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": "1"}
    return {}


def dump(value: Json) -> bytes:
    """JSON as this API writes it: compact, ASCII, with a line end so that a terminal shows it well."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def register(app: Flask, blueprint: Blueprint) -> None:
    """Answer with a problem whatever goes wrong under ``/api``, also where no route matched."""

    @app.before_request
    def unrouted() -> Response | None:
        # A wrong path or method has no blueprint, so the blueprint's handler never sees it.
        error = request.routing_exception
        if error is not None and (request.path == API_ROOT or request.path.startswith(API_ROOT + "/")):
            return problem_response(error)
        return None

    # The boundary of the API: what no one foresaw is logged with its traceback and answered without it.
    blueprint.register_error_handler(Exception, problem_response)
