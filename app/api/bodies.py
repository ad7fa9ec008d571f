"""Reading what a client sends: JSON without its traps, then a Pydantic model.

``json.loads`` as it comes would accept repeated names, ``NaN`` and any depth. Numbers keep their JSON form here
(``12.0`` stays a float), so that the strict models can refuse them where an amount is expected.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from app.api.fields import pointer_of
from app.kernel.errors import InvalidInput, RefledgerError

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic_core import ErrorDetails
    from werkzeug.wrappers import Request

MAX_BODY: Final = 1024 * 1024
"""Bytes of one JSON body (1 MiB)."""

_JSON_TYPES: Final = frozenset({"application/json"})
_LISTED_ERRORS: Final = 20
"""How many errors one answer lists; a body with more is wrong as a whole."""

Json: TypeAlias = Any
"""Any JSON value: whatever a client may send."""

Model = TypeVar("Model", bound=BaseModel)


class MalformedBody(RefledgerError):
    """The body is not JSON at all. HTTP 400."""

    title = "Malformed body"


class BodyTooLarge(RefledgerError):
    """The body has more bytes than this call takes. HTTP 413."""

    title = "Body too large"


class WrongContentType(RefledgerError):
    """The body is declared as something else than this call takes. HTTP 415."""

    title = "Unsupported content type"


class InvalidFields(InvalidInput):
    """One or more fields are wrong. ``errors`` holds ``(pointer, words)`` of each."""

    title = "Invalid fields"

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        pointer, words = errors[0]
        where = pointer or "the body"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{where} {words}{more}", pointer=pointer)
        self.errors = errors[:_LISTED_ERRORS]


class _RepeatedName(dict[str, Any]):
    """An object in which a name stood twice; found again by :func:`_find_repeated`."""

    repeated: str = ""


class _Pairs:
    """Builds objects for the JSON reader and remembers whether any name was repeated."""

    __slots__ = ("repeated",)

    def __init__(self) -> None:
        self.repeated = False

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        self.repeated = True
        marked = _RepeatedName(made)
        seen: set[str] = set()
        for name, _value in pairs:
            if name in seen:
                marked.repeated = name
                break
            seen.add(name)
        return marked


def parse_json(raw: bytes) -> Json:
    """The JSON value in ``raw``. Raises :class:`MalformedBody`, or :class:`InvalidFields` for a repeated name.

    ``NaN`` and ``Infinity`` become floats, which no field accepts, so that the answer can name the field.
    """
    pairs = _Pairs()
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=pairs)
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise MalformedBody("the body is nested too deeply") from None
    except ValueError:  # int() refuses numbers of thousands of digits
        raise InvalidFields([("", "has a number with too many digits")]) from None
    if pairs.repeated:
        raise InvalidFields([_find_repeated(value, "")])
    return value


def _find_repeated(value: Json, pointer: str) -> tuple[str, str]:
    """Where the repeated name is. Nesting is bounded: the reader gave up on anything deeper than its own stack."""
    trail: list[tuple[Any, str]] = [(value, pointer)]
    while trail:
        current, at = trail.pop()
        if isinstance(current, _RepeatedName):
            return at + pointer_of((current.repeated,)), "is given twice"
        children = current.items() if isinstance(current, dict) else enumerate(current)
        trail.extend(
            (child, at + pointer_of((key,))) for key, child in children if isinstance(child, dict | list)
        )
    return pointer, "repeats a name"


def read_json(request: Request) -> Json:
    """The JSON value of a request's body. Raises the errors of this module."""
    if request.mimetype not in _JSON_TYPES:
        raise WrongContentType(f"the body must be application/json, not {request.mimetype or 'untyped'}")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in {"utf-8", "utf8"}:
        raise WrongContentType(f"the body must be UTF-8, not {charset}")
    if request.content_encoding:
        raise WrongContentType("a compressed body is not read")
    if (request.content_length or 0) > MAX_BODY:
        raise BodyTooLarge(f"the body has more than {MAX_BODY} bytes")
    # Where no length is declared (chunked bodies) the stream just ends at its limit: one byte more tells.
    request.max_content_length = MAX_BODY + 1
    raw = request.get_data(cache=False)
    if len(raw) > MAX_BODY:
        raise BodyTooLarge(f"the body has more than {MAX_BODY} bytes")
    if not raw:
        raise MalformedBody("the body is empty; a JSON object is expected")
    return parse_json(raw)


def validate(model: type[Model], value: Json, now: datetime) -> Model:
    """``value`` as a ``model``. Raises :class:`InvalidFields` with a pointer for each error."""
    if not isinstance(value, dict):
        raise InvalidFields([("", "must be a JSON object")])
    try:
        return model.model_validate(value, context={"now": now})
    except ValidationError as error:
        raise InvalidFields([_in_words(detail) for detail in error.errors(include_url=False)]) from None


_WORDS: Final = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this call",
    "string_type": "must be text",
    "string_unicode": "has characters that are not Unicode text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
}


def _in_words(detail: ErrorDetails) -> tuple[str, str]:
    context = detail.get("ctx", {})
    pointer = str(context.get("pointer", "")) or pointer_of(detail["loc"])
    words = context.get("words") or _WORDS.get(detail["type"])
    if words is None:
        # Pydantic's own sentence ("Input should be greater than or equal to 1"); it never repeats the value.
        words = (
            detail["msg"]
            .replace("Input should", "must")
            .replace("String should", "must")
            .replace("List should", "must")
        )
    return pointer, str(words)
