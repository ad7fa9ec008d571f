"""The redirect against an empty Flask view on the same server.

Our side checks a tag, labels the click, looks for a duplicate among thousands of visitors and appends to a Valkey
that syncs every write to disk; it is the whole application, as ``create_rsgi`` makes it. The other side is one Flask
view that answers nothing, over granian's own WSGI. It is measured at its best number of threads; our clicks need none,
they are all on the worker's event loop. Both meet the same load.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flask import Flask
from redis import Redis

from app.embedded import valkey
from app.embedded.process import stop, tied
from app.embedded.schema import upgrade
from app.identity.audit import Actor
from app.kernel import clock
from app.kernel.crypto import Keyring
from app.kernel.db import Database
from app.referrals.links import LinkSigner, referral_path
from app.referrals.programs import ProgramSettings, create_program
from app.referrals.referrers import Joining, join
from app.referrals.stream import STREAM
from bench.load import HOST, send
from config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from _typeshed.wsgi import WSGIApplication

    from bench.load import Load

ROOT: Final = Path(__file__).resolve().parents[1]
WORKERS: Final = 2
CONNECTIONS: Final = 32
THREADS: Final = (1, 2, 4, 8, 16)
VISITORS: Final = 5_000
REFERRERS: Final = 50
WARM_SECONDS: Final = 1.0
TRIAL_SECONDS: Final = 2.0
ROUND_SECONDS: Final = 4.0
ROUNDS: Final = 3
LEAST_RATIO: Final = 0.8
MOST_P99_RATIO: Final = 4.0
_START_SECONDS: Final = 60.0
_SETTLE_SECONDS: Final = 1.0
_AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
)
_KEY: Final = "benchmark-key-0123456789abcdef0123"


def empty_view() -> WSGIApplication:
    """The other side: Flask, and nothing else."""
    app = Flask("empty")
    app.add_url_rule("/", "empty", lambda: "")
    return app.wsgi_app


def run() -> dict[str, Any]:
    """Measure both sides; rates are answers a second, times milliseconds.

    A side is judged by its best round: whatever else the machine does only ever slows a side down.
    """
    with _house() as (environ, links):
        nothing = [_request("/", number) for number in range(VISITORS)]
        ours = _Side(_Target("app.factory:create_rsgi", "rsgi", (1,)), links, environ)
        empty = _Side(_Target("bench.bench_redirect:empty_view", "wsgi", THREADS), nothing, environ)
        for side in (ours, empty):
            side.find_best()
        for _ in range(ROUNDS):  # in turn, so that both meet the same noise of the machine
            for side in (ours, empty):
                side.rounds.append(side.measure(side.threads, ROUND_SECONDS))
    ratio = ours.rate / empty.rate
    p99_ratio = ours.p99 / empty.p99
    return {
        "redirect": ours.report(),
        "empty_flask_view": empty.report(),
        "ratio": round(ratio, 3),
        "least_ratio": LEAST_RATIO,
        "p99_ratio": round(p99_ratio, 2),
        "most_p99_ratio": MOST_P99_RATIO,
        "visitors": VISITORS,
        "clicks_answered": ours.answers,
        "clicks_stored": ours.stored,
        "passed": ratio >= LEAST_RATIO and p99_ratio < MOST_P99_RATIO and ours.stored == ours.answers,
    }


class _Target(NamedTuple):
    """What granian serves: a factory, through one of its interfaces, with a number of threads to be found."""

    factory: str
    interface: str
    threads: tuple[int, ...]


class _Side:
    """One application on granian, and what was measured of it.

    ``answers`` counts all it ever gave, ``stored`` the clicks found in the stream for them.
    """

    def __init__(self, target: _Target, requests: Sequence[bytes], environ: Mapping[str, str]) -> None:
        self._target = target
        self._requests = requests
        self._environ = environ
        self.trials: dict[int, float] = {}
        self.threads = target.threads[0]
        self.answers = 0
        self.stored = 0
        self.rounds: list[Load] = []

    def find_best(self) -> None:
        """Try each number of threads and keep the fastest."""
        self.trials = {threads: self.measure(threads, TRIAL_SECONDS).rate for threads in self._target.threads}
        self.threads = max(self.trials, key=self.trials.__getitem__)

    def measure(self, threads: int, seconds: float) -> Load:
        """Load a new server: a little to warm it up, then for a while."""
        with _granian(self._target, threads, self._environ) as port:
            warm = send(port, self._requests, connections=CONNECTIONS, seconds=WARM_SECONDS)
            load = send(port, self._requests, connections=CONNECTIONS, seconds=seconds)
        self.answers += warm.answers + load.answers
        self.stored += _empty_stream(self._environ["REDIS_URL"])
        return load

    @property
    def rate(self) -> float:
        return max(load.rate for load in self.rounds)

    @property
    def p99(self) -> float:
        return min(load.percentile(0.99) for load in self.rounds)

    def report(self) -> dict[str, Any]:
        return {
            "threads": self.threads,
            "rate": round(self.rate),
            "rate_median": round(median(load.rate for load in self.rounds)),
            "p50_ms": round(min(load.percentile(0.5) for load in self.rounds), 2),
            "p99_ms": round(self.p99, 2),
            "rate_by_threads": {str(threads): round(rate) for threads, rate in self.trials.items()},
        }


def _empty_stream(redis_url: str) -> int:
    """How many clicks the stream held; each server finds it empty, as a running drain would leave it."""
    with Redis.from_url(redis_url) as redis:
        length = int(redis.xlen(STREAM))
        redis.flushall()
    return length


@contextmanager
def _house() -> Iterator[tuple[dict[str, str], list[bytes]]]:
    """A database with referrers, a Valkey that syncs every write, and requests of many visitors on their links."""
    folder = Path(tempfile.mkdtemp(prefix="refledger-bench-"))
    try:
        with valkey.running(folder / "valkey") as redis_url:
            environ = {
                "DATABASE_URL": f"sqlite:///{folder / 'bench.db'}",
                "REDIS_URL": redis_url,
                "VAR_DIR": str(folder / "var"),
                "LINK_KEYS": _KEY,
                "PROXY_HOPS": "1",
                "LOG_LEVEL": "WARNING",
            }
            paths = _links(Settings.from_env(environ))
            yield environ, [_request(paths[n % len(paths)], n) for n in range(VISITORS)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _links(settings: Settings) -> list[str]:
    """The paths of the referrers' links, in a new database."""
    upgrade(settings.database_url)
    db = Database(settings.database_url)
    links = LinkSigner(settings.link_keys)
    codes = [f"referrer-{number}" for number in range(REFERRERS)]
    now = clock.now()
    with db.transaction() as session:
        wanted = ProgramSettings(name="Bench", landing_url="https://shop.example/?lang=nl")
        program = create_program(
            session, slug="bench", currency="EUR", settings=wanted, actor=Actor.cli(), now=now
        )
        for code in codes:
            joining = Joining(name=code, email=f"{code}@example.org", code=code)
            join(session, Keyring(settings.encryption_keys), program, joining, actor=Actor.cli(), now=now)
    db.dispose()
    return [referral_path(links, "bench", code) for code in codes]


def _request(path: str, visitor: int) -> bytes:
    """One request; visitors differ in their network, and come with one of forty agents."""
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {HOST}",
        f"User-Agent: {_AGENT.format(100 + visitor % 40)}",
        f"X-Forwarded-For: 10.{visitor // 250}.{visitor % 250}.7",
        "Accept: text/html",
        "Referer: https://blog.example/post",
        "Sec-Fetch-Dest: document",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


@contextmanager
def _granian(target: _Target, threads: int, environ: Mapping[str, str]) -> Iterator[int]:
    """A server for the length of the block; yields its port once every worker answers."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    options = {
        "--interface": target.interface,
        "--host": HOST,
        "--port": str(port),
        "--workers": str(WORKERS),
        "--blocking-threads": str(threads),
        "--log-level": "warning",
    }
    command = [sys.executable, "-m", "granian", *(word for pair in options.items() for word in pair)]
    process = subprocess.Popen(
        tied([*command, "--factory", target.factory]),
        cwd=ROOT,
        env={**os.environ, **environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_listens(process, port)
        yield port
    finally:
        stop(process)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"granian ended with exit code {process.returncode}")
        with suppress(OSError), socket.create_connection((HOST, port), 1):
            time.sleep(_SETTLE_SECONDS)  # the other worker listens a moment later, and nothing tells when
            return
        time.sleep(0.05)
    raise SystemExit(f"granian did not listen within {_START_SECONDS:g} seconds")


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
