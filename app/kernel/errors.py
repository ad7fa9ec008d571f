"""The base classes of every refusal.

A concrete error is a noun with facts, subclasses one of these, and says in one sentence what is wrong.
Edges translate the base class: the API in ``api/problems.py``, pages in ``dashboard/errors.py``, the CLI to one line.
"""

from __future__ import annotations

from typing import ClassVar


class RefledgerError(Exception):
    """Something that was refused, said so that the person who asked can act on it.

    ``detail`` is one sentence. ``pointer`` is the RFC 6901 JSON pointer of the offending field ("/lines/0/net"),
    or ``None`` where no single field is to blame.
    """

    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str, *, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class InvalidInput(RefledgerError):
    """A value is outside its bounds. HTTP 422."""

    title = "Invalid input"


class NotFound(RefledgerError):
    """The thing does not exist, or not for this person. HTTP 404."""

    title = "Not found"


class Conflict(RefledgerError):
    """The request contradicts what is already recorded. HTTP 409."""

    title = "Conflict"


class Forbidden(RefledgerError):
    """The person is known and may not do this. HTTP 403."""

    title = "Forbidden"


class Unavailable(RefledgerError):
    """A part that the request needs does not answer now; trying again later is right. HTTP 503."""

    title = "Unavailable"


class StartRefused(RefledgerError):
    """The process may not start: a setting is missing or wrong. The CLI prints the one line and exits."""

    title = "Start refused"
