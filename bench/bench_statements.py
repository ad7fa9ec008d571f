"""1,000 statements as PDF take at most 1.2 times as long as 1,000 times one: nothing grows with their number.

The yardstick is the mean of the first fifty after a warm-up, so that what is loaded once (fonts, translations) counts
for neither side. Processor seconds, so that what else the machine does changes no ratio. ``BENCH_STATEMENTS`` sets
another number. Memory above the start is kept beside them.
"""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.kernel.db import Database
from app.payouts.documents.statement_file import statement_file
from app.payouts.documents.statements import referrers_with_a_statement
from app.payouts.domain.calendar import Period
from app.referrals.models import Program, Referrer
from bench.bench_payouts import load

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MANY: Final = int(os.environ.get("BENCH_STATEMENTS", "1000"))
YARDSTICK: Final = 50
MOST: Final = 1.2
PERIOD: Final = Period(2026, 10)
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
_KIB: Final = 1024
_ORIGINS: Final = """
INSERT INTO rate_versions (id, program_id, kind, pays, rate_ppm, may_exceed_net, duration, line_kinds, scope,
  valid_from, created_at, created_by) VALUES (1, 1, 'percent', 'kickback', 100000, 0, 'lifetime', '[]', 'new_customers',
  '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', 'cli');
INSERT INTO customers (id, program_id, customer_id, created_at)
  SELECT DISTINCT referrer_id, 1, 'c' || referrer_id, '2026-01-01 00:00:00.000000' FROM commissions;
INSERT INTO orders (id, program_id, customer_id, order_id, currency, status, placed_at, paid_at, counted, created_at)
  SELECT id, 1, referrer_id, 'o' || id, 'EUR', 'paid', paid_at, paid_at, 0, paid_at FROM commissions;
INSERT INTO order_lines (id, order_id, line_id, position, sku, quantity, net_minor, refunded_minor, kind, outcome)
  SELECT id, id, 'l1', 0, 'web', 1, base_minor, 0, 'new', 'earns' FROM commissions;
"""
"""What the commissions of the loaded history come from: statements name product, customer and rate."""


def run(many: int = MANY) -> dict[str, Any]:
    """Load a month of that many referrers, write each statement, and compare the last with the first."""
    with tempfile.TemporaryDirectory(prefix="refledger-bench-") as folder:
        path = Path(folder) / "statements.db"
        load(path, many)
        with sqlite3.connect(path) as connection:
            connection.executescript(_ORIGINS)
        database = Database(f"sqlite:///{path}")
        with database.reading() as session:
            figures = _measure(session)
        database.dispose()
    return figures


def _measure(session: Session) -> dict[str, Any]:
    program = session.get_one(Program, 1)
    people = referrers_with_a_statement(session, program, PERIOD)
    _write(session, program, people[:3])
    before = _mib()
    one = _write(session, program, people[:YARDSTICK]) / min(YARDSTICK, len(people))
    total = _write(session, program, people)
    ratio = total / (one * len(people))
    return {
        "statements": len(people),
        "one_ms": round(one * 1000, 1),
        "cpu_seconds": round(total, 1),
        "times_one": round(ratio, 3),
        "extra_mib": round(_mib() - before, 1),
        "passed": ratio <= MOST,
    }


def _write(session: Session, program: Program, referrer_ids: list[int]) -> float:
    begun = time.process_time()
    for referrer_id in referrer_ids:
        referrer = session.get_one(Referrer, referrer_id)
        _name, content = statement_file(session, program, referrer, PERIOD, now=NOW)
        if not content.startswith(b"%PDF-"):
            raise SystemExit("a statement is no PDF")
        session.expunge(referrer)
    return time.process_time() - begun


def _mib() -> float:
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit("/proc/self/status has no VmRSS")
    return int(found[1]) / _KIB


if __name__ == "__main__":
    print(run())
