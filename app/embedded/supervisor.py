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
from typing import TYPE_CHECKING, Final

from app.embedded.process import tied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

_SHORTEST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
_STEADY_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.2
_GRACE_SECONDS: Final = 15.0


@dataclass
class Child:
    """One process to keep alive; ``log`` takes what it prints."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    pause: float = _SHORTEST_PAUSE
    started: float = field(default=0.0)
    due: float = field(default=0.0)

    def start(self) -> None:
        """Start the process."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                tied(self.command),
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.started = time.monotonic()
        self.due = 0.0

    def note_the_end(self, say: Callable[[str], None]) -> None:
        """When the process has ended, say so once and set the time of its next start."""
        if self.process is None or self.process.poll() is None:
            return
        if time.monotonic() - self.started > _STEADY_SECONDS:
            self.pause = _SHORTEST_PAUSE
        code = self.process.returncode
        say(f"{self.name} ended (exit code {code}), starts again in {self.pause:g} s: see {self.log}")
        self.due = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, _LONGEST_PAUSE)
        self.process = None

    def stop(self) -> None:
        """End the process and whatever it started."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        with suppress(ProcessLookupError):
            # The child led a session of its own; what is left of its group lost its parent just now.
            os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Starts children in order and keeps them; ``say`` receives each line for the person at the terminal."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
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
            child.stop()
        self._children.clear()
