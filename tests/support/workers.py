"""Start a real worker process against a test's database and Valkey."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.house import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from config import Settings


def until(condition: Callable[[], object], seconds: float = 30) -> bool:
    """Whether the condition came true within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def children(pid: int) -> list[int]:
    """The child processes of a process (Linux)."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def environ_of(settings: Settings) -> dict[str, str]:
    """The environment that makes these settings."""
    return {
        **os.environ,
        "APP_ENV": settings.app_env,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "VAR_DIR": str(settings.var_dir),
        "SECRET_KEYS": ",".join(settings.secret_keys),
        "LINK_KEYS": ",".join(settings.link_keys),
        "ENCRYPTION_KEYS": ",".join(settings.encryption_keys),
    }


@contextmanager
def worker(settings: Settings, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """``worker.py`` with one RQ worker for the length of the block; its log is ``var/worker.log``."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    with (settings.var_dir / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.worker", "--workers=1", "--grace=1", *options],
            cwd=ROOT,
            env=environ_of(settings),
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
