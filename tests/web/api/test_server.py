"""What only the real server shows: paths as it hands them over, streamed bodies, and many requests at once."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from app.factory import build_services
from app.ledger.check import first_broken
from app.payouts.check import ALL_CHECKS
from tests.conftest import KEYS
from tests.web.api.kit import Shop, open_shop, order_body
from tests.web.api.server import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.services import Services
    from config import Settings

TOGETHER = 20


@pytest.fixture
def environ(database_url: str, valkey_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of an installation."""
    return {
        "APP_ENV": "test",
        "VAR_DIR": str(tmp_path / "var"),
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey_url,
        "API_RATE_LIMIT": "100000",
        **KEYS,
    }


@pytest.fixture
def wired(environ: dict[str, str], make_settings: Callable[..., Settings]) -> Iterator[Services]:
    """The installation's parts, for making a programme."""
    services = build_services(make_settings(**environ))
    yield services
    services.db.dispose()
    services.queue.close()


@pytest.fixture
def shop(wired: Services) -> Shop:
    """A programme and its key; the client is of no use here."""
    return open_shop(wired, None)  # type: ignore[arg-type]


@pytest.fixture
def serve(environ: dict[str, str], tmp_path: Path, shop: Shop) -> Callable[[], Any]:
    """Start the server, any number of times."""
    return lambda: running(environ, tmp_path / "granian.txt")


def client_of(url: str, shop: Shop) -> httpx.Client:
    return httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {shop.key}"}, timeout=60)


def bind(client: httpx.Client, shop: Shop, customer: str = "c1") -> None:
    body = {"customer_id": customer, "referrer_code": shop.code, "signed_up_at": "2026-09-01T00:00:00Z"}
    assert client.post("/signups", json=body).status_code == 201


def test_the_same_order_twice_twenty_times_at_once_and_after_a_restart_is_one_order(
    serve: Callable[[], Any], shop: Shop, wired: Services
) -> None:
    start = threading.Barrier(TOGETHER)

    def post(client: httpx.Client) -> tuple[int, Any]:
        start.wait()
        answer = client.post("/orders", json=order_body())
        return answer.status_code, answer.json()

    with serve() as url, client_of(url, shop) as client:
        bind(client, shop)
        with ThreadPoolExecutor(TOGETHER) as pool:
            answers = list(pool.map(post, [client] * TOGETHER))
        assert sorted(status for status, _ in answers) == [200] * (TOGETHER - 1) + [201]
        first = answers[0][1]
        assert all(body == first for _, body in answers)
        assert client.post("/orders", json=order_body()).status_code == 200

    with serve() as url, client_of(url, shop) as client:
        again = client.post("/orders", json=order_body())
        assert (again.status_code, again.json()) == (200, first)
        assert client.post("/orders", json=order_body(method="card")).status_code == 409
        assert client.get(f"/referrers/{shop.code}/balance").json()["earned"] == 1_100
    with wired.db.reading() as session:
        assert first_broken(session, ALL_CHECKS) is None


def test_an_order_and_its_signup_at_the_same_instant_do_not_miss_each_other(
    serve: Callable[[], Any], shop: Shop
) -> None:
    pairs = 10
    start = threading.Barrier(2 * pairs)

    def post(job: tuple[httpx.Client, str, dict[str, Any]]) -> int:
        client, path, body = job
        start.wait()
        return client.post(path, json=body).status_code

    with serve() as url, client_of(url, shop) as client:
        jobs = []
        for number in range(pairs):
            customer = f"c{number}"
            signup = {
                "customer_id": customer,
                "referrer_code": shop.code,
                "signed_up_at": "2026-09-01T00:00:00Z",
            }
            jobs += [(client, "/signups", signup), (client, "/orders", order_body(f"o{number}", customer))]
        with ThreadPoolExecutor(2 * pairs) as pool:
            assert set(pool.map(post, jobs)) == {201}

        assert client.get(f"/referrers/{shop.code}/balance").json()["earned"] == pairs * 1_100


def test_two_refunds_at_the_same_instant_are_both_taken_back(serve: Callable[[], Any], shop: Shop) -> None:
    start = threading.Barrier(10)

    def refund(job: tuple[httpx.Client, int]) -> int:
        client, number = job
        body = {
            "refund_id": f"r{number}",
            "kind": "refund",
            "refunded_at": "2026-09-20T12:00:00Z",
            "lines": [{"line_id": "l1", "net": 1_000}],
        }
        start.wait()
        return client.post("/orders/o1/refunds", json=body).status_code

    with serve() as url, client_of(url, shop) as client:
        bind(client, shop)
        client.post("/orders", json=order_body())
        with ThreadPoolExecutor(10) as pool:
            assert list(pool.map(refund, [(client, number) for number in range(10)])) == [201] * 10

        balance = client.get(f"/referrers/{shop.code}/balance").json()
        assert (balance["earned"], balance["clawed_back"]) == (1_100, 1_000)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_paths_bodies_and_batches_as_the_server_hands_them_over(serve: Callable[[], Any], shop: Shop) -> None:
    with serve() as url, client_of(url, shop) as client:
        bind(client, shop)
        ids_with_slashes_and_signs_work(client)
        a_body_without_a_length_is_read_and_bounded(client)
        a_large_batch_is_answered_whole(client)
        refusals_are_problems(url, client)


def ids_with_slashes_and_signs_work(client: httpx.Client) -> None:
    for order_id, path in {
        "2026/0012": "2026%2F0012",
        "50% ü//x": "50%25%20%C3%BC%2F%2Fx",
        "/a/": "%2Fa%2F",
    }.items():
        assert client.post("/orders", json=order_body(order_id, status="pending")).status_code == 201
        assert (
            client.post(f"/orders/{path}/payment", json={"paid_at": "2026-09-12T09:00:00Z"}).status_code
            == 201
        )
        assert client.get(f"/orders/{path}").json()["order_id"] == order_id
        assert client.get(f"/orders/{path}/payment").json()["state"] == "recorded"


def a_body_without_a_length_is_read_and_bounded(client: httpx.Client) -> None:
    def parts(raw: bytes) -> Iterator[bytes]:
        for at in range(0, len(raw), 7_000):
            yield raw[at : at + 7_000]

    headers = {"Content-Type": "application/json"}
    body = json.dumps(order_body("chunked")).encode()
    assert client.post("/orders", content=parts(body), headers=headers).status_code == 201
    endless = b'{"order_id": "' + b"x" * (1024 * 1024 + 1) + b'"}'
    assert client.post("/orders", content=parts(endless), headers=headers).status_code == 413
    assert client.post("/orders", content=endless, headers=headers).status_code == 413


def a_large_batch_is_answered_whole(client: httpx.Client) -> None:
    lines = [json.dumps({"type": "order", **order_body(f"b{number}")}) for number in range(300)]
    padding = [json.dumps({"type": "order", "order_id": "x" * 60_000}) for _ in range(60)]
    data = "\n".join([*lines, *padding, lines[0]]).encode()
    assert len(data) > 3 * 1024 * 1024
    answer = client.post("/batch", content=data, headers={"Content-Type": "application/x-ndjson"})

    statuses = [json.loads(line)["status"] for line in answer.text.splitlines()]
    assert statuses == [201] * 300 + [422] * 60 + [200]


def refusals_are_problems(url: str, client: httpx.Client) -> None:
    for answer in (
        httpx.get(f"{url}/api/v1/orders/x"),
        httpx.get(f"{url}/api/nope"),
        client.delete("/orders"),
        client.get("/orders/unknown"),
        client.post("/orders", content=b"{", headers={"Content-Type": "application/json"}),
    ):
        assert answer.status_code >= 400
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
