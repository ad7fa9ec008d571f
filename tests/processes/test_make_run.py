"""``make run`` from a checkout that has nothing but its tracked files (and, to save time, the packages)."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.house import ROOT, House
from tests.support.workers import until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def checkout(folder: Path) -> Iterator[Path]:
    """A copy of the tracked files; `.venv` is this one's, so that packages are not installed again."""
    path = folder / "checkout"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, path / name)
    (path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    yield path
    shutil.rmtree(path, ignore_errors=True)


class MadeHouse(House):
    """A house started by ``make run`` itself."""

    command = ("make", "run")


def test_make_run_brings_everything_up_leaves_nothing_behind_and_keeps_its_data(checkout: Path) -> None:
    house = MadeHouse(checkout / "var", root=checkout)
    began = time.monotonic()
    house.start()
    up_after = time.monotonic() - began
    try:
        assert house.url in house.output
        assert house.shop_url in house.output
        for path in ("/", "/login", "/healthz", "/readyz"):
            assert house.get(path).status_code == 200, path
        assert httpx.get(house.shop_url, timeout=20).status_code == 200
        metrics = house.get("/metrics").text
        assert 'refledger_heartbeat_timestamp_seconds{process="scheduler"}' in metrics
        assert 'refledger_up{part="queue"} 1.0' in metrics
        names = " ".join(house.processes())
        for part in ("valkey-server", "granian", "worker.py", "examples.shop"):
            assert part in names
        first = house.get("/").text
    finally:
        house.stop(signal.SIGINT)
    assert house.output.rstrip().endswith("Stopped.")
    assert until(lambda: house.processes() == [])
    assert up_after < 60

    house.start()
    try:
        assert "demo data" not in house.output
        assert house.get("/").text.count("<li") == first.count("<li")
    finally:
        house.stop(signal.SIGTERM)
    assert until(lambda: house.processes() == [])


def test_a_taken_port_is_named_in_one_line(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        house = House(folder / "taken", port=port)
        done = run_once(house)
    assert done.returncode == 2
    assert done.stderr == f"PORT: port {port} is taken; set PORT to a free one\n"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("PORT", "eighty", "PORT is not valid: expected a whole number from 1 to 65535\n"),
        ("SHOP_PORT", "0", "SHOP_PORT is not valid: expected a whole number from 1 to 65535\n"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL is not valid: expected one of DEBUG, INFO, WARNING, ERROR\n"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(
    folder: Path, name: str, value: str, line: str
) -> None:
    done = run_once(House(folder / "wrong", extra={name: value}))
    assert (done.returncode, done.stderr) == (2, line)


def run_once(house: House) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.embedded.run"],
        cwd=ROOT,
        env={**os.environ, **house.environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
