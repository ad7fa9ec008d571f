"""Keeps a handful of child processes alive until it is told to stop, then leaves none of them behind.

A child that ends is started again after a pause that doubles from half a second to ten; one that stayed up
for half a minute starts from the shortest pause again. Children sit in sessions of their own, so that Ctrl-C
reaches the supervisor alone and it can stop them in order: the last one started is the first one stopped.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from app.embedded.process import die_with_parent, tied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

_SHORTEST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
_STEADY_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.1
_FORCE_SECONDS: Final = 3.0


class Running(Protocol):
    """A started process, as :class:`subprocess.Popen` has it."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; ``None`` while it runs."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal."""


def spawned(command: Sequence[str], environ: Mapping[str, str], log: Path) -> Callable[[], Running]:
    """What starts ``command`` as a child whose output is appended to ``log``."""

    def launch() -> Running:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            return subprocess.Popen(
                tied(command),
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    return launch


class _Forked:
    def __init__(self, work: Callable[[], None]) -> None:
        parent = os.getpid()
        self.pid = os.fork()
        self._code: int | None = None
        if self.pid == 0:
            _be_the_child(work, parent)

    def poll(self) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def send_signal(self, sig: int, /) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)


def _be_the_child(work: Callable[[], None], parent: int) -> None:
    code = 1
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        die_with_parent(parent)
        work()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    finally:
        # Not sys.exit: the parent's clean-up belongs to the parent alone.
        os._exit(code)


def forked(work: Callable[[], None]) -> Callable[[], Running]:
    """What forks a child that calls ``work``; the parent must have no threads and no open connections."""
    return lambda: _Forked(work)


@dataclass
class Child:
    """One process to keep alive; ``hint`` says where to look when it ends."""

    name: str
    launch: Callable[[], Running]
    hint: str = ""
    process: Running | None = None
    pause: float = _SHORTEST_PAUSE
    started: float = field(default=0.0)
    due: float = field(default=0.0)

    def start(self) -> None:
        """Start the process."""
        self.process = self.launch()
        self.started = time.monotonic()

    def note_the_end(self, say: Callable[[str], None]) -> None:
        """When the process has ended, say so once and set the time of its next start."""
        code = None if self.process is None else self.process.poll()
        if code is None:
            return
        if time.monotonic() - self.started > _STEADY_SECONDS:
            self.pause = _SHORTEST_PAUSE
        say(f"{self.name} ended (exit code {code}) and starts again in {self.pause:g} s{self.hint}")
        self.due = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, _LONGEST_PAUSE)
        self.process = None

    def stop(self, grace: float) -> None:
        """End the process and whatever it started: a request, after ``grace`` seconds a demand,
        then force.
        """
        if self.process is None:
            return
        for number, seconds in (
            (signal.SIGTERM, grace),
            (signal.SIGTERM, _FORCE_SECONDS),
            (signal.SIGKILL, grace),
        ):
            if self.process.poll() is None:
                self.process.send_signal(number)
                _wait(self.process, seconds)
        with suppress(ProcessLookupError, PermissionError):
            # The child led a session of its own; what is left of its group lost its parent just now.
            os.killpg(self.process.pid, signal.SIGKILL)


def _wait(process: Running, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS / 10)  # waiting for a child with a limit


class Supervisor:
    """Starts children in order and keeps them; ``say`` receives each line for the person at the terminal.

    ``grace`` is how many seconds a child has to end by itself; more than the grace that it gives its own.
    """

    def __init__(self, say: Callable[[str], None], *, grace: float = 8.0) -> None:
        self._say = say
        self._grace = grace
        self._children: list[Child] = []
        self._stopping = False

    def listen(self) -> None:
        """From now on SIGINT, SIGTERM and SIGHUP end :meth:`keep`."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._stopping

    def start(self, child: Child) -> None:
        """Start a child and keep it from now on."""
        self._children.append(child)
        child.start()

    def look(self) -> None:
        """Restart what ended and is due."""
        for child in self._children:
            child.note_the_end(self._say)
            if child.process is None and time.monotonic() >= child.due:
                child.start()

    def keep(self) -> None:
        """Keep every child alive until the end is asked for."""
        while not self._stopping:
            self.look()
            time.sleep(_LOOK_SECONDS)  # nothing wakes a supervisor but its children, which it looks at here

    def stop(self) -> None:
        """Stop every child, the last one first."""
        for child in reversed(self._children):
            child.stop(self._grace)
        self._children.clear()
