"""The spool: on disk before the buyer is answered, and never read behind a writer's back."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from app.referrals.click_record import BrokenRecord, ClickRecord
from app.referrals.spool import Spool, read

if TYPE_CHECKING:
    from pathlib import Path


def click(number: int) -> ClickRecord:
    return ClickRecord(
        f"event-{number}", 1_000 + number, 1, 2, "summer", "ab" * 16, "Firefox 144", "", "counted", "id"
    )


def drained(spool: Spool) -> list[ClickRecord | BrokenRecord]:
    return [record for path in spool.take() for record in read(path)]


def test_what_was_appended_is_read_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    records = [click(number) for number in range(5)]
    for record in records:
        spool.append(record)
    assert spool.oldest_ms() == 1_000
    assert drained(spool) == records
    assert drained(spool) == records, "until somebody removes the file"


def test_a_click_is_synced_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("app.referrals.spool.os.fsync", synced.append)
    spool = Spool(tmp_path)
    spool.append(click(1))
    assert len(synced) == 2, "the file, and the folder that names it"
    spool.append(click(2))
    assert len(synced) == 3


def test_each_process_has_a_file_of_its_own(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(click(1))
    child = os.fork()
    if child == 0:
        spool.append(click(2))
        os._exit(0)
    os.waitpid(child, 0)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_torn_last_line_is_passed_over_and_a_damaged_one_is_reported(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(3):
        spool.append(click(number))
    (path,) = spool.take()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b"summer", b"winter") + lines[2][:-20])
    first, second = read(path)
    assert first == click(0)
    assert isinstance(second, BrokenRecord)


def test_a_full_disk_leaves_no_half_line_and_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    spool.append(click(1))
    write = os.write
    answers = iter([10])

    def full(descriptor: int, data: bytes) -> int:
        for count in answers:
            return write(descriptor, data[:count])
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr("app.referrals.spool.os.write", full)
        with pytest.raises(OSError, match="no space"):
            spool.append(click(2))
    spool.append(click(3))
    assert drained(spool) == [click(1), click(3)]


def test_a_writer_that_opened_the_file_before_it_was_taken_writes_to_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    spool.append(click(1))
    flock = fcntl.flock
    taken: list[list[ClickRecord | BrokenRecord]] = []

    def take_first(descriptor: int, how: int) -> None:
        if not taken:
            taken.append([])
            taken[0] = drained(Spool(tmp_path))
            for path in Spool(tmp_path).take():
                path.unlink()
        flock(descriptor, how)

    monkeypatch.setattr("app.referrals.spool.fcntl.flock", take_first)
    spool.append(click(2))
    assert taken == [[click(1)]]
    assert drained(spool) == [click(2)]


def test_the_drain_waits_for_a_writer_that_holds_the_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(click(1))
    (path,) = tmp_path.iterdir()
    found: list[ClickRecord | BrokenRecord] = []
    with path.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        drain = threading.Thread(target=lambda: found.extend(drained(Spool(tmp_path))))
        drain.start()
        time.sleep(0.05)  # long enough for a drain that does not wait to have read one click
        assert found == []
        writer.write(path_bytes(tmp_path))
    drain.join()
    assert found == [click(1), click(1)]


def path_bytes(folder: Path) -> bytes:
    """The first line in the folder's file, whatever its name is by now."""
    (path,) = folder.iterdir()
    return path.read_bytes().splitlines(keepends=True)[0]


def test_no_click_is_lost_between_many_writers_and_a_busy_drain(tmp_path: Path) -> None:
    spools = [Spool(tmp_path) for _ in range(3)]
    found: list[str] = []
    done = threading.Event()

    def write(spool: Spool, start: int) -> None:
        for number in range(start, start + 100):
            spool.append(click(number))

    def keep_draining() -> None:
        while True:
            last = done.is_set()
            for path in Spool(tmp_path).take():
                found.extend(record.event_id for record in read(path) if isinstance(record, ClickRecord))
                path.unlink()
            if last:
                return

    writers = [
        threading.Thread(target=write, args=(spool, 1_000 * index)) for index, spool in enumerate(spools)
    ]
    drainer = threading.Thread(target=keep_draining)
    for thread in (*writers, drainer):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    drainer.join()
    assert len(found) == 300
    assert len(set(found)) == 300


def test_an_empty_or_missing_folder_holds_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "nowhere")
    assert (spool.take(), spool.size(), spool.oldest_ms()) == ([], 0, None)
    assert list(read(tmp_path / "gone")) == []
