"""A payout run of 100,000 referrers with 1,000,000 commissions: linear in time, bounded in memory.

Ten times the data may take at most eleven times the time, from draft to verified files, each size in a
process of its own on SQLite. The history is loaded in bulk (this benchmark alone writes tables directly).
Times are processor seconds, so that what else the machine does changes no ratio; wall-clock seconds are
kept beside them.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stdnum import iban as stdnum_iban

from app.embedded.schema import upgrade
from app.identity.audit import Actor
from app.kernel.crypto import Keyring
from app.kernel.db import Database
from app.payouts.approval import approve_run
from app.payouts.check import require_sound_books
from app.payouts.deps import PayoutDeps
from app.payouts.destinations import iban_key
from app.payouts.files import build_files
from app.payouts.models import PayoutRun
from app.payouts.runs import draft_run, freeze_run, preview_run
from app.referrals.models import Program
from app.referrals.programs import ProgramSettings, create_program
from app.referrals.words import Approval

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES: Final = (10_000, 100_000)
COMMISSIONS_EACH: Final = 10
MOST_TIMES: Final = 11.0
MOST_MIB: Final = 100
KEYS: Final = Keyring(("bench-encryption-key-0123456789abcdef",))
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
CLERK: Final = Actor("user:usr_bench")
_KIB: Final = 1024


def run(sizes: tuple[int, int] = SIZES) -> dict[str, Any]:
    """Both sizes, their ratio, and whether the bounds held."""
    with tempfile.TemporaryDirectory(prefix="refledger-bench-") as folder:
        measured = {str(size): measure(Path(folder) / f"payouts-{size}.db", size) for size in sizes}
    small, large = (measured[str(size)] for size in sizes)
    ratio = large["cpu_seconds"] / small["cpu_seconds"]
    times = sizes[1] / sizes[0]
    return {
        "sizes": measured,
        "times_the_data": times,
        "times_the_time": round(ratio, 2),
        "passed": ratio <= MOST_TIMES * times / 10 and large["extra_mib"] < MOST_MIB,
    }


def measure(path: Path, referrers: int) -> dict[str, Any]:
    """Load the history, then run the month in a fresh process."""
    load(path, referrers)
    ended = subprocess.run(
        [sys.executable, "-m", "bench.bench_payouts", str(path)], check=True, capture_output=True, text=True
    )
    figures: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return figures


def load(path: Path, referrers: int) -> None:
    """A migrated database with that many referrers, accounts and ten commissions each, all payable."""
    upgrade(f"sqlite:///{path}")
    database = Database(f"sqlite:///{path}")
    with database.transaction() as session:
        settings = ProgramSettings(
            name="Bench",
            landing_url="https://shop.example/",
            minimum_payout="0",
            approval=Approval.ONE,
            debtor_name="Bench B.V.",
            debtor_iban="NL02ABNA0123456789",
        )
        create_program(session, slug="bench", currency="EUR", settings=settings, actor=CLERK, now=NOW)
    database.dispose()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(_HISTORY.format(commissions=referrers * COMMISSIONS_EACH))
        connection.executemany(_ACCOUNT, (_account(number) for number in range(1, referrers + 1)))


def _account(number: int) -> tuple[object, ...]:
    bare = f"NL00INGB{number:010d}"
    iban = f"NL{stdnum_iban.calc_check_digits(bare)}{bare[4:]}"
    public_id = f"dst_{number}"
    sealed = KEYS.seal(iban.encode(), f"payout_destinations:{public_id}:{number}".encode())
    return (number, public_id, number, f"Jörg Nr {number}", sealed, iban_key(KEYS, iban), iban[-4:])


_ACCOUNT: Final = """
INSERT INTO payout_destinations (id, public_id, referrer_id, version, holder, iban_sealed, iban_key, last4, country,
  source, verified, usable_on, created_at, created_by)
VALUES (?, ?, ?, 1, ?, ?, ?, ?, 'NL', 'merchant', 1, '2026-01-01', '2026-01-01 00:00:00.000000', 'key:bench')
"""
_HISTORY: Final = """
CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {commissions})
  SELECT i, (i - 1) / 10 + 1 AS r, date('2026-10-01', '+' || (i % 10) || ' days') AS d, 100 + i % 900 AS a FROM c;
INSERT INTO referrers (id, program_id, code, name, email, email_key, locale, status, suspensions, joined_at)
  SELECT DISTINCT r, 1, 'r' || r, 'R', 'r' || r || '@example.org', 'k' || r, 'nl', 'active', '[]',
  '2026-01-01 00:00:00.000000' FROM n;
INSERT INTO commissions (id, program_id, referrer_id, order_id, order_line_id, rate_version_id, base_minor,
  earned_minor, target_minor, held_minor, rejected, paid_at, available_on, postings)
  SELECT i, 1, r, i, i, 1, a * 10, a, a, 0, 0, d || ' 00:00:00.000000', d, 1 FROM n;
INSERT INTO ledger_transactions (id, program_id, currency, kind, idempotency_key, posted_at)
  SELECT i, 1, 'EUR', 'commission', 'commission:' || i, d || ' 00:00:00.000000' FROM n;
INSERT INTO ledger_entries (transaction_id, program_id, account, kind, amount_minor, currency, referrer_id,
  commission_id, available_on, posted_at)
  SELECT i, 1, 'commission_expense', 'commission', a, 'EUR', r, i, d, d || ' 00:00:00.000000' FROM n
  UNION ALL SELECT i, 1, 'payable', 'commission', -a, 'EUR', r, i, d, d || ' 00:00:00.000000' FROM n;
INSERT INTO ledger_balances (referrer_id, figure, available_on, program_id, currency, amount_minor)
  SELECT r, 'payable', d, 1, 'EUR', a FROM n UNION ALL SELECT r, 'earned', d, 1, 'EUR', a FROM n;
DROP TABLE n;
"""


def work(path: str) -> dict[str, Any]:
    """Draft, preview, freeze, approve, build and check the books; seconds of each, and memory above the start."""
    database = Database(f"sqlite:///{path}")
    deps = PayoutDeps(database, KEYS)
    with database.transaction() as session:
        run_id = draft_run(session, session.get_one(Program, 1), period="2026-10", by=CLERK, now=NOW).id
    before = _mib("VmRSS")
    stages: dict[str, float] = {}
    peaks: dict[str, float] = {}
    wall = time.perf_counter()

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
        begun = time.process_time()
        yield
        stages[name] = round(time.process_time() - begun, 2)
        peaks[name] = round(_mib("VmHWM") - before, 1)

    with stage("preview"), database.reading() as session:
        previewed = sum(1 for _ in preview_run(session, session.get_one(PayoutRun, run_id), NOW))
    with stage("freeze"):
        freeze_run(deps, run_id, by=CLERK, now=NOW)
    with stage("approve"), database.transaction() as session:
        approve_run(session, run_id, by=CLERK, now=NOW)
    with stage("build_and_verify"):
        build_files(deps, run_id, by=CLERK, now=NOW)
    with stage("check"):
        require_sound_books(database, 1)
    with database.reading() as session:
        payouts = session.get_one(PayoutRun, run_id).payout_count
    if payouts != previewed:
        raise SystemExit(f"previewed {previewed} payouts, made {payouts}")
    return {
        "payouts": payouts,
        "stages": stages,
        "cpu_seconds": round(sum(stages.values()), 2),
        "wall_seconds": round(time.perf_counter() - wall, 2),
        "extra_mib": max(peaks.values()),
        "extra_mib_by_stage": peaks,
    }


def _mib(line: str) -> float:
    """What the kernel says of this process's memory: ``VmRSS`` is now, ``VmHWM`` the most since it was reset."""
    found = re.search(rf"^{line}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit(f"/proc/self/status has no {line}")
    return int(found[1]) / _KIB


if __name__ == "__main__":
    print(json.dumps(work(sys.argv[1])))
