"""Rows as JSON, for the documents that a person gets."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def plain(value: Any) -> Any:  # noqa: ANN401 - a column's value in, JSON out
    """A column's value as JSON has it; instants in RFC 3339, UTC."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def row_of(row: object, *columns: str) -> dict[str, Any]:
    """These columns of one row; ``_minor`` falls off a name, as the API has it."""
    return {name.removesuffix("_minor"): plain(getattr(row, name)) for name in columns}


def rows_of(rows: Iterable[object | None], *columns: str) -> list[dict[str, Any]]:
    """These columns of every row that is there."""
    return [row_of(row, *columns) for row in rows if row is not None]
