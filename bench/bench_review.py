"""What the review rules add to an order: the same orders with the rules and with none, in turns.

Both sides record a paid order in a durable transaction of its own, without HTTP, which would hide the difference. The
plain order is what shops send mostly; the other presents a click id for the first time, which is looked up once.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

from app.embedded import postgres
from app.embedded.schema import upgrade
from app.kernel.db import Database
from app.referrals.facts import LineFact, OrderFact
from app.referrals.models import Program
from app.referrals.orders import record_order
from app.referrals.words import OrderStatus
from bench.world import NOW, START, Size, build, deps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.referrals.intake import ReferralDeps

MOST_ADDED: Final = 0.15
ROUNDS: Final = 9
PER_ROUND: Final = 60
_KEYS: Final = ("link-keys-of-the-benchmark-0123456789",)


def run() -> dict[str, Any]:
    """Measure on SQLite and on PostgreSQL; ``passed`` says whether the bound held for all four."""
    folder = Path(tempfile.mkdtemp(prefix="refledger-bench-"))
    try:
        with postgres.running(folder / "postgres", durable=True) as server:
            with server.connect() as connection:
                connection.execute("CREATE DATABASE review")
            found = {
                "sqlite": _measure(f"sqlite:///{folder / 'review.db'}"),
                "postgresql": _measure(server.url("review")),
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    passed = all(each["added"] <= MOST_ADDED for sides in found.values() for each in sides.values())
    return {**found, "most_added": MOST_ADDED, "passed": passed}


def _measure(url: str) -> dict[str, Any]:
    upgrade(url)
    db = Database(url)
    build(db, _KEYS, Size(referrers=20, orders=200, clicks=400))
    try:
        return {"plain": _compare(db, "plain"), "first_click": _compare(db, "click")}
    finally:
        db.dispose()


def _compare(db: Database, kind: str) -> dict[str, float]:
    parts = deps(_KEYS)
    taken: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(ROUNDS + 1):
        # Who goes first alternates: what the first one warms up serves the other.
        for side in ("with", "without") if number % 2 else ("without", "with"):
            with _no_rules() if side == "without" else ExitStack():
                seconds = _orders(db, parts, f"{kind}-{side}-{number}", with_click=kind == "click")
            if number:
                taken[side].append(seconds / PER_ROUND)
    ms = {side: 1_000 * median(each) for side, each in taken.items()}
    # Each round against its neighbour: what else the machine does meets both.
    ratio = median(one / other for one, other in zip(taken["with"], taken["without"], strict=True))
    return {
        "ms_with": round(ms["with"], 3),
        "ms_without": round(ms["without"], 3),
        "added": round(ratio - 1, 3),
    }


@contextmanager
def _no_rules() -> Iterator[None]:
    """The same code as if no rule had been written."""
    with (
        mock.patch("app.referrals.holds.rules_against", return_value={}),
        mock.patch("app.referrals.story.mark_customer", return_value=False),
    ):
        yield


def _orders(db: Database, parts: ReferralDeps, name: str, *, with_click: bool) -> float:
    began = time.perf_counter()
    for number in range(PER_ROUND):
        at = START + timedelta(days=300, seconds=number)
        with db.transaction() as session:
            program = session.get_one(Program, 1)
            click_id = (
                parts.links.new_click_id(at - timedelta(hours=1), program.id, 1) if with_click else None
            )
            fact = OrderFact(
                order_id=f"{name}-{number}",
                customer_id=f"c{number}",
                currency="EUR",
                status=OrderStatus.PAID,
                placed_at=at,
                paid_at=at + timedelta(seconds=40),
                lines=(LineFact("l1", "web", 1, 10_000), LineFact("l2", "mail", 1, 500)),
                click_id=click_id,
            )
            record_order(parts, session, program, fact, NOW)
    return time.perf_counter() - began
