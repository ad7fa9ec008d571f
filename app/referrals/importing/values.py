"""Single cells: names, ids, amounts, days and instants as exports write them, each read in one way only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from app.kernel import sheet
from app.kernel.clock import day_start, local_day
from app.kernel.errors import InvalidInput
from app.kernel.money import CURRENCIES, MAX_MINOR, Money
from app.referrals.importing.errors import LineRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CELL: Final = 1_000
"""Characters of a cell that is read."""

MAX_ID: Final = 128
EARLIEST: Final = date(1990, 1, 1)
AHEAD: Final = timedelta(days=2 * 366)
"""How far ahead money may become payable."""

_WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|UTC|[+-]\d{2}:?\d{2})?", re.ASCII
)


class DecimalMark(StrEnum):
    """What stands between the units and the cents of an amount."""

    POINT = "point"
    COMMA = "comma"


@dataclass(frozen=True, slots=True)
class Reading:
    """How cells are to be read: the programme's currency and time zone, and what the file's owner said about it.

    ``currency`` is the code that holds for all lines of a file without such a column.
    """

    program_currency: str
    timezone: str
    now: datetime
    decimal: DecimalMark = DecimalMark.POINT
    minor_units: bool = False
    currency: str | None = None
    available_on: date | None = None


def known(cell: str, words: Mapping[str, bool], field: str) -> bool:
    """What a word of the tool means; case and blanks around it do not matter."""
    found = words.get(cell.strip().casefold())
    if found is None:
        there = ", ".join(word for word in words if word)
        raise LineRefused(
            f"{field}: {shown(cell)} is none of {there}; leave such lines out with --skip COLUMN=VALUE"
        )
    return found


def identifier(cell: str, field: str) -> str:
    """The tool's or the merchant's own id: 1 to 128 printable characters."""
    if not 1 <= len(cell) <= MAX_ID or not cell.isprintable():
        raise LineRefused(f"{field}: expected 1 to {MAX_ID} printable characters")
    return cell


def name_of(*cells: str) -> str:
    """A person's name of one or two cells. What a spreadsheet would take for a formula is nobody's name."""
    name = " ".join(" ".join(cells).split())
    if sheet.is_formula(name):
        raise LineRefused(f"name: {shown(name)} begins like a spreadsheet formula")
    return name


def amount(cell: str, currency: str, reading: Reading) -> int:
    """An amount in minor units, as a decimal with the named mark, or as whole minor units where that was said."""
    if reading.minor_units:
        if _WHOLE.fullmatch(cell) is None or abs(int(cell)) > MAX_MINOR:
            raise LineRefused(f"amount: {shown(cell)} is not a whole number of minor units")
        return int(cell)
    text = cell
    if reading.decimal is DecimalMark.COMMA:
        if "." in text:
            raise LineRefused(
                f"amount: {shown(cell)} has a point; with --decimal comma there are no thousands marks"
            )
        text = text.replace(",", ".")
    elif "," in text:
        raise LineRefused(f"amount: {shown(cell)} has a comma; say --decimal comma if the file writes 12,50")
    try:
        return Money.parse(text, currency).minor
    except InvalidInput as error:
        raise LineRefused(f"amount: {error.detail}") from None


def currency_of(cell: str | None, reading: Reading) -> str:
    """The line's currency, which must be the programme's: its books are kept in one."""
    code = (cell or reading.currency or "").strip().upper()
    if not code:
        raise LineRefused("currency: empty; say --currency if all amounts are in one")
    if code not in CURRENCIES:
        raise LineRefused(f"currency: {shown(code)} is not an ISO 4217 currency code")
    if code != reading.program_currency:
        raise LineRefused(
            f"currency: {code}, but the programme's books are kept in {reading.program_currency}"
        )
    return code


def instant(cell: str, field: str, reading: Reading) -> datetime:
    """A day (its first instant), or an ISO time; without an offset both are read in the programme's time zone."""
    if _DAY.fullmatch(cell):
        at = day_start(_day(cell, field), reading.timezone)
    else:
        match = _INSTANT.fullmatch(cell)
        if match is None:
            raise LineRefused(
                f"{field}: {shown(cell)} is not a day (2026-10-01) nor a time (2026-10-01 14:30:00+02:00)"
            )
        at = _instant(match, cell, field, reading.timezone)
    if at.date() < EARLIEST:
        raise LineRefused(f"{field}: {shown(cell)} is before {EARLIEST.year}")
    return at


def day(cell: str | None, field: str, reading: Reading) -> date | None:
    """The calendar day of such a cell in the programme's time zone; ``None`` where it is empty."""
    if not cell:
        return reading.available_on
    found = local_day(instant(cell, field, reading), reading.timezone)
    if found > reading.now.date() + AHEAD:
        raise LineRefused(f"{field}: {found} is more than two years ahead")
    return found


def shown(cell: str) -> str:
    """A cell as a message quotes it: short, and in one line."""
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")  # noqa: PLR2004 - a line of a terminal


def _day(cell: str, field: str) -> date:
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise LineRefused(f"{field}: {shown(cell)} is not a day of the calendar") from None


def _instant(match: re.Match[str], cell: str, field: str, timezone: str) -> datetime:
    on, time, offset = match.groups()
    suffix = "+00:00" if offset in {"Z", "UTC"} else offset or ""
    try:
        at = datetime.fromisoformat(f"{on}T{time}{suffix}")
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(timezone))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise LineRefused(f"{field}: {shown(cell)} is not a time that exists") from None
