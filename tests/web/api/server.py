"""The API behind the real server, in two processes, as an installation runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from tests.support.house import ROOT, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

START_SECONDS = 60


@contextmanager
def running(
    environ: Mapping[str, str], log: Path, *, workers: int = 2, target: str = "app.factory:create_rsgi"
) -> Iterator[str]:
    """The base URL of granian serving the house (or ``target``) with these settings, until the block ends."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "granian", "--interface=rsgi", "--factory", "--host=127.0.0.1"),
        *(f"--port={port}", f"--workers={workers}", "--workers-kill-timeout=5", target),
    ]
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command, cwd=ROOT, env={**plain, **environ}, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url, process, log)
            yield url
        finally:
            process.terminate()
            # Longer than a worker is waited for: granian itself ends what will not stop, and leaves nothing behind.
            process.wait(30)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/healthz", timeout=1).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")
