"""What an order, a click, a dashboard and each list of staff cost in a large installation, and in a small one.

Large: 1,000,000 clicks, 200,000 orders, 5,000 referrers, one of whom has half of all commissions; small is a hundredth
of it. Both are measured in turn, so that both meet the same noise. SQLite by default; ``BENCH_POSTGRES=1`` measures
PostgreSQL as well.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, text

from app.embedded import postgres, valkey
from app.embedded.schema import upgrade
from app.factory import create_app
from app.identity.roles import Role
from app.identity.users import NewUser, create_user
from app.kernel.db import Database
from app.referrals.click_rows import write_clicks
from app.referrals.models import Program, Referrer
from app.referrals.orders import record_order
from bench.world import NOW, Size, build, click_record, copied_name, deps, multiply, order
from config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

COPIES: Final = 99
MOST_RATIO: Final = 1.3
_ORDERS: Final = 300
_BATCHES: Final = 12
_BATCH: Final = 500
_VIEWS: Final = 40
_REFERRERS: Final = 50
"""In the small one, so that a part of its list is as long as in the large one."""

_MANY: Final = 100_000
"""Commissions that one referrer of the large installation has."""

_LIST_VIEWS: Final = 12
_LISTS: Final = (
    "referrers",
    "referrers?sort=name",
    "customers",
    "customers?sort=customer",
    "orders",
    "orders?sort=order",
    "orders?state=pending",
    "commissions",
    "commissions?sort=-amount",
    "commissions?referrer={code}",
    "referrers/{code}",
    "orders/waiting",
    "facts",
    "review",
    "contests",
    "clicks",
    "payouts",
    "bank/records",
    "documents",
    "audit",
)
"""Every list of staff as it opens, some in their other orders; a search costs what it has to look through."""
_KEY: Final = "bench-key-0123456789abcdef0123456789"
_PASSWORD: Final = "a-password-for-benchmarks"


@dataclass
class _House:
    """One installation and what was measured on it, in milliseconds."""

    settings: Settings
    copies: int
    times: dict[str, list[float]] = field(default_factory=dict)

    def prepare(self) -> None:
        self.app = create_app(self.settings)
        self.db: Database = self.app.extensions["refledger"].db
        self.deps = deps(self.settings.link_keys)
        with self.db.transaction() as session:
            self.program_id = session.scalars(select(Program.id)).one()
            name = copied_name("ref3", self.copies)
            referrer = session.scalars(select(Referrer).where(Referrer.code == name)).one()
            self.code = name
            new = NewUser("bench@example.org", Role.REFERRER, password=_PASSWORD)
            referrer.user_id = create_user(session, new, now=NOW).id
            self.referrer_id = referrer.id
            create_user(session, NewUser("owner@example.org", Role.OWNER, password=_PASSWORD), now=NOW)
        self.client, self.owner = self._login("bench@example.org"), self._login("owner@example.org")

    def _login(self, email: str) -> FlaskClient:
        client = self.app.test_client()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login").text)
        form = {"email": email, "password": _PASSWORD, "csrf_token": token[1] if token else ""}
        answer = client.post("/login", data=form)
        if answer.status_code not in {302, 303}:
            raise RuntimeError(f"the benchmark could not log in: {answer.status_code}")
        return client

    def order(self, number: int) -> None:
        customer = copied_name(f"c{number * 7 % 1000}", number * 13 % (self.copies + 1))
        with self.db.transaction() as session:
            program = session.get_one(Program, self.program_id)
            at = NOW - timedelta(days=1)
            record_order(self.deps, session, program, order(f"new{number}", customer, at), NOW)

    def drain(self, number: int) -> None:
        at = NOW - timedelta(hours=1)
        records = [
            click_record(f"new{number:04d}{each:04d}", self.program_id, self.referrer_id, at)
            for each in range(_BATCH)
        ]
        with self.db.transaction() as session:
            write_clicks(session, records)

    def view(self, _number: int) -> None:
        answer = self.client.get("/dashboard")
        if answer.status_code != 200:  # noqa: PLR2004
            raise RuntimeError(f"the dashboard answered {answer.status_code}")

    def own_commissions(self, _number: int) -> None:
        answer = self.client.get("/dashboard/commissions")
        if answer.status_code != 200:  # noqa: PLR2004
            raise RuntimeError(f"the commissions answered {answer.status_code}")

    def list_page(self, path: str, _number: int) -> None:
        answer = self.owner.get(f"/staff/{path.format(code=self.code)}")
        if answer.status_code != 200:  # noqa: PLR2004
            raise RuntimeError(f"{path} answered {answer.status_code}")

    def time(self, name: str, work: Callable[[int], None], number: int) -> None:
        started = time.perf_counter()
        work(number)
        self.times.setdefault(name, []).append((time.perf_counter() - started) * 1000)


def run() -> dict[str, Any]:
    """Measure; times are medians in milliseconds, the drain's for one click."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-scale-")))
        redis_url = stack.enter_context(valkey.running(folder / "valkey"))
        figures: dict[str, Any] = {"sqlite": _sqlite(folder, redis_url)}
        if os.environ.get("BENCH_POSTGRES"):
            server = stack.enter_context(postgres.running(folder / "postgres"))
            figures["postgresql"] = _postgres(server, folder, redis_url)
    figures["most_ratio"] = MOST_RATIO
    measured = [figures[side]["ratios"] for side in ("sqlite", "postgresql") if side in figures]
    figures["passed"] = all(ratio <= MOST_RATIO for ratios in measured for ratio in ratios.values())
    return figures


def _sqlite(folder: Path, redis_url: str) -> dict[str, Any]:
    small, large = folder / "small.db", folder / "large.db"
    _fill(f"sqlite:///{small}", 0)
    shutil.copyfile(small, large)
    _fill(f"sqlite:///{large}", COPIES, told=True)
    return _compare(folder, redis_url, f"sqlite:///{small}", f"sqlite:///{large}")


def _postgres(server: postgres.Postgres, folder: Path, redis_url: str) -> dict[str, Any]:
    with server.connect() as connection:
        connection.execute("CREATE DATABASE small")
        connection.execute("CREATE DATABASE large")
    _fill(server.url("small"), 0)
    _fill(server.url("large"), COPIES)
    return _compare(folder, redis_url, server.url("small"), server.url("large"))


def _fill(url: str, copies: int, *, told: bool = False) -> None:
    db = Database(url)
    if not told:
        upgrade(url)
        build(db, (_KEY,), Size(referrers=_REFERRERS))
    if copies:
        multiply(db, copies)
        _gather(db, copied_name("ref3", copies))
    db.dispose()


def _gather(db: Database, code: str) -> None:
    """Give one referrer a hundred thousand commissions. Only what is read is moved: nobody checks these books."""
    many = "SELECT id FROM commissions ORDER BY id LIMIT :many"
    whose = "SELECT id FROM referrers WHERE code = :code"
    with db.transaction() as session:
        statement = text(f"UPDATE commissions SET referrer_id = ({whose}) WHERE id IN ({many})")
        session.execute(statement, {"code": code, "many": _MANY})


def _compare(folder: Path, redis_url: str, small_url: str, large_url: str) -> dict[str, Any]:
    houses = [
        _House(_settings(folder, redis_url, small_url), 0),
        _House(_settings(folder, redis_url, large_url), COPIES),
    ]
    for house in houses:
        house.prepare()
        for number in range(10_000, 10_020):
            house.order(number)
            house.view(number)
    for name, count in (
        ("order", _ORDERS),
        ("drain", _BATCHES),
        ("dashboard", _VIEWS),
        ("own commissions", _VIEWS),
    ):
        for number in range(count):
            for house in houses:
                work = {
                    "order": house.order,
                    "drain": house.drain,
                    "dashboard": house.view,
                    "own commissions": house.own_commissions,
                }[name]
                house.time(name, work, number)
    for path in _LISTS:
        for number in range(_LIST_VIEWS + 2):
            for house in houses:
                # The first ones warm the caches and are not counted.
                house.time(path if number > 1 else "", partial(house.list_page, path), number)
    for house in houses:
        house.times.pop("")
        house.db.dispose()
    small, large = ({name: median(times) for name, times in house.times.items()} for house in houses)
    per = dict.fromkeys(small, 1) | {"drain": _BATCH}
    return {
        "small_ms": {name: round(value / per[name], 4) for name, value in small.items()},
        "large_ms": {name: round(value / per[name], 4) for name, value in large.items()},
        "ratios": {name: round(large[name] / small[name], 3) for name in small},
    }


def _settings(folder: Path, redis_url: str, database_url: str) -> Settings:
    keys = dict.fromkeys(("SECRET_KEYS", "LINK_KEYS", "ENCRYPTION_KEYS"), _KEY)
    return Settings.from_env(
        {
            "APP_ENV": "test",
            "VAR_DIR": str(folder),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            **keys,
        }
    )


if __name__ == "__main__":
    sys.stdout.write(f"{run()}\n")
