"""A buyer's click outlives the server that was to keep it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.embedded import valkey
from app.embedded.process import stop
from app.referrals.clicks import drain, spool_bytes
from tests.support.clicks import Tracks, ref_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from config import Settings


@pytest.fixture
def tracks(settings: Settings, folder: Path) -> Iterator[Tracks]:
    built = Tracks.build(replace(settings, redis_url=f"unix://{folder}/killed.sock"))
    yield built
    built.db.dispose()


def test_clicks_go_on_while_valkey_is_killed_with_9_and_each_is_counted_once(
    tracks: Tracks, folder: Path, tmp_path: Path
) -> None:
    answered: list[str] = []
    done = threading.Event()

    def follow(name: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            response = tracks.follow(agent=f"Mozilla/5.0 Visitor/{name} ({number})")
            answered.append(ref_of(response) or str(response.status_code))

    data, socket = tmp_path / "valkey", folder / "killed.sock"
    server = valkey.start(data, socket)
    browsers = [threading.Thread(target=follow, args=(name,)) for name in range(4)]
    try:
        for browser in browsers:
            browser.start()
        _until(lambda: len(answered) > 200)
        server.kill()
        server.wait()
        spooled = len(answered)
        _until(lambda: len(answered) > spooled + 200)
        assert spool_bytes(tracks) > 0
        server = valkey.start(data, socket)
        _until(lambda: tracks.stream_length() > 200 + 50)
    finally:
        done.set()
        for browser in browsers:
            browser.join()
    try:
        drain(tracks)
    finally:
        stop(server)
    assert {click.click_id for click in tracks.clicks()} == set(answered)
    assert tracks.totals() == {"counted": len(answered)}
    assert spool_bytes(tracks) == 0


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)
