"""Cursors, page sizes and the filters that lists share."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from app.api.bodies import InvalidFields
from app.api.fields import EARLIEST, Strict, instant_or_day, refusal
from app.kernel.clock import day_start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200


def _whole_number(raw: object) -> int:
    if not isinstance(raw, str) or not raw.isascii() or not raw.isdecimal() or len(raw) > 9:  # noqa: PLR2004
        raise refusal("whole_number", "must be a whole number")
    return int(raw)


def _bound(raw: object) -> datetime | date:
    if not isinstance(raw, str):
        raise refusal("instant", "must be an RFC 3339 time or a day")
    # An unescaped "+" in a query reads as a blank; no time has a blank of its own.
    return instant_or_day(raw.replace(" ", "+"))


Bound = Annotated[
    datetime | date,
    BeforeValidator(_bound),
    WithJsonSchema({"type": "string", "description": "RFC 3339 time, or a day in the programme's time zone"}),
]
Limit = Annotated[
    int,
    BeforeValidator(_whole_number),
    Field(ge=1, le=MAX_LIMIT),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
]


class ListQuery(Strict):
    """The parameters of every list. ``from`` is inclusive, ``to`` exclusive."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    referrer: Annotated[str, Field(min_length=1, max_length=64, description="a referrer's code")] | None = (
        None
    )
    from_: Bound | None = Field(None, alias="from")
    to: Bound | None = None
    state: Annotated[str, Field(min_length=1, max_length=40)] | None = None


class BalanceQuery(Strict):
    """The instant (or the start of the day) whose knowledge and date count."""

    as_of: Bound | None = None


@dataclass(frozen=True)
class Span:
    """Half-open: ``start <= at < end``; either may be open."""

    start: datetime | None
    end: datetime | None


def span_of(query: ListQuery, timezone: str) -> Span:
    """The instants between which the list looks."""
    return Span(instant_of(query.from_, timezone), instant_of(query.to, timezone))


def instant_of(bound: datetime | date | None, timezone: str) -> datetime | None:
    """A day is its first instant in the programme's time zone."""
    if bound is None or isinstance(bound, datetime):
        return bound
    return max(day_start(bound, timezone), EARLIEST) if bound.year > EARLIEST.year else EARLIEST


def write_cursor(*position: int | datetime) -> str:
    """An opaque text for a position in a list."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in position]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(text: str | None, *kinds: type[int | datetime]) -> list[Any] | None:
    """The position, each part of its kind. Raises :class:`InvalidFields` for a text we did not write."""
    if text is None:
        return None
    try:
        raw = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(raw, list) or len(raw) != len(kinds):
            raise ValueError  # noqa: TRY301 - one answer for every wrong cursor
        return [_part(part, kind) for part, kind in zip(raw, kinds, strict=True)]
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise InvalidFields([("/cursor", "is not a cursor of this list")]) from None


def _part(part: object, kind: type[int | datetime]) -> int | datetime:
    if kind is datetime and isinstance(part, str):
        at = datetime.fromisoformat(part)
        if at.tzinfo is not None and at.year >= EARLIEST.year:
            return at
    if kind is int and type(part) is int and 0 <= part < 2**63:
        return part
    raise ValueError


def page(
    rows: Sequence[Any], limit: int, item: Callable[[Any], dict[str, Any]], position: Callable[[Any], str]
) -> dict[str, Any]:
    """``{"items", "next_cursor"}`` of at most ``limit`` rows; the query asked for one more, which tells the end."""
    shown = rows[:limit]
    more = len(rows) > limit
    return {
        "items": [item(row) for row in shown],
        "next_cursor": position(shown[-1]) if more else None,
    }
