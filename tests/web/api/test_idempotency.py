"""``Idempotency-Key``: a client that repeats blindly makes nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.api.models import StoredAnswer
from app.kernel import clock
from app.referrals.models import Referrer
from tests.web.api.kit import order_body

if TYPE_CHECKING:
    from flask import Flask

    from app.services import Services
    from tests.web.api.kit import Shop

KEY = {"Idempotency-Key": "6f1c-1"}
SOMEBODY = {"name": "Carla", "email": "carla@example.org"}


def test_the_same_request_under_the_same_key_gets_the_first_answer_again(shop: Shop) -> None:
    first = shop.post("/referrers", SOMEBODY, headers=KEY)
    again = shop.post("/referrers", SOMEBODY, headers=KEY)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers


def test_another_body_or_another_call_under_the_same_key_is_refused(shop: Shop) -> None:
    shop.post("/referrers", SOMEBODY, headers=KEY)
    other = shop.post("/referrers", SOMEBODY | {"email": "dora@example.org"}, headers=KEY)
    elsewhere = shop.post("/orders", order_body(), headers=KEY)

    assert (other.status_code, elsewhere.status_code) == (422, 422)
    assert shop.get("/orders/o1").status_code == 404


def test_the_order_of_names_in_a_body_does_not_matter(shop: Shop) -> None:
    body = order_body()
    shop.post("/orders", body, headers=KEY)

    assert shop.post("/orders", dict(reversed(body.items())), headers=KEY).status_code == 201


def test_a_refused_request_does_not_use_the_key_up(shop: Shop) -> None:
    assert shop.post("/orders/o1/refunds", {"refund_id": "r"}, headers=KEY).status_code == 422
    shop.post("/orders", order_body(), headers={"Idempotency-Key": "other"})
    assert shop.post("/orders", order_body(method="card"), headers=KEY).status_code == 409
    assert shop.post("/orders", order_body("o2"), headers=KEY).status_code == 201


def test_each_programme_has_keys_of_its_own(shop: Shop, rival: Shop) -> None:
    assert shop.post("/orders", order_body(), headers=KEY).status_code == 201
    assert rival.post("/orders", order_body("o7"), headers=KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9"])
def test_a_key_is_1_to_255_printable_characters(shop: Shop, key: str) -> None:
    assert shop.post("/orders", order_body(), headers={"Idempotency-Key": key}).status_code == 422


def test_answers_are_forgotten_after_a_day(shop: Shop, wired: Services) -> None:
    with clock.frozen(clock.now() - timedelta(hours=25)):
        shop.post("/orders", order_body(), headers={"Idempotency-Key": "yesterday"})
    shop.post("/orders", order_body("o2"), headers=KEY)

    with wired.db.reading() as session:
        assert session.scalars(select(StoredAnswer.key)).all() == [KEY["Idempotency-Key"]]


def test_twenty_requests_at_once_under_one_key_make_one_referrer(
    shop: Shop, wired: Services, app: Flask
) -> None:
    def ask(_: int) -> tuple[int, str]:
        answer = app.test_client().post(
            "/api/v1/referrers", json=SOMEBODY, headers={"Authorization": f"Bearer {shop.key}", **KEY}
        )
        return answer.status_code, answer.json["code"]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(20)))

    assert {status for status, _ in answers} == {201}
    assert len({code for _, code in answers}) == 1
    with wired.db.reading() as session:
        assert session.scalar(select(func.count()).where(Referrer.name == "Carla")) == 1
