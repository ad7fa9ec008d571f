"""What a web process weighs after its start, when it has answered the first page."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

from app.embedded import valkey
from app.embedded.process import stop, tied
from app.embedded.schema import upgrade
from config import ROOT

MOST_MIB: Final = 150
_HOST: Final = "127.0.0.1"
_WAIT_SECONDS: Final = 60
_COMMAND: Final = (
    "-m",
    "granian",
    "--interface",
    "rsgi",
    "--host",
    _HOST,
    "--workers",
    "1",
    "--log-level",
    "warning",
)


def run() -> dict[str, Any]:
    """Start one web worker, ask for the first page, and read the resident memory of the worker itself."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-memory-") as folder,
        valkey.running(Path(folder) / "v") as redis,
    ):
        database = f"sqlite:///{folder}/bench.db"
        upgrade(database)
        environ = {"DATABASE_URL": database, "REDIS_URL": redis, "VAR_DIR": folder, "LOG_LEVEL": "WARNING"}
        port = _free_port()
        command = [sys.executable, *_COMMAND, "--port", str(port), "--factory", "app.factory:create_rsgi"]
        server = subprocess.Popen(
            tied(command), cwd=ROOT, env={**os.environ, **environ, "PYTHONPATH": str(ROOT)}
        )
        try:
            seconds = _first_page(port)
            weights = sorted(_resident_mib(pid) for pid in _children(server.pid))
        finally:
            stop(server)
    return {
        "web_process_mib": weights[-1],
        "most_mib": MOST_MIB,
        "start_to_first_page_seconds": seconds,
        "passed": weights[-1] < MOST_MIB,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _first_page(port: int) -> float:
    started = time.monotonic()
    while time.monotonic() - started < _WAIT_SECONDS:
        try:
            with urllib.request.urlopen(f"http://{_HOST}:{port}/", timeout=5) as answer:
                answer.read()
            return round(time.monotonic() - started, 1)
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the web server did not answer its first page")


def _children(pid: int) -> list[int]:
    """All processes below one, by /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found, edge = [], [pid]
    while edge:
        edge = [child for child, parent in parents.items() if parent in edge]
        found += edge
    return found or [pid]


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0
