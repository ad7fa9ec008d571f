"""Lines of a CSV file that a person opens in a spreadsheet (RFC 4180), and the one guard against formulas in them."""

from __future__ import annotations

import csv
import re
from datetime import date, datetime
from io import StringIO
from typing import TYPE_CHECKING, Final, TypeAlias

from app.kernel.clock import as_utc
from app.kernel.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence

Value: TypeAlias = "str | int | Money | datetime | date | None"

FORMULA: Final = "=+-@\uff1d\uff0b\uff0d\uff20"
"""What makes a spreadsheet take a cell for a formula when it begins with it; some read the wide forms, too."""

# A spreadsheet set to Dutch or German takes the semicolon for the separator: what follows one begins a cell there.
_BEGINS: Final = re.compile(rf"(^|[;\t\r\n])([\t\r\n]|\s*[{re.escape(FORMULA)}])")


def is_formula(value: str) -> bool:
    """Whether a spreadsheet may take this text, or a part of it, for a formula."""
    return _BEGINS.search(value) is not None


def text(value: str | None) -> str:
    """Text that no spreadsheet takes for a formula; nothing for ``None``. Numbers that we write need none of this."""
    return _BEGINS.sub(r"\1'\2", value) if value else ""


def row(values: Sequence[Value]) -> str:
    """One line of values: amounts as 12.50, instants in UTC, days as 2026-12-02, text guarded."""
    return line([_cell(value) for value in values])


def _cell(value: Value) -> str:
    match value:
        case None:
            return ""
        case str():
            return text(value)
        case Money():
            return value.decimal_string()
        case datetime():
            return f"{as_utc(value):%Y-%m-%dT%H:%M:%SZ}"
        case date():
            return value.isoformat()
        case int():
            return str(value)


def line(cells: Sequence[str]) -> str:
    """One line with its end (RFC 4180)."""
    out = StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
