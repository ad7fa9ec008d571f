"""Replay of all recorded facts: linear in time, bounded in memory, beside the time of writing the same facts by batch;
and what-if over the same orders beside the replay.

The facts (signups, orders with two lines, refunds) are written through ``POST /api/v1/batch`` in this process into one
SQLite database that grows. At a sixteenth, a quarter and the whole of ``BENCH_FACTS`` (default 20,000) all facts that
are there are replayed and compared in a process of their own. Times are processor seconds. The bound is about 1,000,000
facts, which take more than two hours on a quiet machine; three sizes show sooner whether time is linear.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
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

SIZE: Final = int(os.environ.get("BENCH_FACTS", "20000"))
MOST_TIMES_WRITING: Final = 3.0
MOST_GROWTH: Final = 1.25
"""What a further fact may cost at the largest size, against what it costs at the middle one."""
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
    """All sizes, and whether the bounds held."""
    with (
        tempfile.TemporaryDirectory(prefix="refledger-bench-") as name,
        valkey.running(Path(name) / "v") as redis,
    ):
        return report(*measure(Path(name), redis, (size // 16, size // 4, size)))


def report(small: dict[str, Any], middle: dict[str, Any], large: dict[str, Any]) -> dict[str, Any]:
    """What the three sizes say together."""
    growth = _further(middle, large) / _further(small, middle)
    return {
        "small": small,
        "middle": middle,
        "large": large,
        "further_fact_ms": [round(_further(small, middle), 2), round(_further(middle, large), 2)],
        "growth": round(growth, 2),
        "bounds": {
            "growth": MOST_GROWTH,
            "times_writing": MOST_TIMES_WRITING,
            "extra_mib": MOST_MIB,
            "what_if_share": MOST_WHAT_IF,
        },
        "passed": growth <= MOST_GROWTH
        and large["times_writing"] <= MOST_TIMES_WRITING
        and large["extra_mib"] < MOST_MIB
        and large["what_if_share"] <= MOST_WHAT_IF
        and not any(each["differences"] for each in (small, middle, large)),
    }


def _further(less: dict[str, Any], more: dict[str, Any]) -> float:
    """Processor milliseconds that each fact between two sizes added to the replay; what a start costs is not in it."""
    seconds: float = more["replay_cpu_seconds"] - less["replay_cpu_seconds"]
    facts: int = more["facts"] - less["facts"]
    return seconds * 1_000 / facts


def measure(folder: Path, redis_url: str, sizes: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """Write facts; at each size replay all that are there, in a process of its own."""
    path = folder / "replay.db"
    for writing in write(path, redis_url, sizes):
        ended = subprocess.run(
            [sys.executable, "-m", "bench.bench_replay", str(path)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        found |= {
            "write_cpu_seconds": round(writing, 2),
            "times_writing": round(found["replay_cpu_seconds"] / writing, 2),
        }
        print(json.dumps(found), flush=True)
        yield found


def write(path: Path, redis_url: str, sizes: tuple[int, ...]) -> Iterator[float]:
    """Write the facts through batches; processor seconds so far, whenever one of the sizes is reached."""
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
    seconds, told = 0.0, 0
    for size in sizes:
        for body in _batches(told, size):
            started = time.process_time()
            answer = client.post("/api/v1/batch", body, MEDIA_TYPE, 200)
            seconds += time.process_time() - started
            if any(json.loads(line)["status"] != 201 for line in answer.splitlines()):  # noqa: PLR2004 - created
                raise AssertionError(answer[:500])
        told = size
        yield seconds
    services.queue.close()
    services.db.dispose()


def _batches(start: int, end: int) -> Iterator[bytes]:
    lines: list[bytes] = []
    for number in range(start, end):
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


def work(path: str) -> dict[str, Any]:
    """Replay and compare; processor seconds, and memory above the start."""
    database = Database(f"sqlite:///{path}")
    parts = deps(tuple(_KEYS.values())[1:2])
    before = _mib("VmRSS")
    started, wall = time.process_time(), time.perf_counter()
    with (
        tempfile.TemporaryDirectory(prefix="refledger-bench-") as folder,
        database.snapshot() as live,
        scratch_database(Path(folder)) as scratch,
    ):
        done = replay(parts, live, scratch)
        with scratch.reading() as again:
            differences = len(done.refused) + sum(1 for _ in compare(live, again))
    found = {
        "facts": done.told,
        "differences": differences,
        "replay_cpu_seconds": round(time.process_time() - started, 2),
        "replay_wall_seconds": round(time.perf_counter() - wall, 2),
        "extra_mib": round(_mib("VmHWM") - before, 1),
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
