"""A month's payouts: a run of many referrers with ten commissions each, its files, and the bank's answer to them.

Ten times the data may take at most eleven times the time, from draft to verified files, and so for the feedback; each
size in a process of its own on SQLite. Building the files with their verification may take at most twice as long as
sepaxml takes to write the same payments without verifying anything, in the same process. The history is loaded in
bulk (this benchmark alone writes tables directly). Times are processor seconds, so that what else the machine does
changes no ratio; wall-clock seconds are kept beside them.

``BENCH_PAYOUTS=100000`` runs the sizes of the bounds; by default a tenth of that.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sepaxml import SepaTransfer
from sqlalchemy import select
from stdnum import iban as stdnum_iban

from app.embedded.schema import upgrade
from app.identity.audit import Actor
from app.kernel.crypto import Keyring
from app.kernel.db import Database
from app.kernel.money import Money
from app.payouts.approval import approve_run
from app.payouts.check import require_sound_books
from app.payouts.deps import PayoutDeps
from app.payouts.destinations import iban_key
from app.payouts.files import build_files
from app.payouts.models import Payout, PayoutDestination, PayoutRun
from app.payouts.reconcile import import_feedback
from app.payouts.runs import draft_run, freeze_run, preview_run
from app.referrals.models import Program
from app.referrals.programs import ProgramSettings, create_program
from app.referrals.words import Approval

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE: Final = int(os.environ.get("BENCH_PAYOUTS", "10000"))
COMMISSIONS_EACH: Final = 10
MOST_TIMES: Final = 11.0
MOST_MIB: Final = 100
MOST_TIMES_SEPAXML: Final = 2.0
DEBTOR: Final = "NL02ABNA0123456789"
KEYS: Final = Keyring(("bench-encryption-key-0123456789abcdef",))
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
CLERK: Final = Actor("user:usr_bench")
_KIB: Final = 1024


def run(sizes: tuple[int, int] = (LARGE // 10, LARGE)) -> dict[str, Any]:
    """Both sizes, their ratios, and whether the bounds held."""
    with tempfile.TemporaryDirectory(prefix="refledger-bench-") as folder:
        measured = {str(size): measure(Path(folder) / f"payouts-{size}.db", size) for size in sizes}
    small, large = (measured[str(size)] for size in sizes)
    times = sizes[1] / sizes[0]
    ratios = {
        name: round(large[key] / small[key], 2)
        for name, key in (("run", "cpu_seconds"), ("feedback", "feedback_seconds"))
    }
    return {
        "sizes": measured,
        "times_the_data": times,
        "times_the_time": ratios,
        "build_and_verify_times_sepaxml": large["times_sepaxml"],
        "passed": (
            max(ratios.values()) <= MOST_TIMES * times / 10
            and max(large["extra_mib"], large["feedback_extra_mib"]) < MOST_MIB
            and large["times_sepaxml"] <= MOST_TIMES_SEPAXML
        ),
    }


def measure(path: Path, referrers: int) -> dict[str, Any]:
    """Load the history, then run the month and read the bank's answer, each in a fresh process."""
    load(path, referrers)
    figures: dict[str, Any] = {}
    for part in PARTS:
        ended = subprocess.run(
            [sys.executable, "-m", "bench.bench_payouts", part, str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
        figures |= json.loads(ended.stdout.splitlines()[-1])
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
            debtor_iban=DEBTOR,
        )
        create_program(session, slug="bench", currency="EUR", settings=settings, actor=CLERK, now=NOW)
    database.dispose()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(_HISTORY.format(commissions=referrers * COMMISSIONS_EACH))
        connection.executemany(_ACCOUNT, (_account(number) for number in range(1, referrers + 1)))


def _account(number: int) -> tuple[object, ...]:
    iban = _iban(number)
    public_id = f"dst_{number}"
    sealed = KEYS.seal(iban.encode(), f"payout_destinations:{public_id}:{number}".encode())
    return (number, public_id, number, f"Jörg Nr {number}", sealed, iban_key(KEYS, iban), iban[-4:])


def _iban(number: int) -> str:
    bare = f"NL00INGB{number:010d}"
    return f"NL{stdnum_iban.calc_check_digits(bare)}{bare[4:]}"


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
INSERT INTO commissions (id, program_id, referrer_id, order_id, order_line_id, kind, rate_version_id, base_minor,
  earned_minor, target_minor, held_minor, rejected, paid_at, available_on, postings)
  SELECT i, 1, r, i, i, 'kickback', 1, a * 10, a, a, 0, 0, d || ' 00:00:00.000000', d, 1 FROM n;
INSERT INTO ledger_transactions (id, program_id, currency, kind, idempotency_key, posted_at, effective_on)
  SELECT i, 1, 'EUR', 'commission', 'commission:' || i, d || ' 00:00:00.000000', d FROM n;
INSERT INTO ledger_entries (transaction_id, program_id, account, kind, amount_minor, currency, referrer_id,
  commission_id, available_on, posted_at)
  SELECT i, 1, 'commission_expense', 'commission', a, 'EUR', r, i, d, d || ' 00:00:00.000000' FROM n
  UNION ALL SELECT i, 1, 'payable', 'commission', -a, 'EUR', r, i, d, d || ' 00:00:00.000000' FROM n;
INSERT INTO ledger_balances (referrer_id, figure, available_on, program_id, currency, amount_minor)
  SELECT r, 'payable', d, 1, 'EUR', a FROM n UNION ALL SELECT r, 'earned', d, 1, 'EUR', a FROM n;
DROP TABLE n;
"""


class Meter:
    """Processor seconds of each stage, and the most memory above the start that each reached."""

    def __init__(self) -> None:
        self._before = _mib("VmRSS")
        self.seconds: dict[str, float] = {}
        self.peaks: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what happens inside."""
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
        begun = time.process_time()
        yield
        self.seconds[name] = round(time.process_time() - begun, 2)
        self.peaks[name] = round(_mib("VmHWM") - self._before, 1)


def month(path: str) -> dict[str, Any]:
    """Draft, preview, freeze, approve, build and check the books; then have sepaxml write the same payments."""
    database = Database(f"sqlite:///{path}")
    deps = PayoutDeps(database, KEYS)
    with database.transaction() as session:
        run_id = draft_run(session, session.get_one(Program, 1), period="2026-10", by=CLERK, now=NOW).id
    meter, wall = Meter(), time.perf_counter()
    with meter.stage("preview"), database.reading() as session:
        previewed = sum(1 for _ in preview_run(session, session.get_one(PayoutRun, run_id), NOW))
    with meter.stage("freeze"):
        freeze_run(deps, run_id, by=CLERK, now=NOW)
    with meter.stage("approve"), database.transaction() as session:
        approve_run(session, run_id, by=CLERK, now=NOW)
    with meter.stage("build_and_verify"):
        build_files(deps, run_id, by=CLERK, now=NOW)
    with meter.stage("check"):
        require_sound_books(database, 1)
    with database.reading() as session:
        payouts = session.get_one(PayoutRun, run_id).payout_count
    if payouts != previewed:
        raise SystemExit(f"previewed {previewed} payouts, made {payouts}")
    wall_seconds, sepaxml = time.perf_counter() - wall, _by_sepaxml(database, run_id)
    return {
        "payouts": payouts,
        "stages": meter.seconds,
        "cpu_seconds": round(sum(meter.seconds.values()), 2),
        "sepaxml_seconds": round(sepaxml, 2),
        "times_sepaxml": round(meter.seconds["build_and_verify"] / sepaxml, 2),
        "wall_seconds": round(wall_seconds, 2),
        "extra_mib": max(meter.peaks.values()),
        "extra_mib_by_stage": meter.peaks,
    }


def feedback(path: str) -> dict[str, Any]:
    """Read the bank's statement over every payout of the run, and close it."""
    database = Database(f"sqlite:///{path}")
    statement = _statement(database, 1, Path(path).with_suffix(".xml"))
    meter, wall = Meter(), time.perf_counter()
    with meter.stage("feedback"), statement.open("rb") as source:
        deps = PayoutDeps(database, KEYS)
        result = import_feedback(deps, source, "statement.xml", by=CLERK, now=NOW)
    with database.reading() as session:
        run = session.get_one(PayoutRun, 1)
    if (result.applied, result.exceptions, run.state.value) != (run.payout_count, 0, "closed"):
        raise SystemExit(f"{result.applied} of {run.payout_count} applied, {result.exceptions} exceptions")
    return {
        "feedback_seconds": meter.seconds["feedback"],
        "feedback_wall_seconds": round(time.perf_counter() - wall, 2),
        "feedback_extra_mib": meter.peaks["feedback"],
    }


def _statement(database: Database, run_id: int, path: Path) -> Path:
    """The bank's camt.053 over every payout of the run, each booked by itself; written as a stream."""
    head = (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S1</Id>'
        f"<Acct><Id><IBAN>{DEBTOR}</IBAN></Id></Acct>"
    )
    wanted = select(Payout.end_to_end_id, Payout.amount_minor).where(Payout.run_id == run_id)
    with database.reading() as session, path.open("w") as sink:
        sink.write(head)
        for number, (end_to_end_id, minor) in enumerate(session.execute(wanted.order_by(Payout.id))):
            amount = Money(minor, "EUR").decimal_string()
            sink.write(
                f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
                f"<BookgDt><Dt>2026-11-24</Dt></BookgDt><AcctSvcrRef>B{number}</AcctSvcrRef><NtryDtls><TxDtls><Refs>"
                f"<EndToEndId>{end_to_end_id}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>"
            )
        sink.write("</Stmt></BkToCstmrStmt></Document>")
    return path


def _by_sepaxml(database: Database, run_id: int) -> float:
    """Processor seconds that sepaxml takes to write the same payments in one file, without its own validation."""
    wanted = (
        select(Payout.end_to_end_id, Payout.amount_minor, PayoutDestination.holder, PayoutDestination.id)
        .join(PayoutDestination, PayoutDestination.id == Payout.destination_id)
        .where(Payout.run_id == run_id)
        .order_by(Payout.id)
    )
    with database.reading() as session:
        payments = session.execute(wanted).all()
    config = {"name": "Bench B.V.", "IBAN": DEBTOR, "BIC": "ABNANL2A", "batch": True, "currency": "EUR"}
    begun = time.process_time()
    other = SepaTransfer(config, schema="pain.001.001.09", clean=True)
    for end_to_end_id, minor, name, number in payments:
        other.add_payment(
            {
                "name": name,
                "IBAN": _iban(number),
                "amount": minor,
                "execution_date": date(2026, 11, 23),
                "description": "Bench 2026-10",
                "endtoend_id": end_to_end_id,
            }
        )
    other.export(validate=False)
    return time.process_time() - begun


def _mib(line: str) -> float:
    """What the kernel says of this process's memory: ``VmRSS`` is now, ``VmHWM`` the most since it was reset."""
    found = re.search(rf"^{line}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit(f"/proc/self/status has no {line}")
    return int(found[1]) / _KIB


PARTS: Final = {"month": month, "feedback": feedback}

if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]](sys.argv[2])))
