"""A CSV file from anywhere, read line by line in bounded memory: text, or the line at which it stops being text.

RFC 4180 with the separators that tools and spreadsheets use. Nothing is guessed that could be guessed wrong in silence:
an encoding other than UTF-8 must be named, and a file whose separator is not clear is refused.
"""

from __future__ import annotations

import codecs
import csv
import re
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from app.referrals.importing.errors import FileRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

ENCODINGS: Final = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252")
"""What ``--encoding`` takes."""

MAX_RECORD: Final = 65_536
"""Bytes of one physical line, and characters of one record over all its lines."""

_SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}
_CHUNK: Final = 65_536
_OTHERWISE: Final = "say --encoding latin-1 or --encoding cp1252 if it comes from an older Windows program"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Row(NamedTuple):
    """One record: the physical line on which it begins (the header is on line 1), and its cells."""

    line: int
    cells: list[str]


class Sheet:
    """A file's header and records. Raises :class:`FileRefused` where it cannot be read on."""

    def __init__(self, file: BinaryIO, encoding: str | None = None) -> None:
        self._taken = 0
        self._started = 0
        self._lines = self._counted(_decoded(file, encoding))
        first = next(self._lines, None)
        if first is None or not first.strip():
            raise FileRefused(
                1, "the file is empty, or its first line is: a line with the columns' names is needed"
            )
        if "\r" in first.rstrip("\r\n") or first.endswith("\r"):
            raise FileRefused(
                1, "the lines end in carriage returns alone; save the file with ordinary line ends"
            )
        separator = _separator(first)
        self._reader = csv.reader(chain([first], self._lines), delimiter=separator, strict=True)
        header = self._next(1)
        self.header = [cell.strip() for cell in header.cells] if header else []

    def rows(self) -> Iterator[Row]:
        """The records beneath the header; those without any text are passed over."""
        while (row := self._next(self._taken + 1)) is not None:
            if any(cell.strip() for cell in row.cells):
                yield row

    def _next(self, line: int) -> Row | None:
        """The next record, which begins on ``line``."""
        self._started = 0
        try:
            return Row(line, next(self._reader))
        except StopIteration:
            return None
        except csv.Error as error:
            wrong = str(error).partition(" - ")[0]
            raise FileRefused(
                line, f"not readable as CSV ({wrong}); look at quotation marks and line ends"
            ) from None

    def _counted(self, lines: Iterator[str]) -> Iterator[str]:
        """Count physical lines, and bound the record that they make up."""
        for line in lines:
            self._taken += 1
            self._started += len(line)
            if self._started > MAX_RECORD:
                raise FileRefused(
                    self._taken,
                    f"this record is longer than {MAX_RECORD} characters; is a quotation mark left open above?",
                )
            if "\x00" in line:
                raise FileRefused(
                    self._taken,
                    "a NUL byte: this is no text file, or it is UTF-16 (then say --encoding utf-16)",
                )
            yield line


def control_character(cell: str) -> bool:
    """Whether the cell has a control character other than a line break within quotation marks or a tab."""
    return _CONTROL.search(cell) is not None


def _separator(header: str) -> str:
    """The separator under which the header falls into the most columns."""
    counts = {separator: _columns(header, separator) for separator in _SEPARATORS}
    most = max(counts.values())
    best = [separator for separator, count in counts.items() if count == most]
    names = ", ".join(_SEPARATORS.values())
    if most < 2:  # noqa: PLR2004 - a table of one column says nothing about anybody
        raise FileRefused(1, f"the columns' names are not separated by one of {names}")
    if len(best) > 1:
        raise FileRefused(1, f"the separator is not clear: the line falls apart alike under {names}")
    return best[0]


def _columns(header: str, separator: str) -> int:
    try:
        return len(next(csv.reader([header], delimiter=separator, strict=True)))
    except csv.Error:
        return 0


def _decoded(file: BinaryIO, encoding: str | None) -> Iterator[str]:
    if encoding is None:
        start = file.read(2)
        file.seek(0)
        if start in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
            raise FileRefused(1, "the file is UTF-16, not UTF-8; say --encoding utf-16")
    if encoding is not None and encoding.startswith("utf-16"):
        return _wide(file, encoding)
    return _narrow(file, encoding or "utf-8")


def _narrow(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines of an encoding in which a line break is one byte."""
    number = 0
    while raw := file.readline(MAX_RECORD + 1):
        number += 1
        if len(raw) > MAX_RECORD:
            raise FileRefused(number, f"longer than {MAX_RECORD} bytes")
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            wrong = f"byte {raw[error.start]:#04x} at position {error.start + 1}"
            otherwise = f"; {_OTHERWISE}" if encoding == "utf-8" else ""
            raise FileRefused(number, f"not {encoding} ({wrong}){otherwise}") from None
        yield text.removeprefix("\ufeff") if number == 1 else text


def _wide(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines of UTF-16, decoded piece by piece."""
    decoder = codecs.getincrementaldecoder(encoding)()
    number, rest = 0, ""
    done = False
    while not done:
        raw = file.read(_CHUNK)
        done = not raw
        try:
            rest += decoder.decode(raw, final=done)
        except UnicodeError:
            raise FileRefused(number + 1, f"not {encoding} from about this line on") from None
        *lines, rest = rest.split("\n")
        if done and rest:
            lines, rest = [*lines, rest], ""
        for line in lines:
            number += 1
            yield (line.removeprefix("\ufeff") if number == 1 else line) + "\n"
        if len(rest) > MAX_RECORD:
            raise FileRefused(number + 1, f"longer than {MAX_RECORD} characters")
