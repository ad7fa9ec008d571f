"""The spool: where clicks wait on this machine's disk while Redis is away.

Each process appends to a file of its own, one line a click, and syncs it before the buyer is answered. The drain
renames a file before it reads it. A writer holds the file's lock while it writes and first looks whether the path
still names the file it opened; the drain takes the lock once after renaming. So no line is written behind the
drain's back.
"""

from __future__ import annotations

import fcntl
import os
import threading
import zlib
from typing import TYPE_CHECKING, Final

from app.kernel import ids
from app.referrals.click_record import BrokenRecord, ClickRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OPEN: Final = ".clicks"
_TAKEN: Final = ".taken"


class Spool:
    """The spool of one folder, which is made when first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._owner = 0

    def append(self, record: ClickRecord) -> None:
        """Write a click and return once the disk has it. Raises ``OSError``."""
        line = _line(record)
        with self._lock:
            while not self._appended(line):
                pass

    def _appended(self, line: bytes) -> bool:
        """Whether the line was written; not if the drain took the file between opening and locking it."""
        path = self._own_path()
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _names(path, descriptor):
                return False
            _write_whole(descriptor, line)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(path.parent)
        return True

    def _own_path(self) -> Path:
        """This process's file; a forked child finds itself a new one."""
        if self._path is None or self._owner != os.getpid():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._owner = os.getpid()
            self._path = self._folder / f"{self._owner}-{ids.random_id('', 8)}{_OPEN}"
        return self._path

    def take(self) -> list[Path]:
        """Rename every file that writers append to, and return all that wait to be drained, oldest first."""
        for path in self._folder.glob(f"*{_OPEN}"):
            taken = path.with_name(f"{path.name}.{ids.random_id('', 8)}{_TAKEN}")
            try:
                path.rename(taken)
                with taken.open("rb") as file:
                    fcntl.flock(
                        file, fcntl.LOCK_EX
                    )  # a writer that had the file before the rename is done now
            except FileNotFoundError:
                continue  # another drain was faster
        return sorted(self._folder.glob(f"*{_TAKEN}"), key=lambda path: path.name)

    def size(self) -> int:
        """Bytes that wait to be drained."""
        total = 0
        for path in self._files():
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                continue  # drained just now
        return total

    def oldest_ms(self) -> int | None:
        """The time of the oldest click that waits, in milliseconds since 1970; ``None`` for an empty spool."""
        firsts = (next(read(path), None) for path in self._files())
        return min((record.at_ms for record in firsts if isinstance(record, ClickRecord)), default=None)

    def _files(self) -> list[Path]:
        return [*self._folder.glob(f"*{_OPEN}"), *self._folder.glob(f"*{_TAKEN}")]


def read(path: Path) -> Iterator[ClickRecord | BrokenRecord]:
    """The clicks of a file, in order; a line that does not match its checksum comes as a :class:`BrokenRecord`.

    A last line without its end was being written when the machine died: the buyer was not answered, so it is no
    loss and is passed over in silence. A file that vanished is empty.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            if line.endswith(b"\n"):
                try:
                    yield _record(line)
                except BrokenRecord as broken:
                    yield broken


def _line(record: ClickRecord) -> bytes:
    text = f"{record.label}\t{record.click_id}\t{record.body()}".encode()
    return b"%08x\t%b\n" % (zlib.crc32(text), text)


def _record(line: bytes) -> ClickRecord:
    checksum, _, text = line.rstrip(b"\n").partition(b"\t")
    if checksum != b"%08x" % zlib.crc32(text):
        raise BrokenRecord(line[:200].decode(errors="replace"))
    label, click_id, body = text.decode().split("\t", 2)
    return ClickRecord.read(body, label, click_id)


def _names(path: Path, descriptor: int) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _write_whole(descriptor: int, line: bytes) -> None:
    """Write and sync the line, or leave the file as it was: a full disk must not leave half a line."""
    before = os.fstat(descriptor).st_size
    try:
        rest = line
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, before)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
