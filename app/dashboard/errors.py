"""Error pages: what happened and what to do, and nothing of the inside."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from flask import Response, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from app.dashboard.i18n import _
from app.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, RefledgerError, Unavailable

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

_log = structlog.get_logger(__name__)

STATUS: dict[type[RefledgerError], HTTPStatus] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Forbidden: HTTPStatus.FORBIDDEN,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What the pages answer to a refusal that no form has caught."""


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """The words of an error page."""

    status: int
    title: str
    text: str
    detail: str = ""


def _page(status: int, detail: str = "") -> ErrorPage:
    match status:
        case 403:
            return ErrorPage(
                status,
                _("You may not do this"),
                _("Your account does not have the right to do this."),
                detail,
            )
        case 404:
            return ErrorPage(
                status,
                _("There is nothing here"),
                _("The address is wrong, or the page is not yours to see."),
            )
        case 409:
            return ErrorPage(
                status,
                _("That does not fit"),
                _("It contradicts what is already recorded. Nothing was changed."),
                detail,
            )
        case 413:
            return ErrorPage(
                status,
                _("That is too large"),
                _("What you sent is larger than we accept. Nothing was changed."),
            )
        case 429:
            return ErrorPage(status, _("Too many attempts"), _("Please wait a few minutes and try again."))
        case 503:
            return ErrorPage(
                status,
                _("Please try again in a moment"),
                _("A part of the service does not answer right now. Nothing was changed."),
            )
        case _:
            return ErrorPage(
                status,
                _("That did not work"),
                _("The request could not be understood. Nothing was changed."),
                detail,
            )


def render_error(status: int, detail: str = "") -> ResponseReturnValue:
    """The page for one status. ``detail`` is a sentence of our own, never of an exception from elsewhere."""
    return render_template("errors/page.html", error=_page(status, detail)), status


def _refused(error: RefledgerError) -> ResponseReturnValue:
    status = next((code for base, code in STATUS.items() if isinstance(error, base)), HTTPStatus.BAD_REQUEST)
    return render_error(int(status))


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or (error.code is not None and error.code < HTTPStatus.BAD_REQUEST):
        return error  # a finished answer on its way
    if isinstance(error, SecurityError):
        # Asked by a name that is not ours: no address can be built, so there is no page to draw.
        return Response("This service does not answer to that host name.\n", 400, mimetype="text/plain")
    if error.code == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _broken(error)
    return render_error(error.code or 400)


def _csrf(_error: CSRFError) -> ResponseReturnValue:
    detail = _(
        "The form was open for too long, or in a browser that keeps no cookies. Please go back and send it again."
    )
    return render_error(400, detail)


def _broken(error: Exception) -> ResponseReturnValue:
    # This page asks neither session nor database for anything: either may be what is broken.
    route = request.url_rule.rule if request.url_rule else "unrouted"  # a path may hold a token
    _log.error("page_failed", route=route, exc_info=getattr(error, "original_exception", None) or error)
    return render_template("errors/broken.html", request_id=g.get("request_id", "")), 500


def register_errors(app: Flask) -> None:
    """Attach the pages. The API's blueprint has its own answers."""
    app.register_error_handler(RefledgerError, _refused)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
