"""The OpenAPI 3.1 document, written from the operations and the Pydantic models; nothing is described twice."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from app.api import answers, batch, examples
from app.api.bodies import MAX_BODY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import BaseModel

    from app.api.operations import Operation
    from app.identity.api_keys import Scope

_PARAMETER = re.compile(r"\{(\w+)\}")
_REFERENCE: Final = "#/components/schemas/{model}"
BATCH_PATH: Final = "/batch"

_PARAMETERS: Final = {
    "order_id": "the merchant's own id of the order; `/` as `%2F`",
    "customer_id": "the merchant's own id of the customer; `/` as `%2F`",
    "refund_id": "the merchant's own id of the refund; `/` as `%2F`",
    "correction_id": "the merchant's own id of the correction; `/` as `%2F`",
    "code": "the referrer's code",
    "lead_id": "the id that the lead was registered under",
}
_PROBLEMS: Final = {
    400: "The body is not JSON",
    401: "No key, or not a key",
    403: "The key lacks the scope",
    404: "There is no such resource in this programme",
    409: "It contradicts what is recorded, or the id was used for another body",
    413: "The body is too large",
    415: "The body is not of a type this call takes",
    422: "One or more fields are wrong; `errors` points at each",
    429: "More requests than the limit; try again after `Retry-After` seconds",
    503: "A part that is needed does not answer; nothing was recorded, try again",
}

DESCRIPTION: Final = f"""\
A key belongs to one programme. Amounts are integer minor units (cents) of the currency beside them; times are RFC 3339
with offset, at most 5 minutes ahead of now; ids are 1 to 128 printable characters of your choice.

Every report is idempotent by its own id: the first time 201, the same body again 200 with the resource as it stands,
another body under the same id 409. So after a time-out, send it again. `Idempotency-Key` is honoured too, for 24 hours.
What comes before its order is parked (202) and takes effect when the order comes.

A body has at most {MAX_BODY} bytes, a batch {batch.MAX_BATCH}. Unknown fields are refused.
"""


def document(operations: Sequence[Operation], public_url: str) -> dict[str, Any]:
    """The whole document."""
    models = _models(operations)
    schemas = models_json_schema(
        [(model, mode) for model, mode in models], ref_template=_REFERENCE, title="Refledger"
    )[1]["$defs"]
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    paths[BATCH_PATH] = {"post": _batch()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Refledger",
            "version": "1",
            "summary": "Referral links in, money out",
            "description": DESCRIPTION,
        },
        "servers": [{"url": f"{public_url}/api/v1"}],
        "security": [{"key": []}],
        "tags": [
            {"name": tag} for tag in dict.fromkeys([*(operation.tag for operation in operations), "Batch"])
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "an API key, made with `flask api-keys create`",
                }
            },
            "schemas": dict(sorted(schemas.items())),
            "responses": {str(status): _problem(words) for status, words in _PROBLEMS.items()},
            "headers": {
                "Request-Id": {
                    "description": "the id of this request in our log",
                    "schema": {"type": "string"},
                }
            },
        },
    }


def _models(operations: Iterable[Operation]) -> list[tuple[type[BaseModel], Any]]:
    found: dict[tuple[type[BaseModel], Any], None] = {(answers.Problem, "serialization"): None}
    for operation in operations:
        if operation.body:
            found[operation.body, "validation"] = None
        for model in operation.answers.values():
            found[model, "serialization"] = None
    for kind in batch.LINE_TYPES.values():
        found[kind.model, "validation"] = None
    return list(found)


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description}\n\nScope: {_scopes(operation.scopes)}",
        "security": [{"key": []}],
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body:
        made["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _ref(operation.body),
                    "examples": {
                        name: {"value": value}
                        for name, value in examples.BODIES.get(operation.name, {}).items()
                    },
                }
            },
        }
    return made


def _scopes(scopes: Iterable[Scope]) -> str:
    return " or ".join(f"`{scope.value}`" for scope in scopes)


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARAMETERS[name],
            "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        }
        for name in _PARAMETER.findall(operation.path)
    ]
    if operation.query:
        schema = operation.query.model_json_schema()
        made += [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "schema": _plain(part),
            }
            for name, part in schema["properties"].items()
        ]
    if operation.method == "POST":
        made.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )
    return made


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    """A query parameter's schema: leaving it out is its null."""
    choices = [choice for choice in part.get("anyOf", [part]) if choice.get("type") != "null"]
    made = dict(choices[0])
    made.pop("title", None)
    return made


def _responses(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        str(status): {
            "description": _words(operation, status),
            "headers": {"X-Request-ID": {"$ref": "#/components/headers/Request-Id"}},
            "content": {
                "application/json": {
                    "schema": _ref(model),
                    "examples": {
                        name: {"value": value}
                        for name, value in examples.ANSWERS.get(model.__name__, {}).items()
                    },
                }
            },
        }
        for status, model in operation.answers.items()
    }
    usual = [401, 403, 422, 429, 503] + ([404] if operation.path.count("{") or operation.query else [])
    if operation.writes:
        usual += [409]
    if operation.body:
        usual += [400, 413, 415]
    made |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(usual)}
    return made


def _words(operation: Operation, status: int) -> str:
    if status == HTTPStatus.ACCEPTED:
        return "Parked: it takes effect when what it waits for comes"
    if status == HTTPStatus.CREATED:
        return "Recorded"
    return (
        "Nothing new: the resource as it stands"
        if operation.method == "POST"
        else "The resource as it stands"
    )


def _problem(words: str) -> dict[str, Any]:
    return {
        "description": words,
        "headers": {"X-Request-ID": {"$ref": "#/components/headers/Request-Id"}},
        "content": {"application/problem+json": {"schema": _ref(answers.Problem)}},
    }


def _batch() -> dict[str, Any]:
    lines = {
        "oneOf": [_ref(kind.model) for kind in batch.LINE_TYPES.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {
                name: _REFERENCE.format(model=kind.model.__name__) for name, kind in batch.LINE_TYPES.items()
            },
        },
        "description": "one line of the body; lines are separated by line feeds",
    }
    return {
        "operationId": "create_batch",
        "tags": ["Batch"],
        "summary": "Report many facts at once",
        "description": (
            "NDJSON in and out: one fact a line, answered by a line each, in order, with the status and body that the "
            "single call would have had. One bad line does not stop the others. Lines are taken in order.\n\n"
            "Scope: that of each line's call."
        ),
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": {batch.MEDIA_TYPE: {"schema": lines}}},
        "responses": {
            "200": {
                "description": "A line for each line of the body that is not blank",
                "content": {
                    batch.MEDIA_TYPE: {
                        "schema": {
                            "type": "object",
                            "properties": {
                                "line": {"type": "integer", "minimum": 1},
                                "status": {"type": "integer"},
                                "body": {"type": "object"},
                            },
                            "required": ["line", "status", "body"],
                        }
                    }
                },
            }
        }
        | {
            str(status): {"$ref": f"#/components/responses/{status}"}
            for status in (400, 401, 413, 415, 429, 503)
        },
    }
