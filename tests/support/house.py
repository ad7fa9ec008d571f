"""The running house for tests: what ``make run`` starts, in a folder and on ports of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180
STOP_SECONDS = 45


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class House:
    """One run; ``var_dir`` keeps its data between two starts. ``command`` starts it."""

    command: ClassVar[tuple[str, ...]] = (sys.executable, "-m", "app.embedded.run")

    var_dir: Path
    root: Path = ROOT
    port: int = field(default_factory=free_port)
    shop_port: int = field(default_factory=free_port)
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def shop_url(self) -> str:
        return f"http://127.0.0.1:{self.shop_port}"

    @property
    def output(self) -> str:
        """What the terminal showed."""
        return (self.var_dir / "terminal.txt").read_text(errors="replace")

    @property
    def environ(self) -> dict[str, str]:
        """What a command of this house is told (``flask``, ``worker.py``)."""
        # A make of the house's own knows nothing of the make that runs the tests, nor of what that was told.
        around = {
            name: value for name, value in os.environ.items() if "MAKE" not in name and name != "MFLAGS"
        }
        return {
            **around,
            "VAR_DIR": str(self.var_dir),
            "PORT": str(self.port),
            "SHOP_PORT": str(self.shop_port),
            "DEFAULT_LANDING_URL": f"{self.shop_url}/",
            # Where setproctitle is installed (mutmut brings it), granian writes its title: not over what processes()
            # tells them by.
            "SPT_NOENV": "1",
            **self.extra,
        }

    def flask(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run an operator's command against this house."""
        return subprocess.run(
            [sys.executable, "-m", "flask", *arguments],
            cwd=self.root,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self) -> None:
        """Start it and return once its addresses are printed."""
        self.var_dir.mkdir(parents=True, exist_ok=True)
        with (self.var_dir / "terminal.txt").open("wb") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.root,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while "Ctrl-C stops everything" not in self.output:
            assert self.process.poll() is None, f"it ended at the start:\n{self.output}\n{self.logs()}"
            assert time.monotonic() < deadline, f"it did not come up:\n{self.output}\n{self.logs()}"
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Press Ctrl-C and wait; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)  # a terminal sends Ctrl-C to the whole group
        code = self.process.wait(STOP_SECONDS)
        self.process = None
        return code

    def processes(self) -> list[str]:
        """The command lines of every process that this house started and that lives (Linux)."""
        mark = f"VAR_DIR={self.var_dir}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environ = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            # A server may write its title over its environment, but names its socket there.
            if command and (mark in environ.split(b"\0") or os.fsencode(self.var_dir) in command):
                found.append(command.replace(b"\0", b" ").decode())
        return found

    def logs(self, tail: int = 2000) -> str:
        """The ends of its log files."""
        folder = self.var_dir / "log"
        return "\n".join(
            f"--- {log.name}\n{log.read_text(errors='replace')[-tail:]}" for log in folder.glob("*.log")
        )

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=20)


@contextmanager
def running(var_dir: Path, **extra: str) -> Iterator[House]:
    """A house for the length of the block."""
    house = House(var_dir, extra=extra)
    try:
        house.start()
        yield house
    finally:
        if house.process is not None:
            house.stop()
