"""Many facts in one request: each as if it had come alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.api import batch, intake
from app.ledger.models import LedgerBalance, LedgerEntry
from app.referrals.models import Commission, Fact
from app.referrals.orders import record_order
from tests.web.api.kit import order_body, refund_body

if TYPE_CHECKING:
    from typing import Any

    from app.services import Services
    from tests.web.api.kit import Shop


def order_line(order_id: str, **changes: Any) -> dict[str, Any]:
    return {"type": "order", **order_body(order_id, **changes)}


def test_each_line_is_answered_in_order_as_if_it_had_come_alone(shop: Shop) -> None:
    facts = [
        {
            "type": "signup",
            "customer_id": "c1",
            "referrer_code": shop.code,
            "signed_up_at": "2026-09-01T00:00:00Z",
        },
        order_line("o1", status="pending"),
        {"type": "payment", "order_id": "o1", "paid_at": "2026-09-12T09:00:00Z"},
        {"type": "refund", "order_id": "o1", **refund_body()},
        {"type": "correction", "order_id": "o1", "correction_id": "k1", "lines": order_body()["lines"]},
        {"type": "cancellation", "order_id": "o9", "cancelled_at": "2026-09-12T09:00:00Z"},
        order_line("o1", status="pending"),
    ]
    answers = shop.batch(facts)

    assert [(answer["line"], answer["status"]) for answer in answers] == [
        (1, 201),
        (2, 201),
        (3, 201),
        (4, 201),
        (5, 201),
        (6, 202),
        (7, 200),
    ]
    assert answers[6]["body"] == shop.get("/orders/o1").json
    assert answers[3]["body"]["commissions"][0]["amount"] == 800


def test_a_broken_line_does_not_stop_the_rest_and_leaves_nothing_behind(shop: Shop, wired: Services) -> None:
    shop.bind()
    answers = shop.batch(
        [
            order_line("o1"),
            "not json",
            order_line("o1", method="card"),
            "",
            order_line("o2", lines=[]),
            {"type": "refund", "order_id": "o1", **refund_body(lines=[{"line_id": "l1", "net": 11_001}])},
            {"type": "voucher"},
            "[]",
            {"order_id": "o4"},
            order_line("o3"),
        ]
    )

    assert [(answer["line"], answer["status"]) for answer in answers] == [
        (1, 201),
        (2, 400),
        (3, 409),
        (5, 422),
        (6, 422),
        (7, 422),
        (8, 422),
        (9, 422),
        (10, 201),
    ]
    assert answers[3]["body"]["errors"][0]["pointer"] == "/lines"
    assert answers[0]["body"]["commissions"][0]["amount"] == 1_100
    assert all(answer["body"]["request_id"] for answer in answers if answer["status"] >= 400)
    with wired.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Fact)) == 3
        assert session.scalar(select(func.count()).select_from(Commission)) == 2
        assert session.scalar(select(func.sum(LedgerEntry.amount_minor))) == 0
        payable = select(func.sum(LedgerBalance.amount_minor)).where(LedgerBalance.figure == "payable")
        assert session.scalar(payable) == 2_200


def test_the_same_batch_again_is_no_news(shop: Shop) -> None:
    shop.bind()
    facts = [order_line(f"o{number}") for number in range(60)]
    first, again = shop.batch(facts), shop.batch(facts)

    assert {answer["status"] for answer in first} == {201}
    assert {answer["status"] for answer in again} == {200}
    assert [answer["body"] for answer in again] == [answer["body"] for answer in first]
    assert shop.get(f"/referrers/{shop.code}/balance").json["earned"] == 60 * 1_100


def test_a_chunk_that_the_database_gives_up_on_is_taken_line_by_line(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = {"count": 0}

    class Deadlock(Exception):
        sqlstate = "40P01"

    def sometimes(*arguments: Any) -> Any:
        calls["count"] += 1
        if calls["count"] in {3, 6}:
            raise OperationalError("INSERT", {}, Deadlock())
        return record_order(*arguments)

    monkeypatch.setattr(intake, "record_order", sometimes)
    shop.bind()
    answers = shop.batch([order_line(f"o{number}") for number in range(5)])

    assert [answer["status"] for answer in answers] == [201] * 5
    assert shop.get(f"/referrers/{shop.code}/balance").json["earned"] == 5 * 1_100


def test_a_defect_of_ours_in_one_line_is_answered_500_and_the_others_stand(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(deps: Any, session: Any, program: Any, fact: Any, now: Any) -> Any:
        if fact.order_id == "o1":
            raise RuntimeError("inside")
        return record_order(deps, session, program, fact, now)

    monkeypatch.setattr(intake, "record_order", broken)
    answers = shop.batch([order_line(f"o{number}") for number in range(3)])

    assert [answer["status"] for answer in answers] == [201, 500, 201]
    assert "inside" not in json.dumps(answers)


@pytest.mark.parametrize(
    "content_type", ["application/x-ndjson", "application/ndjson", "application/json", None]
)
def test_the_usual_names_of_ndjson_are_read(shop: Shop, content_type: str | None) -> None:
    data = json.dumps(order_line("o1")).encode()  # without a line end after the last line
    answer = shop.call("POST", "/batch", data=data, content_type=content_type)

    assert answer.status_code == 200
    assert answer.mimetype == "application/x-ndjson"
    assert json.loads(answer.text)["status"] == 201


def test_a_batch_may_be_larger_than_a_single_body_but_not_endless(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    padding = "x" * (1024 * 1024 + 10)
    answers = shop.batch(
        [order_line("o1"), f'{{"type": "order", "order_id": "{padding}"}}', order_line("o2")]
    )
    assert [answer["status"] for answer in answers] == [201, 413, 201]

    monkeypatch.setattr(batch, "MAX_BATCH", 1000)
    too_large = shop.call("POST", "/batch", data=b"{}\n" * 500, content_type="application/x-ndjson")
    assert too_large.status_code == 413
    assert too_large.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    ("data", "content_type", "status"), [(b"", "application/x-ndjson", 400), (b"{}", "text/xml", 415)]
)
def test_a_batch_of_the_wrong_form_is_refused(
    shop: Shop, data: bytes, content_type: str, status: int
) -> None:
    assert shop.call("POST", "/batch", data=data, content_type=content_type).status_code == status
