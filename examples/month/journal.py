"""What has happened of a month's end so far, in a file that a page may read at any time; and who plays it."""

from __future__ import annotations

import fcntl
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

STEPS: Final = {
    "run": "The month is drafted and frozen",
    "approval": "The run is approved",
    "files": "The payment file is built and verified",
    "handed": "The bank has the file",
    "refused": "The bank says what it refuses (pain.002)",
    "booked": "The bank books the rest (camt.053)",
    "returned": "A payment comes back (camt.053)",
    "books": "The books add up",
}
"""Every step in its order, with its title."""


class Mark(StrEnum):
    """How a step, or the whole month's end, stands."""

    DONE = "done"
    """It is over."""
    WAITS = "waits"
    """A person has to do something first."""
    STOPPED = "stopped"
    """It went wrong; playing again goes on here."""


@dataclass(frozen=True)
class Link:
    """Where on Refledger's pages the step can be seen; `path` begins with a slash."""

    words: str
    path: str


@dataclass(frozen=True)
class Entry:
    """What became of a step, in words, and when (the time of day)."""

    mark: Mark
    text: str
    at: str
    links: tuple[Link, ...] = ()


@dataclass
class Journal:
    """One month's end: its number among all that were played here, its run, and what became of its steps."""

    number: int = 0
    run: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do: the last step is done."""
        last = self.entries.get("books")
        return last is not None and last.mark is Mark.DONE

    @property
    def next_step(self) -> str | None:
        """The first step that is not done."""
        return next((step for step in STEPS if not self.is_done(step)), None)

    def is_done(self, step: str) -> bool:
        """Whether a step is over."""
        entry = self.entries.get(step)
        return entry is not None and entry.mark is Mark.DONE


@dataclass(frozen=True)
class Shelf:
    """Where the journals of all programmes lie: one file for each, beside the lock of whoever plays it."""

    folder: Path

    def read(self, programme: str) -> Journal:
        """The journal as it was last kept, or an empty one."""
        path = self.folder / f"{programme}.json"
        if not path.exists():
            return Journal()
        raw = json.loads(path.read_text(encoding="utf-8"))
        entries = {
            step: Entry(
                Mark(entry["mark"]),
                entry["text"],
                entry["at"],
                tuple(Link(**link) for link in entry["links"]),
            )
            for step, entry in raw["entries"].items()
        }
        return Journal(raw["number"], raw["run"], entries)

    def keep(self, programme: str, journal: Journal) -> None:
        """Keep it; whoever reads sees the old one or the new one, never a half."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f"{programme}.new"
        draft.write_text(json.dumps(asdict(journal), indent=1), encoding="utf-8")
        draft.replace(self.folder / f"{programme}.json")

    def take(self, programme: str) -> IO[str] | None:
        """The right to play this programme's month, for as long as the file (or a child's copy of it) is open; None
        while somebody else has it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / f"{programme}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return None
        return lock

    def is_played(self, programme: str) -> bool:
        """Whether somebody plays it at this moment."""
        with suppress(FileNotFoundError), (self.folder / f"{programme}.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False
