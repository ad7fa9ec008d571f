"""The calls of the API, by noun, and how they are mounted."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, render_template, request, stream_with_context

from app.api import auth, batch, docs, openapi, problems
from app.api.converters import AnyId
from app.api.limits import RequestLimit
from app.api.operations import KEYS, LIMIT, mount
from app.api.problems import dump
from app.api.routes import handover, lists, orders, privacy, program, referrers, signups
from app.requests import EXTENSION, services

if TYPE_CHECKING:
    from flask import Flask

    from app.api.operations import Operation

PREFIX: Final = "/api/v1"

OPERATIONS: Final[tuple[Operation, ...]] = tuple(
    operation
    for module in (program, referrers, signups, handover, privacy, orders, lists)
    for operation in module.table.operations
)


def mount_all(app: Flask) -> None:
    """Mount every operation, the batch, the document and its page."""
    settings = app.extensions[EXTENSION].settings
    app.extensions[KEYS] = auth.KnownKeys()
    app.extensions[LIMIT] = RequestLimit(settings.redis_url, settings.api_rate_limit)
    app.url_map.converters["any_id"] = AnyId
    app.add_template_filter(docs.api_text)
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
    for operation in OPERATIONS:
        mount(blueprint, operation)
    # Made when it is first asked for: most processes never are, and it takes a tenth of a second.
    document = cache(partial(openapi.document, OPERATIONS, settings.public_url))
    blueprint.add_url_rule("/batch", "create_batch", partial(_batch, app), methods=["POST"])
    blueprint.add_url_rule(
        "/openapi.json", "openapi", lambda: Response(dump(document()), mimetype="application/json")
    )
    blueprint.add_url_rule("/docs", "docs", lambda: _docs(document()))
    problems.register(app, blueprint)
    app.register_blueprint(blueprint)


def _batch(app: Flask) -> Response:
    """Answer a batch (see ``batch.py``)."""
    access = auth.authenticated(app.extensions[KEYS], app.extensions[LIMIT])
    auth.require_live(access)
    file = batch.spool(request)
    response = Response(
        stream_with_context(batch.answers(file, services(), access)),
        mimetype=batch.MEDIA_TYPE,
        headers={"Cache-Control": "no-store"},
    )
    # Also where the client goes away before the first answer.
    response.call_on_close(file.close)
    return response


def _docs(document: dict[str, object]) -> str:
    return render_template(
        "api/docs.html",
        document=document,
        calls=list(docs.calls(document)),
        problem=json.dumps(docs.PROBLEM, indent=2),
    )
