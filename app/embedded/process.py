"""Child processes that do not outlive their parent."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

SOCKET_PATH_BYTES: Final = 104
"""The longest path of a unix socket that both Linux (108) and macOS (104) take, with the closing zero."""

_STOP_SECONDS: Final = 10
_PR_SET_PDEATHSIG: Final = 1


def tied(command: Sequence[str], death: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command, sent ``death`` by the kernel when its parent dies, even by kill -9 (Linux, setpriv)."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return list(command)
    return [setpriv, "--pdeathsig", death.name.removeprefix("SIG"), *command]


def die_with_parent(parent: int, death: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send this process ``death`` when ``parent`` dies (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(death), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel knew
            os.kill(os.getpid(), death)


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """End a child: ``how`` first, SIGKILL when it has not gone after ten seconds. Returns when it is gone."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
