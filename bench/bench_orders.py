"""One order with two lines against the least that a view could do, and a batch against single orders.

Our side is the whole call: key check, rate limit, validation, attribution, commission, ledger, durable commit. The
other side is a Flask view that validates the same body with the same model and inserts one row in one transaction of
the same :class:`Database`, so with the same durability. Both are called as WSGI applications in this process, by one
client, in turns; each round has orders of its own, and the figures are medians of rounds.
"""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, cast

from flask import Flask, Response, request
from sqlalchemy import Column, Integer, MetaData, String, Table, insert

from app.api import bodies, schemas
from app.api.batch import MEDIA_TYPE
from app.api.problems import dump
from app.embedded import postgres, valkey
from app.embedded.schema import upgrade
from app.factory import create_app
from app.identity.api_keys import Scope, create_api_key
from app.identity.audit import Actor
from app.kernel import clock
from app.observe import logs
from app.referrals.programs import ProgramSettings, create_program, set_product
from app.referrals.rates import RateTerms, set_rate
from app.referrals.referrers import Joining, join
from app.requests import EXTENSION
from config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.kernel.db import Database
    from app.services import Services

LEAST_RATIO: Final = 0.15
LEAST_BATCH_RATIO: Final = 2.0
ROUNDS: Final = 5
PER_ROUND: Final = 60
BATCH_LINES: Final = 200
CUSTOMERS: Final = 200

_KEYS: Final = {
    name: f"{name.lower()}-of-the-benchmark-0123456789"
    for name in ("SECRET_KEYS", "LINK_KEYS", "ENCRYPTION_KEYS")
}


def run() -> dict[str, Any]:
    """Measure on SQLite and on PostgreSQL; ``passed`` says whether all four bounds held."""
    folder = Path(tempfile.mkdtemp(prefix="refledger-bench-"))
    try:
        with (
            valkey.running(folder / "valkey") as redis_url,
            postgres.running(folder / "postgres", durable=True) as server,
        ):
            with server.connect() as connection:
                connection.execute("CREATE DATABASE orders")
            found = {
                "sqlite": _measure(f"sqlite:///{folder / 'orders.db'}", redis_url, folder),
                "postgresql": _measure(server.url("orders"), redis_url, folder),
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    passed = all(
        each["ratio"] >= LEAST_RATIO and each["batch_ratio"] >= LEAST_BATCH_RATIO for each in found.values()
    )
    return {
        **found,
        "bounds": {"ratio": LEAST_RATIO, "batch_ratio": LEAST_BATCH_RATIO},
        "called": "in-process WSGI, one client",
        "passed": passed,
    }


def _measure(database_url: str, redis_url: str, folder: Path) -> dict[str, float]:
    upgrade(database_url)
    settings = Settings.from_env(
        {
            "APP_ENV": "test",
            "VAR_DIR": str(folder / "var"),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "API_RATE_LIMIT": "1000000",
            **_KEYS,
        }
    )
    log_into_nothing()
    app = create_app(settings)
    services: Services = app.extensions[EXTENSION]
    with _least_view(services.db) as least:
        ours = Client(app, world(services))
        theirs = Client(least, "")
        figures = _rounds(ours, theirs)
    services.queue.close()
    services.db.dispose()
    return figures


def log_into_nothing() -> None:
    """Write the request log as an installation does, but where nobody has to read it."""
    logs.configure("INFO")
    (handler,) = logging.getLogger().handlers
    nothing = Path(os.devnull).open("w")  # noqa: SIM115 - open as long as the process logs
    cast("logging.StreamHandler[Any]", handler).setStream(nothing)


def _rounds(ours: Client, theirs: Client) -> dict[str, float]:
    number = 0
    single: list[float] = []
    plain: list[float] = []
    batched: list[float] = []
    for turn in range(ROUNDS + 1):
        orders = [_order(number + each) for each in range(PER_ROUND)]
        lines = [_order(number + PER_ROUND + each) for each in range(BATCH_LINES)]
        number += PER_ROUND + BATCH_LINES
        rates = (_rate(theirs, orders), _rate(ours, orders), _batch_rate(ours, lines))
        if turn:  # the first round warms caches and pools
            for kept, rate in zip((plain, single, batched), rates, strict=True):
                kept.append(rate)
    return {
        "orders_per_second": round(median(single), 1),
        "least_view_per_second": round(median(plain), 1),
        "batch_orders_per_second": round(median(batched), 1),
        "ratio": round(median(mine / other for mine, other in zip(single, plain, strict=True)), 3),
        "batch_ratio": round(median(many / one for many, one in zip(batched, single, strict=True)), 2),
    }


def _rate(client: Client, orders: list[dict[str, Any]]) -> float:
    encoded = [json.dumps(order).encode() for order in orders]
    started = time.perf_counter()
    for body in encoded:
        client.post("/api/v1/orders", body, "application/json", 201)
    return len(orders) / (time.perf_counter() - started)


def _batch_rate(client: Client, orders: list[dict[str, Any]]) -> float:
    body = b"".join(json.dumps({"type": "order", **order}).encode() + b"\n" for order in orders)
    started = time.perf_counter()
    answer = client.post("/api/v1/batch", body, MEDIA_TYPE, 200)
    seconds = time.perf_counter() - started
    statuses = {json.loads(line)["status"] for line in answer.splitlines()}
    if statuses != {201}:
        raise AssertionError(f"the batch was answered {statuses}")
    return len(orders) / seconds


class Client:
    """Calls a WSGI application without a socket: both sides pay the same for it, next to nothing."""

    def __init__(self, app: Flask, key: str) -> None:
        self._app = app
        self._key = key

    def post(self, path: str, body: bytes, content_type: str, expected: int) -> bytes:
        """The body of the answer. Raises ``AssertionError`` for another status than expected."""
        seen: list[str] = []
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_AUTHORIZATION": f"Bearer {self._key}",
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        parts = self._app.wsgi_app(environ, lambda status, _headers, _error=None: seen.append(status))  # type: ignore[arg-type]
        answer = b"".join(parts)
        close = getattr(parts, "close", None)
        if close:
            close()
        if not seen[0].startswith(str(expected)):
            raise AssertionError(f"{path} answered {seen[0]}: {answer[:500]!r}")
        return answer


@contextmanager
def _least_view(db: Database) -> Iterator[Flask]:
    """A Flask application whose one view validates an order and inserts one row."""
    table = Table(
        "bench_rows",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("order_id", String(128), nullable=False),
        Column("body", String, nullable=False),
    )
    table.create(db.engine)
    app = Flask("least")

    @app.post("/api/v1/orders")
    def create_order() -> Response:
        raw = bodies.read_json(request)
        body = bodies.validate(schemas.OrderBody, raw, clock.now())
        with db.transaction() as session:
            session.execute(insert(table).values(order_id=body.order_id, body=json.dumps(raw)))
        return Response(dump({"order_id": body.order_id}), 201, mimetype="application/json")

    yield app
    table.drop(db.engine)


def world(services: Services) -> str:
    """A programme whose customers all belong to one of twenty referrers; its key."""
    actor, now = Actor.system("bench"), clock.now()
    started = datetime(2026, 1, 1, tzinfo=UTC)
    with services.db.transaction() as session:
        settings = ProgramSettings(name="Bench", landing_url="https://shop.example/")
        program = create_program(
            session, slug="bench", currency="EUR", settings=settings, actor=actor, now=started
        )
        for sku, rate in (("vps", "10%"), ("domain", "5.00")):
            product = set_product(session, program, sku=sku, name=sku, now=started)
            set_rate(
                session,
                program,
                RateTerms(rate),
                product=product,
                referrer=None,
                valid_from=None,
                actor=actor,
                now=started,
            )
        for number in range(20):
            joining = Joining(
                name=f"Referrer {number}", email=f"r{number}@example.org", code=f"bench-{number}"
            )
            join(session, services.keyring, program, joining, actor=actor, now=started)
        made = create_api_key(
            session,
            program_id=program.id,
            name="bench",
            scopes=[scope.value for scope in Scope],
            actor=actor,
            now=now,
        )
    _sign_everybody_up(services.settings, made.key)
    return made.key


def _sign_everybody_up(settings: Settings, key: str) -> None:
    app = create_app(settings)
    signups = b"".join(
        json.dumps(
            {
                "type": "signup",
                "customer_id": f"c{number}",
                "referrer_code": f"bench-{number % 20}",
                "signed_up_at": "2026-02-01T00:00:00Z",
            }
        ).encode()
        + b"\n"
        for number in range(CUSTOMERS)
    )
    Client(app, key).post("/api/v1/batch", signups, MEDIA_TYPE, 200)
    other: Services = app.extensions[EXTENSION]
    other.queue.close()
    other.db.dispose()


def _order(number: int) -> dict[str, Any]:
    placed_at = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(minutes=number)
    return {
        "order_id": f"order-{number}",
        "customer_id": f"c{number % CUSTOMERS}",
        "currency": "EUR",
        "status": "paid",
        "placed_at": placed_at.isoformat(),
        "paid_at": (placed_at + timedelta(seconds=40)).isoformat(),
        "method": "card",
        "lines": [
            {"line_id": "1", "product": "vps", "quantity": 1, "net": 11_000},
            {"line_id": "2", "product": "domain", "quantity": 2, "net": 1_798, "kind": "renewal"},
        ],
    }
