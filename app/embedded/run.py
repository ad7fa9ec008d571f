"""``make run``: the whole of Refledger on one bare machine, with demo data, until Ctrl-C.

Everything lives under ``var/``: the database, the keys, Valkey's append-only file, mails and logs. A second
start finds it there and keeps it. ``DATABASE_URL`` and ``REDIS_URL`` replace the database and Valkey by real
ones.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from redis import Redis
from sqlalchemy import text

from app.embedded import schema, valkey
from app.embedded.process import die_with_parent
from app.embedded.supervisor import Child, Supervisor, spawned
from app.kernel import clock, heartbeat
from app.kernel.db import Database
from app.kernel.errors import StartRefused
from config import ROOT, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST: Final = "127.0.0.1"
_WEB_WORKERS: Final = 2
_ANSWER_SECONDS: Final = 60
_ASK_SECONDS: Final = 0.1


class Stopped(Exception):
    """Ctrl-C came before everything was up."""


@dataclass(frozen=True)
class House:
    """Where this run lives and what its children are told."""

    settings: Settings
    shop_port: int
    environ: dict[str, str]

    @classmethod
    def from_env(cls) -> House:
        """Read the environment; the children get it with what the defaults added."""
        environ = dict(os.environ)
        shop_port = _port(environ, "SHOP_PORT", 8001)
        environ.setdefault("DEFAULT_LANDING_URL", f"http://{HOST}:{shop_port}/")
        settings = Settings.from_env(environ)
        if settings.port == shop_port:
            raise StartRefused(f"SHOP_PORT is not valid: expected another port than PORT ({settings.port})")
        environ |= {
            "PATH": f"{Path(sys.executable).parent}:{environ.get('PATH', '')}",
            "PORT": str(settings.port),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "REFLEDGER_URL": settings.public_url,
            "SHOP_PORT": str(shop_port),
            "VAR_DIR": str(settings.var_dir),
        }
        return cls(settings, shop_port, environ)

    @property
    def shop_url(self) -> str:
        """Where the demo shop answers."""
        return f"http://{HOST}:{self.shop_port}"

    def log(self, name: str) -> Path:
        """The log file of a child."""
        return self.settings.var_dir / "log" / f"{name}.log"

    def child(self, name: str, *command: str) -> Child:
        """A child of ours that runs a Python module or file."""
        log = self.log(name)
        launch = spawned([sys.executable, *command], self.environ, log)
        return Child(name, launch, hint=f": see {log}")


def _port(environ: dict[str, str], name: str, default: int) -> int:
    given = environ.get(name, "").strip() or str(default)
    if not (given.isascii() and given.isdecimal() and 1 <= int(given) <= 65535):  # noqa: PLR2004
        raise StartRefused(f"{name} is not valid: expected a whole number from 1 to 65535")
    return int(given)


def say(line: str) -> None:
    """Tell the person at the terminal."""
    print(line, flush=True)


def _only_one(var_dir: Path) -> IO[str]:
    """Hold ``var/`` for this run: two would write one Valkey file."""
    var_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (var_dir / "run.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise StartRefused(f"another `make run` is using {var_dir}: stop it first, or set VAR_DIR") from None
    return lock


def _refuse_taken_port(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise StartRefused(f"{name}: port {port} is taken; set {name} to a free one") from None


def _wait_for(url: str, supervisor: Supervisor, log: Path) -> None:
    deadline = time.monotonic() + _ANSWER_SECONDS
    while time.monotonic() < deadline:
        if supervisor.stopping:
            raise Stopped
        supervisor.look()
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return
        time.sleep(_ASK_SECONDS)  # the server gives no other sign that it listens
    raise StartRefused(f"{url} did not answer within {_ANSWER_SECONDS} seconds: see {log}")


def _is_empty(settings: Settings) -> bool:
    database = Database(settings.database_url)
    try:
        with database.reading() as session:
            return session.execute(text("SELECT 1 FROM programs LIMIT 1")).first() is None
    finally:
        database.dispose()


def _demo_is_due(house: House) -> bool:
    """Whether it was never told, was interrupted, or its shop has moved to another port since."""
    begun = house.settings.var_dir / "demo.json"
    if not begun.exists():
        return _is_empty(house.settings)
    shop_url = json.loads(begun.read_text(encoding="utf-8"))["shop_url"]
    finished = (house.settings.var_dir / "demo-logins.txt").exists()
    return not finished or bool(shop_url != house.environ["DEFAULT_LANDING_URL"])


def _load_demo(house: House, supervisor: Supervisor) -> None:
    """Tell the demo's story once: into a database without a programme, and never into a real
    installation's.
    """
    if house.settings.production or not _demo_is_due(house):
        return
    say(f"{house.settings.public_url}/ is up. Telling six months of demo data (once, under a minute) ...")
    log = house.log("demo")
    process = spawned([sys.executable, "-m", "flask", "demo"], house.environ, log)()
    while process.poll() is None:
        if supervisor.stopping:
            process.send_signal(signal.SIGTERM)
            raise Stopped
        supervisor.look()
        time.sleep(_ASK_SECONDS)  # waiting for a child
    if process.poll() != 0:
        raise StartRefused(f"the demo data could not be loaded: see {log}")


def _start(house: House, supervisor: Supervisor) -> None:
    settings = house.settings
    schema.upgrade(settings.database_url)
    if not house.environ.get("REDIS_URL"):
        path = Path(settings.redis_url.removeprefix("unix://"))
        line = valkey.command(settings.var_dir / "valkey", path)
        supervisor.start(Child("valkey", spawned(line, house.environ, house.log("valkey")), "; see its log"))
        valkey.wait_until_it_answers(path)
    supervisor.start(house.child("web", *_granian(settings.port)))
    _wait_for(f"http://{HOST}:{settings.port}/healthz", supervisor, house.log("web"))
    _load_demo(house, supervisor)
    # Only now: the scheduler would start this month's payout run before the demo has told of the months before it.
    supervisor.start(house.child("worker", "worker.py"))
    supervisor.start(house.child("shop", "-m", "examples.shop"))
    _wait_for(f"{house.shop_url}/", supervisor, house.log("shop"))
    _wait_for_the_scheduler(house, supervisor)


def _wait_for_the_scheduler(house: House, supervisor: Supervisor) -> None:
    since, deadline = clock.now(), time.monotonic() + _ANSWER_SECONDS
    with Redis.from_url(house.settings.redis_url) as redis:
        while heartbeat.last_beats(redis).get(heartbeat.SCHEDULER, clock.BEGINNING) < since:
            if supervisor.stopping:
                raise Stopped
            if time.monotonic() > deadline:
                raise StartRefused(f"the scheduler did not come up: see {house.log('worker')}")
            supervisor.look()
            time.sleep(_ASK_SECONDS)  # a heartbeat is a key that somebody else sets


def _granian(port: int) -> Sequence[str]:
    return (
        "-m",
        "granian",
        "--interface=rsgi",
        "--factory",
        f"--host={HOST}",
        f"--port={port}",
        f"--workers={_WEB_WORKERS}",
        "--no-ws",
        "--respawn-failed-workers",
        # A worker that will not stop is otherwise waited for without end, and left behind when its parent is killed.
        "--workers-kill-timeout=2",
        "app.factory:create_rsgi",
    )


def _welcome(house: House) -> None:
    say(f"\n  Refledger   {house.settings.public_url}/")
    say(f"  Demo shop   {house.shop_url}/")
    notes = house.settings.var_dir / "demo-logins.txt"
    if notes.exists():
        say("\n" + notes.read_text().rstrip())
    if not house.settings.smtp_url and not house.settings.production:
        say(f"\n  Mails are kept at {house.settings.public_url}/dev/mail")
    say(f"  Logs are in {house.settings.var_dir / 'log'}. Ctrl-C stops everything; the data stays.\n")


def main() -> int:
    """Run until Ctrl-C; the exit code."""
    os.chdir(ROOT)
    die_with_parent(os.getppid())
    supervisor = Supervisor(say, grace=12)
    supervisor.listen()
    with ExitStack() as stack:
        try:
            house = House.from_env()
            stack.enter_context(_only_one(house.settings.var_dir))
            _refuse_taken_port("PORT", house.settings.port)
            _refuse_taken_port("SHOP_PORT", house.shop_port)
            stack.callback(supervisor.stop)
            _start(house, supervisor)
            _welcome(house)
            supervisor.keep()
        except StartRefused as refused:
            sys.stderr.write(f"{refused.detail}\n")
            return 2
        except Stopped:
            return 0
    say("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
