"""Every refusal under /api is a problem that says what is wrong and gives nothing away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from app.api import intake
from app.api.routes import OPERATIONS
from app.identity.api_keys import Scope, revoke_api_key
from app.kernel import clock
from tests.builders import ACTOR
from tests.web.api.kit import ALL_SCOPES, another_key, order_body, refund_body

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from app.api.operations import Operation
    from app.services import Services
    from tests.web.api.kit import Reply, Shop

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""None of this depends on the database."""

PATH_VALUES = {
    "code": "nobody",
    "customer_id": "c-1",
    "order_id": "o-1",
    "refund_id": "r-1",
    "correction_id": "k-1",
    "lead_id": "l-1",
}


def path_of(operation: Operation, **values: str) -> str:
    return operation.path.format(**(PATH_VALUES | values))


def assert_problem(answer: Reply | TestResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    problem = cast("dict[str, Any]", answer.json)
    assert problem["status"] == status
    assert problem["type"]
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    return problem


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_call_asks_for_a_key(shop: Shop, operation: Operation) -> None:
    url = "/api/v1" + path_of(operation)
    client: FlaskClient = shop.client

    missing = client.open(url, method=operation.method)
    assert_problem(missing, 401)
    assert missing.headers["WWW-Authenticate"].startswith("Bearer")
    for header in (
        "",
        "Bearer",
        "Bearer ",
        "Basic " + shop.key,
        shop.key,
        "Bearer rfl_x_y",
        f"Bearer {shop.key}x",
    ):
        assert_problem(client.open(url, method=operation.method, headers={"Authorization": header}), 401)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_call_asks_for_its_scope(shop: Shop, wired: Services, operation: Operation) -> None:
    others = set(ALL_SCOPES) - {scope.value for scope in operation.scopes}
    weak = another_key(wired, shop, others)

    problem = assert_problem(weak.call(operation.method, path_of(operation)), 403)
    assert operation.scopes[0].value in problem["detail"]


def test_a_batch_asks_for_the_scope_of_each_line(shop: Shop, wired: Services) -> None:
    weak = another_key(wired, shop, [Scope.SIGNUPS_WRITE])

    answers = weak.batch([{"type": "signup", "customer_id": "c9"}, {"type": "order", **order_body()}])

    assert [answer["status"] for answer in answers] == [201, 403]
    assert "orders:write" in answers[1]["body"]["detail"]
    assert_problem(shop.client.post("/api/v1/batch", data=b"{}"), 401)


def test_a_revoked_key_is_refused_at_once(shop: Shop, wired: Services) -> None:
    assert shop.get("/clicks").status_code == 200
    with wired.db.transaction() as session:
        revoke_api_key(session, shop.key, actor=ACTOR, now=clock.now())

    assert_problem(shop.get("/clicks"), 401)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_another_programmes_resource_is_not_found_by_any_call(
    shop: Shop, rival: Shop, operation: Operation
) -> None:
    shop.bind("c-1")
    shop.post("/orders", order_body("o-1", "c-1"))
    shop.post("/orders/o-1/refunds", refund_body("r-1"))
    lines = order_body()["lines"]
    shop.post("/orders/o-1/corrections", {"correction_id": "k-1", "lines": lines})
    shop.put(f"/referrers/{shop.code}/payout-destination", {"holder": "Ada", "iban": "NL91ABNA0417164300"})
    shop.post(f"/referrers/{shop.code}/leads", {"lead_id": "l-1", "email": "prospect@example.org"})
    before = [shop.get(path).json for path in ("/orders/o-1", f"/referrers/{shop.code}", "/signups/c-1")]
    bodies = {
        "put_payout_destination": {"holder": "Eve", "iban": "DE89370400440532013000"},
        "create_link": {"campaign": "x"},
        "create_lead": {"lead_id": "l-2", "email": "eve@example.org"},
        "create_partner_link": None,
        "create_referrer_session": {},
        "create_customer_session": {},
        "put_partner": {"referrer_code": shop.code},
    }
    if operation.query and "{" not in operation.path:
        answer = rival.get(operation.path, query_string={"referrer": shop.code})
    elif "{" in operation.path and (operation.method in {"GET", "DELETE"} or operation.name in bodies):
        answer = rival.call(operation.method, path_of(operation, code=shop.code), bodies.get(operation.name))
    else:
        assert operation.name in MAKES_ITS_OWN, f"{operation.name} is not classified"
        return

    assert answer.status_code in {404, 422} if operation.name == "put_partner" else answer.status_code == 404
    after = [shop.get(path).json for path in ("/orders/o-1", f"/referrers/{shop.code}", "/signups/c-1")]
    assert after == before


MAKES_ITS_OWN = {
    "read_program",
    "create_referrer",
    "create_signup",
    "create_order",
    "create_payment",
    "create_correction",
    "create_cancellation",
    "create_refund",
}
"""Calls that name nothing of another programme: the same id is another resource in each programme."""


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/orders", "/api/v1/nope", "/api/v1/orders/"]
)
def test_an_unknown_path_is_a_problem(shop: Shop, path: str) -> None:
    assert_problem(shop.client.get(path), 404)
    assert_problem(shop.client.post(path, json={}), 404)


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(shop: Shop) -> None:
    answer = shop.delete("/orders")

    assert_problem(answer, 405)
    assert "POST" in answer.headers["Allow"]
    assert shop.call("PROPFIND", "/orders").status_code == 405
    assert "POST" in shop.call("OPTIONS", "/orders").headers["Allow"]


def test_head_answers_as_get_without_a_body(shop: Shop) -> None:
    shop.post("/orders", order_body())

    assert (shop.call("HEAD", "/orders/o1").status_code, shop.call("HEAD", "/orders/o1").data) == (200, b"")
    assert shop.call("HEAD", "/orders/o2").status_code == 404


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("application/json; charset=UTF-8", 201),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/xml", 415),
        (None, 415),
    ],
)
def test_only_json_in_utf_8_is_read(shop: Shop, content_type: str | None, status: int) -> None:
    answer = shop.call("POST", "/orders", data=json.dumps(order_body()).encode(), content_type=content_type)

    assert answer.status_code == status
    assert shop.get("/orders/o1").status_code == (200 if status == 201 else 404)


def test_a_compressed_body_is_refused(shop: Shop) -> None:
    answer = shop.post("/orders", order_body(), headers={"Content-Encoding": "gzip"})

    assert_problem(answer, 415)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[" * 50_000, b'{"order_id": "o1",}'])
def test_what_is_not_json_is_400(shop: Shop, raw: bytes) -> None:
    assert_problem(shop.call("POST", "/orders", data=raw, content_type="application/json"), 400)


def test_a_body_of_more_than_a_mebibyte_is_refused(shop: Shop) -> None:
    raw = b'{"order_id": "' + b"x" * 1024 * 1024 + b'"}'

    assert_problem(shop.call("POST", "/orders", data=raw, content_type="application/json"), 413)


def test_wrong_fields_are_pointed_at_and_nothing_is_recorded(shop: Shop) -> None:
    lines = [{"line_id": "l1", "product": "web", "quantity": True, "net": 12.0}]
    problem = assert_problem(shop.post("/orders", order_body(lines=lines, extra=1)), 422)

    assert {error["pointer"] for error in problem["errors"]} == {
        "/lines/0/quantity",
        "/lines/0/net",
        "/extra",
    }
    assert shop.get("/orders/o1").status_code == 404


def test_a_not_a_number_is_a_wrong_field(shop: Shop) -> None:
    raw = json.dumps(order_body()).replace("11000", "NaN").encode()
    problem = assert_problem(shop.call("POST", "/orders", data=raw, content_type="application/json"), 422)

    assert problem["errors"][0]["pointer"] == "/lines/0/net"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "N", "email": "n@example.org", "code": "AB"}, "/code"),
        ({"name": "N", "email": "n@example.org", "code": "Upper-Case"}, "/code"),
        ({"name": "N", "email": "n@example.org", "code": "a" * 33}, "/code"),
        ({"name": "", "email": "n@example.org"}, "/name"),
        ({"name": "N" * 201, "email": "n@example.org"}, "/name"),
        ({"name": "N", "email": "n"}, "/email"),
        ({"name": "N", "email": "n@example.org", "locale": "fr"}, "/locale"),
        ({"name": "N", "email": "n@example.org", "role": "owner"}, "/role"),
    ],
)
def test_a_wrong_referrer_is_refused(shop: Shop, body: dict[str, Any], pointer: str) -> None:
    problem = assert_problem(shop.post("/referrers", body), 422)

    assert problem["errors"][0]["pointer"] == pointer


def test_a_bad_iban_is_refused_without_being_repeated(shop: Shop) -> None:
    answer = shop.put(
        f"/referrers/{shop.code}/payout-destination", {"holder": "Ada", "iban": "NL91ABNA0417164301"}
    )

    assert assert_problem(answer, 422)["errors"][0]["pointer"] == "/iban"
    assert "0417164301" not in answer.text


def test_a_defect_of_ours_says_nothing_of_the_inside(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(intake, "record_order", broken)
    answer = shop.post("/orders", order_body())

    assert_problem(answer, 500)
    assert "secret" not in answer.text


def test_a_database_that_does_not_answer_is_503_and_says_when_to_come_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    monkeypatch.setattr(intake, "record_order", away)
    answer = shop.post("/orders", order_body())

    assert_problem(answer, 503)
    assert answer.headers["Retry-After"] == "1"


def test_a_request_id_is_taken_over_if_it_is_well_formed(shop: Shop) -> None:
    ours = shop.get("/clicks", headers={"X-Request-ID": "shop-7f.3:a_b"})
    strange = shop.get("/clicks", headers={"X-Request-ID": "x" * 65})
    spaced = shop.get("/clicks", headers={"X-Request-ID": "a b"})

    assert ours.headers["X-Request-ID"] == "shop-7f.3:a_b"
    assert strange.headers["X-Request-ID"].startswith("req_")
    assert spaced.headers["X-Request-ID"].startswith("req_")
