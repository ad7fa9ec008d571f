"""Whether the programme that a referrer looks at has a directory, for the navigation of every page of theirs.

Looked up where the programme is chosen, never while a page is drawn: the page of an error must ask for nothing. Each
process asks the database at most every few seconds; pages that choose no programme show what the last one did.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from flask import current_app, g
from flask import session as browser

from app.directory.queries import programs_with_a_directory
from app.requests import session

if TYPE_CHECKING:
    from app.referrals.models import Program

_KNOWN: Final = "refledger.directories"
_STAYS: Final = 5.0
"""Seconds until a directory that was opened in another process is seen."""

_KEY: Final = "directory"


def note_directory(program: Program) -> None:
    """Remember for this page, and for those after it, whether the programme has one."""
    kept: tuple[float, frozenset[int]] | None = current_app.extensions.get(_KNOWN)
    if kept is None or time.monotonic() - kept[0] >= _STAYS:
        kept = time.monotonic(), programs_with_a_directory(session())
        current_app.extensions[_KNOWN] = kept
    g.has_directory = program.id in kept[1]
    if browser.get(_KEY, False) != g.has_directory:
        browser[_KEY] = g.has_directory


def forget_directories() -> None:
    """Have this process look again: one was opened or closed."""
    current_app.extensions.pop(_KNOWN, None)


def has_directory() -> bool:
    """Whether the navigation shows the profile."""
    return bool(g.get("has_directory", browser.get(_KEY, False)))
