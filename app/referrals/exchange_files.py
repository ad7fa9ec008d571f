"""Reading the European Central Bank's files of euro reference rates: CSV, the same in a zip, XML.

Wide CSV, a day a row and a currency a column, ``N/A`` where a currency had no rate; XML with a ``Cube`` for each day
and currency. Everything is read and checked before anything is written, and what is wrong is named by its line.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from lxml import etree

from app.kernel.errors import InvalidInput
from app.kernel.money import CURRENCIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_BYTES: Final = 64 * 2**20
_NUMBER: Final = re.compile(r"\d{1,12}(\.\d{1,10})?", re.ASCII)
_NONE: Final = frozenset({"", "N/A", "-"})
_FORMER: Final = frozenset("CYP EEK HRK LTL LVL MTL ROL SIT SKK TRL".split())
"""Currencies that are no more: the bank's history still has their columns, and no order can have them."""


class RateLine(NamedTuple):
    """One rate: how many units of ``currency`` one euro bought that day; ``line`` says where it stands."""

    line: int
    day: date
    currency: str
    per_euro: str


class RatesRefused(InvalidInput):
    """The file is not what it should be; nothing of it is written."""

    title = "Exchange rates refused"

    def __init__(self, line: int | None, detail: str) -> None:
        super().__init__(f"line {line}: {detail}" if line else detail, pointer="/file")


def read_rates(data: bytes, today: date) -> list[RateLine]:
    """Every rate of a file. Raises :class:`RatesRefused`, naming the line.

    ``today`` is the last day that a file may speak of.
    """
    if data.startswith(b"PK"):
        data = _unzipped(data)
    if len(data) > MAX_BYTES:
        raise RatesRefused(None, f"larger than {MAX_BYTES} bytes")
    found: dict[tuple[date, str], RateLine] = {}
    for rate in _from_xml(data) if data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") else _from_csv(data):
        if rate.currency in _FORMER:
            continue
        _check(rate, today)
        before = found.setdefault((rate.day, rate.currency), rate)
        if before is not rate:
            raise RatesRefused(rate.line, f"{rate.currency} of {rate.day} is on line {before.line} already")
    if not found:
        raise RatesRefused(None, "there is no rate in the file")
    return list(found.values())


def _check(rate: RateLine, today: date) -> None:
    if rate.currency not in CURRENCIES:
        raise RatesRefused(rate.line, f"{rate.currency!r} is not an ISO 4217 currency code")
    if rate.currency == "EUR":
        raise RatesRefused(rate.line, "a euro is a euro: EUR has no rate")
    if rate.day > today:
        raise RatesRefused(rate.line, f"{rate.day} is in the future")
    if not _NUMBER.fullmatch(rate.per_euro) or not Decimal(rate.per_euro):
        raise RatesRefused(rate.line, f"{rate.currency}: {rate.per_euro!r} is not a rate")


def _unzipped(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith((".csv", ".xml"))]
            if len(names) != 1:
                raise RatesRefused(None, "expected one CSV or XML file in the zip")
            # One byte more than allowed, whatever the archive says of itself.
            with archive.open(names[0]) as member:
                return member.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, RuntimeError, OSError) as error:
        raise RatesRefused(None, f"not a readable zip: {error}") from None


def _from_csv(data: bytes) -> Iterator[RateLine]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RatesRefused(data.count(b"\n", 0, _first_bad(data)) + 1, "not UTF-8 text") from None
    rows = csv.reader(io.StringIO(text))
    try:
        yield from _rows(rows)
    except csv.Error as error:
        raise RatesRefused(rows.line_num, f"not CSV: {error}") from None


def _first_bad(data: bytes) -> int:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _rows(rows: Iterator[list[str]]) -> Iterator[RateLine]:
    header = [cell.strip() for cell in next(rows, [])]
    codes = _without_end(header[1:])
    wrong = [code for code in codes if code not in CURRENCIES | _FORMER]
    if not header or header[0] != "Date" or not codes:
        raise RatesRefused(1, "expected a header like Date,USD,JPY,...")
    if wrong:
        raise RatesRefused(1, f"{wrong[0]!r} is not an ISO 4217 currency code")
    if len(set(codes)) < len(codes):
        raise RatesRefused(1, "a currency stands in the header twice")
    for number, row in enumerate(rows, start=2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        values = cells[1 : len(codes) + 1]
        if len(values) < len(codes) or any(cells[len(codes) + 1 :]):
            raise RatesRefused(number, f"expected a day and {len(codes)} rates")
        day = _day(cells[0], number)
        for code, value in zip(codes, values, strict=True):
            if value not in _NONE:
                yield RateLine(number, day, code, value)


def _without_end(cells: Sequence[str]) -> list[str]:
    """The cells without the empty one that a comma at the end of a line makes."""
    return list(cells[:-1] if cells and not cells[-1] else cells)


def _day(text: str, line: int) -> date:
    """2026-11-20, or 20 November 2026 as the file of a single day has it."""
    for form in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise RatesRefused(line, f"{text!r} is not a day like 2026-11-20")


def _from_xml(data: bytes) -> Iterator[RateLine]:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise RatesRefused(error.lineno or None, "not well-formed XML") from None
    if root.getroottree().docinfo.doctype:
        raise RatesRefused(1, "a document type is not accepted")
    for element in root.iter("{*}Cube"):
        code, value = element.get("currency"), element.get("rate")
        if code is None:
            continue
        parent = element.getparent()
        line = element.sourceline or 1
        stated = parent.get("time") if parent is not None else None
        yield RateLine(line, _day(stated or "", line), code, value or "")
