"""Killed with -9 at any statement of ingest and started again: the same final balances (ACCEPTANCE A.9).

The sender is a process of its own that knows nothing of what it sent before: it starts from the first fact each time.
"""

from __future__ import annotations

import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

from sqlalchemy import event, func, select

from app.kernel.db import Database
from app.ledger.check import LEDGER_CHECKS, first_broken
from app.ledger.models import LedgerBalance, LedgerTransaction
from app.referrals.check import REFERRAL_CHECKS
from tests.support.histories import History, build_world
from tests.support.shop_that_dies import send

ROOT = Path(__file__).resolve().parents[2]
SEED, FACTS, KILLS = 7, 30, 25

Books = tuple[list[tuple[object, ...]], dict[str, int]]


def books(database: Database) -> Books:
    """Every balance bucket, and how many postings of which kind made them."""
    with database.reading() as session:
        assert first_broken(session, LEDGER_CHECKS | REFERRAL_CHECKS) is None
        columns = (
            LedgerBalance.referrer_id,
            LedgerBalance.figure,
            LedgerBalance.available_on,
            LedgerBalance.amount_minor,
        )
        buckets = [tuple(row) for row in session.execute(select(*columns).order_by(*columns[:3])) if row[3]]
        kinds = select(LedgerTransaction.kind, func.count()).group_by(LedgerTransaction.kind)
        return buckets, {kind.value: number for kind, number in session.execute(kinds)}


def test_ingest_killed_at_any_statement_ends_in_the_same_books(
    database_url: str, sqlite_template: Path, tmp_path: Path
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "calm.db")
    calm, killed = Database(f"sqlite:///{tmp_path}/calm.db"), Database(database_url)
    with killed.transaction() as session:
        build_world(session)
    with calm.transaction() as session:
        history = History(build_world(session), Random(SEED))
    facts = history.grow(FACTS).in_disorder(Random(SEED))
    (tmp_path / "facts").write_bytes(pickle.dumps(facts))
    counted = 0

    def count(*_arguments: object) -> None:
        nonlocal counted
        counted += 1

    event.listen(calm.engine, "before_cursor_execute", count)
    event.listen(calm.engine, "commit", count)
    send(calm, facts)
    expected = books(calm)
    assert len(expected[0]) > 5, "the list must move money"

    # What was sent before takes few statements the next time, so that each life gets further than the one before.
    points = sorted(Random(SEED).sample(range(1, counted // 2), KILLS))
    command = [
        sys.executable,
        "-m",
        "tests.support.shop_that_dies",
        database_url,
        str(tmp_path / "facts"),
        *map(str, points),
    ]
    done = subprocess.run(command, cwd=ROOT, check=True, timeout=200, capture_output=True, text=True)
    *deaths, last = map(int, done.stdout.split())
    assert last == 0
    assert deaths.count(-signal.SIGKILL) >= KILLS // 2
    assert books(killed) == expected
    calm.dispose()
    killed.dispose()
