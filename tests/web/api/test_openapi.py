"""The OpenAPI document: valid, complete, true; and its readable page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, cast

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.api import answers, batch, examples
from app.api.routes import OPERATIONS
from app.kernel import clock
from tests.web.api.kit import order_body, refund_body

if TYPE_CHECKING:
    from flask import Flask

    from tests.web.api.kit import Shop

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

UNDOCUMENTED = {"/openapi.json", "/docs"}


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    """The document as it is served, without a key."""
    answer = app.test_client().get("/api/v1/openapi.json")
    assert answer.mimetype == "application/json"
    return cast("dict[str, Any]", answer.json)


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_route_of_the_api_is_in_the_document_and_nothing_else(
    app: Flask, document: dict[str, Any]
) -> None:
    routed = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).removeprefix("/api/v1"))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    written = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}

    assert {(method, path) for method, path in routed if path not in UNDOCUMENTED} == written


def test_the_contract_is_covered(document: dict[str, Any]) -> None:
    contract = {
        "post /referrers",
        "get /referrers/{code}",
        "get /referrers/{code}/balance",
        "put /referrers/{code}/payout-destination",
        "post /referrers/{code}/links",
        "post /signups",
        "put /customers/{customer_id}/partner",
        "delete /customers/{customer_id}/partner",
        "delete /customers/{customer_id}/personal-data",
        "post /orders",
        "post /orders/{order_id}/payment",
        "post /orders/{order_id}/corrections",
        "post /orders/{order_id}/cancellation",
        "post /orders/{order_id}/refunds",
        "get /orders/{order_id}/explanation",
        "post /batch",
        "get /clicks",
        "get /commissions",
        "get /payouts",
        "get /payout-runs",
    }
    written = {f"{method} {path}" for path, methods in document["paths"].items() for method in methods}

    assert contract <= written


def schema_of(document: dict[str, Any], name: str) -> Draft202012Validator:
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.body], ids=lambda each: each.name)
def test_every_example_of_a_body_is_accepted_by_model_and_schema(
    document: dict[str, Any], operation: Any
) -> None:
    shown = examples.BODIES[operation.name]

    assert shown
    for body in shown.values():
        parsed = json.loads(json.dumps(body))
        operation.body.model_validate(parsed, context={"now": clock.now()})
        schema_of(document, operation.body.__name__).validate(parsed)


def test_every_example_of_an_answer_is_of_its_model(document: dict[str, Any]) -> None:
    for name, shown in examples.ANSWERS.items():
        for answer in shown.values():
            assert getattr(answers, name).model_validate(answer)
            schema_of(document, name).validate(answer)


def test_what_the_api_really_answers_fits_the_schema(shop: Shop, document: dict[str, Any]) -> None:
    shop.bind()
    lines = order_body()["lines"]
    shop.post("/orders", order_body("usd", currency="USD"))
    seen = {
        "OrderAnswer": shop.post("/orders", order_body(status="pending")),
        "PaymentAnswer": shop.post("/orders/o1/payment", {"paid_at": "2026-09-12T09:00:00Z"}),
        "CorrectionAnswer": shop.post("/orders/o1/corrections", {"correction_id": "k1", "lines": lines}),
        "RefundAnswer": shop.post("/orders/o1/refunds", refund_body()),
        "CancellationAnswer": shop.post("/orders/o2/cancellation", {"cancelled_at": "2026-09-12T09:00:00Z"}),
        "ExplanationAnswer": shop.get("/orders/o1/explanation"),
        "SignupAnswer": shop.get("/signups/c1"),
        "SignupExplanationAnswer": shop.get("/signups/c1/explanation"),
        "PartnerAnswer": shop.put("/customers/c1/partner", {"referrer_code": "bob-hosting"}),
        "PartnerLinkAnswer": shop.post("/customers/c1/partner-link", None),
        "HandOverAnswer": shop.post("/customers/c1/session", {}),
        "CustomerDataAnswer": shop.get("/customers/c1/personal-data"),
        "ErasureAnswer": shop.delete("/customers/c1/personal-data"),
        "ReferrerAnswer": shop.get(f"/referrers/{shop.code}"),
        "BalanceAnswer": shop.get(f"/referrers/{shop.code}/balance"),
        "LinkAnswer": shop.post(f"/referrers/{shop.code}/links", {"campaign": "x", "to": "/vps"}),
        "LeadAnswer": shop.post(
            f"/referrers/{shop.code}/leads", {"lead_id": "L-1", "email": "p@example.com"}
        ),
        "DestinationAnswer": shop.put(
            f"/referrers/{shop.code}/payout-destination", {"holder": "Ada", "iban": "NL91ABNA0417164300"}
        ),
        "ProgramAnswer": shop.get("/program"),
        "ClickPage": shop.get("/clicks"),
        "CommissionPage": shop.get("/commissions"),
        "PayoutPage": shop.get("/payouts"),
        "RunPage": shop.get("/payout-runs"),
        "WaitingPage": shop.get("/waiting-orders"),
        "Problem": shop.post("/orders", {}),
    }

    for name, answer in seen.items():
        schema_of(document, name).validate(answer.json)
    assert {model.__name__ for operation in OPERATIONS for model in operation.answers.values()} <= seen.keys()


def test_a_body_that_the_schema_refuses_is_refused(document: dict[str, Any]) -> None:
    wrong = [{"net": 12.5}, {"net": "1"}, {"net": True}, {"quantity": 0}, {"extra": 1}]
    for change in wrong:
        body = order_body(lines=[order_body()["lines"][0] | change])
        assert not schema_of(document, "OrderBody").is_valid(body), change


def test_each_line_of_a_batch_is_described(document: dict[str, Any]) -> None:
    schema = document["paths"]["/batch"]["post"]["requestBody"]["content"]["application/x-ndjson"]["schema"]

    assert schema["discriminator"]["mapping"].keys() == batch.LINE_TYPES.keys()


class _Page(HTMLParser):
    """Collects what a page loads and the ids that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.targets: list[str] = []
        self.ids: set[str] = set()
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids.add(found.get("id", ""))
        if tag in {"script", "link", "img", "iframe", "style"}:
            self.loads.append(found.get("src") or found.get("href") or "inline")
        if "style" in found or any(name.startswith("on") for name in found):
            self.inline.append(tag)
        if found.get("href", "").startswith("#"):
            self.targets.append(found["href"][1:])


def test_the_readable_page_shows_every_call_and_loads_nothing_from_elsewhere(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/docs")
    page = _Page()
    page.feed(answer.text)

    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert {operation.name for operation in OPERATIONS} | {"create_batch"} <= page.ids
    assert page.loads
    assert all(load.startswith("/static/") for load in page.loads)
    assert page.inline == []
    assert set(page.targets) <= page.ids
    with app.test_client().get(page.loads[0]) as style:
        assert style.status_code == 200
