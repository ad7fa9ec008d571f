from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.embedded.supervisor import Child, Supervisor, forked, spawned

if TYPE_CHECKING:
    from collections.abc import Callable


SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Supervisor:
    return Supervisor(said.append, grace=2)


def test_a_child_that_dies_is_started_again_and_the_terminal_is_told_once(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    child = Child("shop", spawned(SLEEPER, os.environ, tmp_path / "shop.log"))
    supervisor.start(child)
    assert child.process is not None
    first = child.process.pid
    os.kill(first, signal.SIGKILL)

    def restarted() -> bool:
        supervisor.look()
        return child.process is not None and child.process.pid != first

    assert until(restarted)
    assert said == ["shop ended (exit code -9) and starts again in 0.5 s"]
    supervisor.stop()


def test_a_child_that_keeps_dying_is_given_longer_and_longer_pauses(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    child = Child(
        "shop", spawned([sys.executable, "-c", "raise SystemExit(3)"], os.environ, tmp_path / "log")
    )
    supervisor.start(child)

    def thrice() -> bool:
        supervisor.look()
        return len(said) >= 3

    assert until(thrice)
    assert [line.rpartition("again in ")[2] for line in said[:3]] == ["0.5 s", "1 s", "2 s"]
    supervisor.stop()


def test_a_stop_leaves_neither_the_child_nor_what_it_started(said: list[str], tmp_path: Path) -> None:
    script = (
        "import signal, subprocess, sys, time;"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"grandchild = subprocess.Popen([{sys.executable!r}, '-c', 'import time; time.sleep(60)']);"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(grandchild.pid));"
        "time.sleep(60)"
    )
    stubborn = Supervisor(said.append, grace=0.2)
    child = Child("stubborn", spawned([sys.executable, "-c", script], os.environ, tmp_path / "log"))
    stubborn.start(child)
    assert child.process is not None
    pid = child.process.pid
    assert until((tmp_path / "pid").exists)
    assert until(lambda: (tmp_path / "pid").read_text() != "")
    stubborn.stop()
    grandchild = int((tmp_path / "pid").read_text())
    assert until(lambda: not alive(pid))
    assert until(lambda: not alive(grandchild) or _is_zombie(grandchild))


def _is_zombie(pid: int) -> bool:
    with Path(f"/proc/{pid}/stat").open() as stat:
        return stat.read().rpartition(")")[2].split()[0] == "Z"


def test_a_forked_child_runs_its_work_and_its_exit_code_is_seen(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    process = forked(mark.touch)()
    assert until(lambda: process.poll() is not None)
    assert process.poll() == 0
    assert mark.exists()


def test_children_die_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    script = f"""
import os, time
from pathlib import Path
from app.embedded.supervisor import Child, Supervisor, forked, spawned
supervisor = Supervisor(print)
one = Child("spawned", spawned({SLEEPER!r}, os.environ, Path({str(tmp_path)!r}) / "log"))
two = Child("forked", forked(lambda: time.sleep(60)))
supervisor.start(one)
supervisor.start(two)
print(one.process.pid, two.process.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [int(pid) for pid in parent.stdout.readline().split()]
    assert all(alive(pid) for pid in children)
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for pid in children:
        assert until(lambda pid=pid: not alive(pid) or _is_zombie(pid)), pid  # type: ignore[misc]
