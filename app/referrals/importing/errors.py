"""What an import refuses."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.kernel.errors import Conflict, InvalidInput, RefledgerError

if TYPE_CHECKING:
    from collections.abc import Iterator


class FileRefused(InvalidInput):
    """The file cannot be read on from this line: encoding, separator, header or quotation marks."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class LineRefused(InvalidInput):
    """One line says something that cannot be brought in; the others can be read all the same."""


class NotBrought(LineRefused):
    """Writing a line did not come to what it says; the batch is rolled back."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@contextmanager
def blaming(line: int) -> Iterator[None]:
    """Have a use case's refusal within the block name the line that it was about."""
    try:
        yield
    except RefledgerError as error:
        raise NotBrought(line, error.detail) from error


class MapRefused(InvalidInput):
    """``--map`` names a field that lines of this kind do not have."""

    def __init__(self, name: str, known: str) -> None:
        super().__init__(f"there is no field {name!r}; there are {known}", pointer="/map")


class BroughtTwice(Conflict):
    """Open commissions and the balances that sum them up would both be owed."""

    def __init__(self, tool: str, there: str, wanted: str) -> None:
        super().__init__(
            f"{there} were brought from {tool} before; {wanted} besides them would be paid twice, since a balance is "
            "the sum of open commissions"
        )


class ChangedMeanwhile(Conflict):
    """Between the check of the file and its writing, something else changed what a line needs."""

    def __init__(self, line: int, reason: str, written: int) -> None:
        super().__init__(
            f"line {line}: {reason}; this changed after the check. {written} lines before it are written and stay; "
            "correct this one and import the file again, what is written is not written twice"
        )
