"""The readable pages of the API: the OpenAPI document as one HTML page, without script and without any other host."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODE: Final = re.compile(r"`([^`]+)`")

PROBLEM: Final = {
    "type": "/api/v1/docs#problem-invalid-fields",
    "title": "Invalid fields",
    "status": 422,
    "detail": "/lines/0/net must be a whole number",
    "errors": [{"pointer": "/lines/0/net", "detail": "must be a whole number"}],
    "request_id": "req_3v7x0k9r2m5t8w1y4z6b",
}


def api_text(text: str) -> Markup:
    """Plain text with `code` between backticks."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before code is marked


def calls(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each call of the document, as the page shows it."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = _content(operation.get("requestBody", {}))
            yield {
                "id": operation["operationId"],
                "method": method.upper(),
                "path": path,
                "summary": operation["summary"],
                "description": operation["description"],
                "parameters": [_parameter(part) for part in operation.get("parameters", [])],
                "bodies": [_fields(document, name) for name in _models(content.get("schema", {}))],
                "examples": _examples(content),
                "answers": [
                    _answer(document, status, answer) for status, answer in operation["responses"].items()
                ],
            }


def _content(part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(part.get("content", {}).values()), {})
    return found


def _parameter(part: dict[str, Any]) -> dict[str, str]:
    described = part.get("description") or part["schema"].get("description", "")
    return {
        "name": part["name"],
        "place": part["in"],
        "form": ", ".join(filter(None, [_form(part["schema"]), described])),
    }


def _models(schema: dict[str, Any]) -> list[str]:
    choices = schema.get("oneOf", [schema] if schema else [])
    return [choice["$ref"].rpartition("/")[2] for choice in choices if "$ref" in choice]


def _fields(document: dict[str, Any], name: str) -> dict[str, Any]:
    schema = document["components"]["schemas"][name]
    return {
        "name": name,
        "fields": [
            {
                "name": field,
                "required": field in schema.get("required", ()),
                "form": ", ".join(filter(None, [_form(part), part.get("description", "")])),
            }
            for field, part in schema["properties"].items()
        ],
    }


def _form(schema: dict[str, Any]) -> str:
    """One field's form in words: "integer, 0 to 10", "list of `LineBody`, 1 to 500"."""
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
    first = choices[0]
    if "$ref" in first:
        return f"`{first['$ref'].rpartition('/')[2]}`"
    if "const" in first or "enum" in first:
        return ", ".join(f"`{value}`" for value in first.get("enum", [first.get("const")]))
    kind = str(first.get("format") or first.get("type") or "anything")
    if first.get("type") == "array":
        kind = f"list of {_form(first['items'])}"
    low = first.get("minimum", first.get("minLength", first.get("minItems")))
    high = first.get("maximum", first.get("maxLength", first.get("maxItems")))
    unit = " characters" if "maxLength" in first else ""
    if low is not None and high is not None:
        kind += f", {low} to {high}{unit}"
    elif high is not None:
        kind += f", at most {high}{unit}"
    return f"{kind}, `{first['pattern']}`" if "pattern" in first else kind


def _examples(content: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"name": name, "text": json.dumps(example["value"], indent=2)}
        for name, example in content.get("examples", {}).items()
    ]


def _answer(document: dict[str, Any], status: str, answer: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in answer:
        answer = document["components"]["responses"][status]
    return {
        "status": status,
        "words": answer["description"],
        "examples": [example["text"] for example in _examples(_content(answer))],
    }
