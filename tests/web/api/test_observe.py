"""Liveness, readiness, metrics and logs."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from app.factory import create_app
from app.kernel import clock, heartbeat
from app.observe import logs
from app.requests import EXTENSION
from tests.web.api.kit import order_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from app.services import Services
    from config import Settings
    from tests.web.api.kit import Shop


def metric(text: str, name: str) -> float:
    """The value of one line of Prometheus text; ``name`` includes its labels."""
    for line in text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    raise AssertionError(f"{name} is not in the metrics")


def test_a_living_process_says_so(app: Flask) -> None:
    assert app.test_client().get("/healthz").json == {"status": "ok"}


def test_readiness_names_the_part_that_is_away(
    app: Flask, database_url: str, make_settings: Callable[..., Settings]
) -> None:
    ready = app.test_client().get("/readyz")
    made = create_app(make_settings(DATABASE_URL=database_url, REDIS_URL="redis://127.0.0.1:1"))
    without_queue = made.test_client().get("/readyz")
    services: Services = made.extensions[EXTENSION]
    services.db.dispose()

    assert (ready.status_code, ready.json) == (200, {"status": "ready", "database": "ok", "queue": "ok"})
    assert without_queue.status_code == 503
    assert without_queue.json == {"status": "not ready", "database": "ok", "queue": "unreachable"}


def test_metrics_show_what_waits_and_who_is_alive(shop: Shop, wired: Services) -> None:
    shop.post("/orders/o1/payment", {"paid_at": "2026-09-12T09:00:00Z"})
    heartbeat.beat(wired.queue.redis, heartbeat.SCHEDULER, clock.now())
    answer = shop.client.get("/metrics")

    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    assert metric(answer.text, 'refledger_parked_facts{program="hosting"}') == 1
    assert metric(answer.text, "refledger_oldest_undrained_click_seconds") == 0
    assert metric(answer.text, "refledger_spool_bytes") == 0
    assert metric(answer.text, 'refledger_heartbeat_timestamp_seconds{process="scheduler"}') > 1e9
    assert "refledger_last_closed_run_timestamp_seconds" in answer.text
    assert 'route="/api/v1/orders/<any_id:order_id>/payment",status="202"' in answer.text


def test_metrics_go_on_while_redis_is_away(database_url: str, make_settings: Callable[..., Settings]) -> None:
    made = create_app(make_settings(DATABASE_URL=database_url, REDIS_URL="redis://127.0.0.1:1"))
    text = made.test_client().get("/metrics").text
    made.extensions[EXTENSION].db.dispose()

    assert metric(text, 'refledger_up{part="queue"}') == 0
    assert metric(text, 'refledger_up{part="database"}') == 1
    assert "refledger_spool_bytes" in text
    assert "refledger_heartbeat_timestamp_seconds" not in text


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("203.0.113.7", {}, 403),
        ("", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, 403),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.7"}, 403),
        ("203.0.113.7", {"Authorization": "Bearer metrics-token"}, 200),
        ("203.0.113.7", {"Authorization": "Bearer metrics-tokem"}, 403),
        ("203.0.113.7", {"Authorization": "Bearer "}, 403),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_metrics_answer_this_machine_and_the_token_only(
    database_url: str,
    valkey_url: str,
    make_settings: Callable[..., Settings],
    peer: str,
    headers: dict[str, str],
    status: int,
) -> None:
    made = create_app(
        make_settings(DATABASE_URL=database_url, REDIS_URL=valkey_url, METRICS_TOKEN="metrics-token")
    )
    answer = made.test_client().get("/metrics", environ_overrides={"REMOTE_ADDR": peer}, headers=headers)
    services: Services = made.extensions[EXTENSION]
    services.db.dispose()
    services.queue.close()

    assert answer.status_code == status


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict[str, object]]]]:
    """What the process logs, as an operator's collector reads it."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure("INFO")
    written = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_request_leaves_one_line_of_json_with_its_id_and_no_secret(
    shop: Shop, log_lines: Callable[[], list[dict[str, object]]]
) -> None:
    body = order_body(customer="eva@example.org", payer_iban="NL91ABNA0417164300")
    answer = shop.post("/orders", body, headers={"X-Request-ID": "abc-1"})
    shop.get("/orders/eva@example.org")
    lines = log_lines()

    assert answer.status_code == 201
    (line,) = [line for line in lines if line.get("request_id") == "abc-1"]
    assert (line["event"], line["method"], line["route"], line["status"]) == (
        "request",
        "POST",
        "/api/v1/orders",
        201,
    )
    text = json.dumps(lines)
    for secret in (shop.key, shop.key.rpartition("_")[2], "NL91ABNA0417164300", "eva@example.org"):
        assert secret not in text


def test_a_secret_is_masked_whatever_logs_it(log_lines: Callable[[], list[dict[str, object]]]) -> None:
    structlog.get_logger("anything").warning(
        "tried", authorization="Bearer x", detail={"iban": "NL91", "ok": 1}, user_email="a@b.example"
    )
    logging.getLogger("library").warning("plain %s", "line")

    first, second = log_lines()
    assert first["authorization"] == first["user_email"] == "***"
    assert first["detail"] == {"iban": "***", "ok": 1}
    assert (second["event"], second["level"], second["logger"]) == ("plain line", "warning", "library")
