"""Lines of a CSV file that a person opens in a spreadsheet."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def text(value: str | None) -> str:
    """Text that no spreadsheet takes for a formula; nothing for ``None``. Numbers that we write need none of this."""
    if not value:
        return ""
    return f"'{value}" if value.startswith(_FORMULA) else value


def line(cells: Sequence[str]) -> str:
    """One line with its end (RFC 4180)."""
    out = StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
