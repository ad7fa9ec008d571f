"""Orders and what happens to them, as a merchant's system reports it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from app.api import answers
from tests.web.api.kit import order_body, refund_body

if TYPE_CHECKING:
    from tests.web.api.kit import Shop

PAID = {"paid_at": "2026-09-12T09:00:00Z"}
COMMISSION = {
    "line_id": "l1",
    "kind": "kickback",
    "amount": 1_100,
    "currency": "EUR",
    "rate": "10%",
    "available_on": "2026-10-10",
    "state": "available",
}


def test_a_paid_order_answers_its_commission_and_the_other_line_earns_nothing(shop: Shop) -> None:
    shop.bind()
    answer = shop.post("/orders", order_body())

    assert answer.status_code == 201
    assert answer.json == {
        "order_id": "o1",
        "status": "paid",
        "referrer": shop.code,
        "commissions": [COMMISSION],
    }


def test_the_same_order_again_is_no_news_and_another_body_under_its_id_is_refused(shop: Shop) -> None:
    shop.bind()
    first = shop.post("/orders", order_body())
    again = shop.post("/orders", order_body())
    other = shop.post("/orders", order_body(method="card"))

    assert (again.status_code, again.json) == (200, first.json)
    assert other.status_code == 409
    assert shop.get(f"/referrers/{shop.code}/balance").json["earned"] == 1_100


def test_the_same_instant_in_another_offset_is_the_same_body(shop: Shop) -> None:
    shop.post("/orders", order_body())

    assert shop.post("/orders", order_body(placed_at="2026-09-10T14:00:00+02:00")).status_code == 200


def test_the_same_order_id_in_another_programme_is_another_order(shop: Shop, rival: Shop) -> None:
    shop.bind()
    shop.post("/orders", order_body())
    rival.bind()

    assert rival.post("/orders", order_body(method="card")).status_code == 201
    assert shop.get("/orders/o1").json["referrer"] == shop.code
    assert rival.get("/orders/o1").json["referrer"] == rival.code


def test_110_at_0_35_percent_is_39_cents(shop: Shop, wired: object) -> None:
    from app.referrals.models import Program
    from app.referrals.programs import set_product
    from app.referrals.rates import RateTerms, set_rate
    from tests.builders import ACTOR, NOW, at

    with wired.db.transaction() as session:  # type: ignore[attr-defined]
        program = session.get_one(Program, shop.program_id)
        product = set_product(session, program, sku="tiny", name="Tiny", now=at("2026-01-01"))
        set_rate(
            session,
            program,
            RateTerms("0.35%"),
            product=product,
            referrer=None,
            valid_from=None,
            actor=ACTOR,
            now=NOW,
        )
    shop.bind()
    line = {"line_id": "l1", "product": "tiny", "quantity": 1, "net": 11_000}

    earned = shop.post("/orders", order_body(lines=[line])).json["commissions"]

    assert [(each["amount"], each["rate"]) for each in earned] == [(39, "0.35%")]


def test_a_pending_order_earns_once_it_is_paid(shop: Shop) -> None:
    shop.bind()
    pending = shop.post("/orders", order_body(status="pending"))
    paid = shop.post("/orders/o1/payment", PAID)
    again = shop.post("/orders/o1/payment", PAID)

    assert (pending.status_code, pending.json["status"], pending.json["commissions"]) == (201, "pending", [])
    assert (paid.status_code, paid.json["state"], paid.json["status"]) == (201, "recorded", "paid")
    assert [each["amount"] for each in paid.json["commissions"]] == [1_100]
    assert (again.status_code, again.json) == (200, paid.json)
    assert shop.get("/orders/o1/payment").json == paid.json


def test_a_second_payment_at_another_time_is_refused(shop: Shop) -> None:
    shop.post("/orders", order_body(status="pending"))
    shop.post("/orders/o1/payment", PAID)

    assert shop.post("/orders/o1/payment", {"paid_at": "2026-09-13T09:00:00Z"}).status_code == 409


def test_an_order_that_came_paid_has_a_payment(shop: Shop) -> None:
    shop.post("/orders", order_body(method="card"))
    repeated = shop.post("/orders/o1/payment", {"paid_at": "2026-09-10T12:00:00Z", "method": "card"})

    assert repeated.status_code == 200
    assert shop.get("/orders/o1/payment").json["paid_at"] == "2026-09-10T12:00:00Z"


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/orders/o1/payment", PAID, ""),
        ("/orders/o1/cancellation", {"cancelled_at": "2026-09-12T09:00:00Z"}, ""),
        ("/orders/o1/refunds", refund_body(), "/r1"),
        (
            "/orders/o1/corrections",
            {
                "correction_id": "k1",
                "lines": [{"line_id": "l1", "product": "web", "quantity": 1, "net": 900}],
            },
            "/k1",
        ),
    ],
)
def test_what_comes_before_its_order_is_parked_and_said_so(
    shop: Shop, path: str, body: dict[str, object], key: str
) -> None:
    parked = shop.post(path, body)
    again = shop.post(path, body)

    assert (parked.status_code, parked.json["state"], parked.json["status"]) == (202, "parked", None)
    assert parked.json["reason"] == "order o1"
    assert (again.status_code, again.json) == (202, parked.json)
    assert shop.get(path + key).json == parked.json


def test_a_parked_payment_and_refund_take_effect_when_the_order_comes(shop: Shop) -> None:
    shop.bind()
    shop.post("/orders/o1/refunds", refund_body())
    shop.post("/orders/o1/payment", PAID)
    order = shop.post("/orders", order_body(status="pending"))

    assert order.status_code == 201
    assert [each["amount"] for each in order.json["commissions"]] == [800]
    assert shop.get("/orders/o1/payment").json["state"] == "recorded"
    assert shop.get("/orders/o1/refunds/r1").json["state"] == "recorded"


def test_a_refund_lowers_the_commission_once_however_often_it_is_sent(shop: Shop) -> None:
    shop.bind()
    shop.post("/orders", order_body())
    first = shop.post("/orders/o1/refunds", refund_body())
    repeats = [shop.post("/orders/o1/refunds", refund_body()).status_code for _ in range(2)]

    assert first.status_code == 201
    assert [each["amount"] for each in first.json["commissions"]] == [800]
    assert repeats == [200, 200]
    balance = shop.get(f"/referrers/{shop.code}/balance").json
    assert (balance["earned"], balance["clawed_back"]) == (1_100, 300)


def test_a_refund_above_the_paid_net_is_refused_and_changes_nothing(shop: Shop) -> None:
    shop.bind()
    shop.post("/orders", order_body())
    answer = shop.post("/orders/o1/refunds", refund_body(lines=[{"line_id": "l1", "net": 11_001}]))

    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/lines/0/net"
    assert shop.get("/orders/o1/refunds/r1").status_code == 404
    assert shop.get("/orders/o1").json["commissions"] == [COMMISSION]


def test_a_chargeback_and_its_reversal_end_where_they_began(shop: Shop) -> None:
    shop.bind()
    shop.post("/orders", order_body())
    taken = shop.post("/orders/o1/refunds", refund_body(kind="chargeback", lines=None, full=True))
    back = shop.post(
        "/orders/o1/refunds", refund_body("r2", kind="chargeback_reversal", reverses="r1", lines=None)
    )

    assert [(each["amount"], each["state"]) for each in taken.json["commissions"]] == [(0, "clawed_back")]
    assert back.json["commissions"] == [COMMISSION]


def test_a_correction_sets_the_lines_as_they_are_now(shop: Shop) -> None:
    shop.bind()
    shop.post("/orders", order_body())
    line = {"line_id": "l1", "product": "web", "quantity": 1, "net": 9_000}
    corrected = shop.post("/orders/o1/corrections", {"correction_id": "k1", "lines": [line]})

    assert corrected.status_code == 201
    assert [each["amount"] for each in corrected.json["commissions"]] == [900]
    assert shop.get("/orders/o1/corrections/k1").json["lines"] == [{**line, "kind": "new"}]


def test_a_cancelled_order_cannot_be_paid(shop: Shop) -> None:
    shop.post("/orders", order_body(status="pending"))
    closed = shop.post("/orders/o1/cancellation", {"cancelled_at": "2026-09-11T10:00:00Z"})

    assert (closed.status_code, closed.json["status"]) == (201, "cancelled")
    assert shop.post("/orders/o1/payment", PAID).status_code == 409
    assert shop.get("/orders/o1/cancellation").json["cancelled_at"] == "2026-09-11T10:00:00Z"


@pytest.mark.parametrize(
    "order_id",
    [
        "2026/0012",
        "/",
        "//",
        "a//b",
        "/a",
        "a/",
        "50%",
        "a b",
        "ü/ß",
        "a?b#c",
        "payment",
        "a/payment",
        "a/refunds/r1",
        "..",
        "+1",
    ],
)
def test_an_id_may_hold_any_printable_character(shop: Shop, order_id: str) -> None:
    at = quote(order_id, safe="")
    assert shop.post("/orders", order_body(order_id, status="pending")).status_code == 201

    assert shop.post(f"/orders/{at}/payment", PAID).status_code == 201
    assert shop.post(f"/orders/{at}/refunds", refund_body("r/1")).status_code == 201
    assert shop.get(f"/orders/{at}").json["order_id"] == order_id
    assert shop.get(f"/orders/{at}/payment").json["paid_at"] == PAID["paid_at"]
    assert shop.get(f"/orders/{at}/refunds/r%2F1").json["refund_id"] == "r/1"


def test_a_path_that_reads_two_ways_means_the_part_of_the_shorter_order_first(shop: Shop) -> None:
    shop.post("/orders", order_body("a/payment"))
    assert shop.get("/orders/a%2Fpayment").json["order_id"] == "a/payment"

    shop.post("/orders", order_body("a"))
    assert shop.get("/orders/a/payment").json["order_id"] == "a"


def test_an_id_of_more_than_128_characters_is_refused_in_the_path_too(shop: Shop) -> None:
    assert shop.post(f"/orders/{'x' * 129}/payment", PAID).json["errors"][0]["pointer"] == "/order_id"
    assert shop.post("/orders/a%07b/payment", PAID).status_code == 422
    assert shop.get(f"/orders/{'x' * 129}").status_code == 404


def test_every_answer_is_of_its_model(shop: Shop) -> None:
    shop.bind()
    shop.post("/orders", order_body(status="pending"))
    try:
        answers.PaymentAnswer.model_validate(shop.post("/orders/o1/payment", PAID).json)
        answers.OrderAnswer.model_validate(shop.get("/orders/o1").json)
        answers.RefundAnswer.model_validate(shop.post("/orders/o1/refunds", refund_body()).json)
        answers.SignupAnswer.model_validate(shop.get("/signups/c1").json)
        answers.ReferrerAnswer.model_validate(shop.get(f"/referrers/{shop.code}").json)
        answers.BalanceAnswer.model_validate(shop.get(f"/referrers/{shop.code}/balance").json)
        answers.CommissionPage.model_validate(shop.get("/commissions").json)
    except ValidationError as error:
        pytest.fail(str(error))


def test_the_explanation_names_every_candidate_and_every_lines_reason(shop: Shop) -> None:
    shop.post(
        "/signups",
        {
            "customer_id": "c1",
            "coupon": "nobodys",
            "referrer_code": shop.code,
            "signed_up_at": "2026-09-01T00:00:00Z",
        },
    )
    shop.post("/orders", order_body())
    shop.post("/orders/o1/refunds", refund_body())
    told = shop.get("/orders/o1/explanation").json

    assert told["referrer"] == shop.code
    assert {(each["kind"], each["won"], each["reason"]) for each in told["decision"]["candidates"]} == {
        ("coupon", False, "unknown"),
        ("code", True, None),
    }
    earning, other = told["lines"]
    assert earning["commission"]["rounding"] == {
        "base": 11_000,
        "exact": "1100",
        "rounded": 1_100,
        "rule": "half up, once per line",
    }
    assert (
        earning["commission"]["base"],
        earning["commission"]["earned"],
        earning["commission"]["amount"],
    ) == (
        11_000,
        1_100,
        800,
    )
    assert earning["commission"]["rate_version"]["level"] == "product"
    assert (other["participates"], other["outcome"], other["commission"]) == (
        False,
        "not_participating",
        None,
    )
    assert told["refunds"][0]["lines"] == [{"line_id": "l1", "net": 3_000}]


def test_an_order_before_the_binding_earns_nothing_and_says_so(shop: Shop) -> None:
    shop.bind(when="2026-09-11T00:00:00Z")
    shop.post("/orders", order_body(paid_at="2026-09-12T00:00:00Z"))

    assert shop.get("/orders/o1").json["commissions"] == []
    assert {line["outcome"] for line in shop.get("/orders/o1/explanation").json["lines"]} == {
        "before_binding"
    }
