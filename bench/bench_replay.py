"""Replay of all recorded facts: linear in time, bounded in memory, beside the time of writing the same facts by batch;
and what-if over the same orders beside the replay.

The facts (signups, orders with two lines, refunds) are written through ``POST /api/v1/batch`` in this process, then
replayed and compared in a process of their own, on SQLite. Times are processor seconds. ``BENCH_FACTS`` sets how many
(default 30,000; the bound is about 1,000,000, which takes two hours on a quiet machine). Whether time and memory are
linear is seen within the one replay: what a fact costs in its last quarter, against the first, and what was reached at
the end of each quarter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from app.api.batch import MEDIA_TYPE
from app.embedded import valkey
from app.embedded.schema import upgrade
from app.factory import create_app
from app.kernel import clock
from app.kernel.db import Database
from app.referrals.models import Program
from app.referrals.rates import RateTerms, supposed_rate
from app.referrals.replay import replay, scratch_database
from app.referrals.replay_compare import compare
from app.referrals.whatif import Supposed, simulate
from app.requests import EXTENSION
from bench.bench_orders import Client, log_into_nothing, world
from bench.world import deps
from config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.referrals.intake import ReferralDeps

SIZE: Final = max(2_000, int(os.environ.get("BENCH_FACTS", "30000")))
MOST_TIMES_WRITING: Final = 3.0
MOST_GROWTH: Final = 1.25
"""What a fact may cost in the last quarter of the replay, against the first."""
MOST_MIB: Final = 200
MOST_WHAT_IF: Final = 0.1
BATCH: Final = 2_000
_KEYS: Final = {
    name: f"{name.lower()}-of-the-benchmark-0123456789"
    for name in ("SECRET_KEYS", "LINK_KEYS", "ENCRYPTION_KEYS")
}
_BEGIN: Final = datetime(2026, 2, 1, tzinfo=UTC)
_KIB: Final = 1024


def run(size: int = SIZE) -> dict[str, Any]:
    """Write the facts, replay them in a process of its own, and say whether the bounds held."""
    with (
        tempfile.TemporaryDirectory(prefix="refledger-bench-") as name,
        valkey.running(Path(name) / "v") as redis,
    ):
        path = Path(name) / "replay.db"
        writing = write(path, redis, size)
        ended = subprocess.run(
            [sys.executable, "-m", "bench.bench_replay", str(path)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    times_writing = found["replay_cpu_seconds"] / writing
    return {
        **found,
        "write_cpu_seconds": round(writing, 2),
        "times_writing": round(times_writing, 2),
        "bounds": {
            "growth": MOST_GROWTH,
            "times_writing": MOST_TIMES_WRITING,
            "extra_mib": MOST_MIB,
            "what_if_share": MOST_WHAT_IF,
        },
        "passed": found["growth"] <= MOST_GROWTH
        and times_writing <= MOST_TIMES_WRITING
        and found["extra_mib"] < MOST_MIB
        and found["what_if_share"] <= MOST_WHAT_IF
        and found["differences"] == 0,
    }


def write(path: Path, redis_url: str, facts: int) -> float:
    """Processor seconds of writing the facts through batches."""
    url = f"sqlite:///{path}"
    upgrade(url)
    settings = Settings.from_env(
        {
            "APP_ENV": "test",
            "VAR_DIR": str(path.parent / "var"),
            "DATABASE_URL": url,
            "REDIS_URL": redis_url,
            "API_RATE_LIMIT": "1000000",
            **_KEYS,
        }
    )
    log_into_nothing()
    app = create_app(settings)
    services = app.extensions[EXTENSION]
    client = Client(app, world(services))
    seconds = 0.0
    for body in _batches(facts):
        started = time.process_time()
        answer = client.post("/api/v1/batch", body, MEDIA_TYPE, 200)
        seconds += time.process_time() - started
        if any(json.loads(line)["status"] != 201 for line in answer.splitlines()):  # noqa: PLR2004 - created
            raise AssertionError(answer[:500])
    services.queue.close()
    services.db.dispose()
    return seconds


def _batches(facts: int) -> Iterator[bytes]:
    lines: list[bytes] = []
    for number in range(facts):
        lines.append(json.dumps(_fact(number)).encode() + b"\n")
        if len(lines) == BATCH:
            yield b"".join(lines)
            lines.clear()
    if lines:
        yield b"".join(lines)


def _fact(number: int) -> dict[str, Any]:
    """In turn a signup, two paid orders and a refund of the first, of one customer after the other."""
    customer, turn = divmod(number, 4)
    at = _BEGIN + timedelta(minutes=customer % 300_000)
    if turn == 0:
        return {
            "type": "signup",
            "customer_id": f"n{customer}",
            "referrer_code": f"bench-{customer % 20}",
            "signed_up_at": at.isoformat(),
        }
    order_id = f"n{customer}-{min(turn, 2)}"
    placed = at + timedelta(days=turn)
    if turn == 3:  # noqa: PLR2004 - the fourth
        lines = [{"line_id": "1", "net": 1_000}]
        moment = placed.isoformat()
        refund = {"refund_id": f"{order_id}-r", "kind": "refund", "refunded_at": moment, "lines": lines}
        return {"type": "refund", "order_id": order_id, **refund}
    return {
        "type": "order",
        "order_id": order_id,
        "customer_id": f"n{customer}",
        "currency": "EUR",
        "status": "paid",
        "placed_at": placed.isoformat(),
        "paid_at": (placed + timedelta(seconds=40)).isoformat(),
        "lines": [
            {"line_id": "1", "product": "vps", "quantity": 1, "net": 11_000},
            {"line_id": "2", "product": "domain", "quantity": 2, "net": 1_798, "kind": "renewal"},
        ],
    }


class Steps:
    """What each step of the replay cost, told by its progress."""

    def __init__(self) -> None:
        self._base, self._start = _mib("VmRSS"), time.process_time()
        self._steps: list[tuple[int, float, float]] = []

    def __call__(self, facts: int) -> None:
        """Note that so many more facts were told."""
        self._steps.append((facts, time.process_time() - self._start, _mib("VmRSS") - self._base))

    def figures(self) -> dict[str, Any]:
        """What was reached at the end of each quarter, and what a fact cost in the first and the last one."""
        quarters = [len(self._steps) * number // 4 for number in range(5)]
        costs = [self._cost(start, end) for start, end in pairwise(quarters)]
        ends = [self._steps[end - 1] for end in quarters[1:]]
        return {
            "facts_at": [sum(step[0] for step in self._steps[:end]) for end in quarters[1:]],
            "cpu_seconds_at": [round(cpu, 2) for _, cpu, _ in ends],
            "extra_mib_at": [round(mib, 1) for _, _, mib in ends],
            "fact_ms": [round(cost * 1_000, 2) for cost in costs],
            "growth": round(costs[-1] / costs[0], 2),
        }

    def _cost(self, start: int, end: int) -> float:
        """Seconds for each fact, of the fastest tenth of the steps: other work on the machine only ever adds."""
        taken = sorted(
            (self._steps[at][1] - self._steps[at - 1][1]) / self._steps[at][0]
            for at in range(max(start, 1), end)
        )
        return taken[len(taken) // 10]


def work(path: str) -> dict[str, Any]:
    """Replay and compare; processor seconds, and memory above the start."""
    database = Database(f"sqlite:///{path}")
    parts = deps(tuple(_KEYS.values())[1:2])
    before = _mib("VmRSS")
    started, wall, steps = time.process_time(), time.perf_counter(), Steps()
    with (
        tempfile.TemporaryDirectory(prefix="refledger-bench-") as folder,
        database.snapshot() as live,
        scratch_database(Path(folder)) as scratch,
    ):
        done = replay(parts, live, scratch, steps)
        with scratch.reading() as again:
            differences = len(done.refused) + sum(1 for _ in compare(live, again))
    found = {
        "facts": done.told,
        "differences": differences,
        "replay_cpu_seconds": round(time.process_time() - started, 2),
        "replay_wall_seconds": round(time.perf_counter() - wall, 2),
        "extra_mib": round(_mib("VmHWM") - before, 1),
        **steps.figures(),
    }
    seconds = _suppose(database, parts)
    return {
        **found,
        "what_if_cpu_seconds": seconds,
        "what_if_share": round(seconds / found["replay_cpu_seconds"], 3),
    }


def _suppose(database: Database, parts: ReferralDeps) -> float:
    """Processor seconds of reckoning every order under another rate."""
    started = time.process_time()
    with database.snapshot() as session:
        program = session.scalars(select(Program)).one()
        rate = supposed_rate(program, RateTerms("12%"), product=None, referrer=None, now=clock.now())
        found = simulate(parts, session, program, Supposed(rate), clock.BEGINNING, clock.END)
    if not found:
        raise AssertionError("nobody earned anything")
    return round(time.process_time() - started, 2)


def _mib(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name)) / _KIB


if __name__ == "__main__":
    print(json.dumps(work(sys.argv[1])))
