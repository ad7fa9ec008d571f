"""Lists: page by page without a gap or a repetition, filtered, each programme its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.ledger.journal import Entry, Posting, post
from app.ledger.models import LedgerAccount, TransactionKind
from app.referrals.models import Click, Program, Referrer
from app.referrals.programs import find_product
from app.referrals.rates import RateTerms, set_rate, set_signup_bonus
from app.referrals.words import RateScope
from tests.builders import ACTOR, at
from tests.web.api.kit import order_body

if TYPE_CHECKING:
    from app.services import Services
    from tests.web.api.kit import Shop


def walk(shop: Shop, path: str, **query: Any) -> list[dict[str, Any]]:
    """Every item, following the cursors."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        answer = shop.get(path, query_string={**query, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        items += answer.json["items"]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return items


def sell(shop: Shop, count: int, start: int = 0) -> None:
    shop.bind()
    first = datetime(2026, 9, 10, tzinfo=UTC)
    # Two orders at each instant, so that a page may end between equals.
    shop.batch(
        {
            "type": "order",
            **order_body(f"o{number}", placed_at=(first + timedelta(hours=number // 2)).isoformat()),
        }
        for number in range(start, start + count)
    )


def test_pages_of_commissions_have_no_gap_and_no_repetition(shop: Shop) -> None:
    sell(shop, 7)

    for limit in (1, 2, 3, 7, 50):
        items = walk(shop, "/commissions", limit=limit)
        assert sorted(item["order_id"] for item in items) == [f"o{number}" for number in range(7)]
        assert items == sorted(items, key=lambda item: item["paid_at"], reverse=True)


def test_a_page_holds_fifty_unless_asked_and_two_hundred_at_most(shop: Shop) -> None:
    sell(shop, 60)

    assert len(shop.get("/commissions").json["items"]) == 50
    assert len(shop.get("/commissions?limit=200").json["items"]) == 60
    assert shop.get("/commissions?limit=201").status_code == 422


def test_commissions_are_filtered_by_time_referrer_and_state(shop: Shop) -> None:
    sell(shop, 4)
    cases = {
        "from=2026-09-10T01:00:00Z": {"o2", "o3"},
        "to=2026-09-10T01:00:00Z": {"o0", "o1"},
        "from=2026-09-10T03:00:00+02:00": {"o2", "o3"},
        "from=2026-09-10&to=2026-09-11": {"o0", "o1", "o2", "o3"},
        "from=2026-09-11": set(),
        f"referrer={shop.code}": {"o0", "o1", "o2", "o3"},
        "referrer=bob-hosting": set(),
        "state=available": {"o0", "o1", "o2", "o3"},
        "state=pending": set(),
        "state=clawed_back": set(),
    }

    for query, expected in cases.items():
        items = shop.get(f"/commissions?{query}").json["items"]
        assert {item["order_id"] for item in items} == expected, query


def test_a_fully_refunded_commission_is_listed_as_clawed_back(shop: Shop) -> None:
    sell(shop, 2)
    body = {"refund_id": "r", "kind": "refund", "refunded_at": "2026-09-20T00:00:00Z", "full": True}
    shop.post("/orders/o1/refunds", body)

    (item,) = shop.get("/commissions?state=clawed_back").json["items"]
    assert (item["order_id"], item["amount"], item["earned"], item["clawed_back"]) == ("o1", 0, 1_100, 1_100)


def test_clicks_are_listed_with_their_label_the_latest_first(shop: Shop, wired: Services) -> None:
    with wired.db.transaction() as session:
        referrer_id = session.scalars(select(Referrer.id).where(Referrer.code == shop.code)).one()
        add_clicks(session, wired, shop.program_id, referrer_id)

    items = walk(shop, "/clicks", limit=2)
    assert [item["label"] for item in items] == ["bot", "counted", "counted"]
    assert {item["referrer"] for item in items} == {shop.code}
    assert set(items[0]) == {"click_id", "at", "referrer", "campaign", "label"}
    assert len(walk(shop, "/clicks", state="counted")) == 2
    assert walk(shop, "/clicks", referrer="bob-hosting") == []


def add_clicks(session: Any, wired: Services, program_id: int, referrer_id: int) -> None:
    for number, label in enumerate(("counted", "counted", "bot")):
        at = datetime(2026, 9, 10, 12, number, tzinfo=UTC)
        session.add(
            Click(
                event_id=f"event-{number}",
                click_id=wired.links.new_click_id(at, program_id, referrer_id),
                program_id=program_id,
                referrer_id=referrer_id,
                campaign="",
                at=at,
                label=label,
            )
        )


def test_other_programmes_rows_are_in_no_list(shop: Shop, rival: Shop) -> None:
    sell(shop, 2)

    for path in ("/clicks", "/commissions", "/payouts", "/payout-runs", "/waiting-orders"):
        assert rival.get(path).json == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("path", ["/clicks", "/commissions", "/payouts", "/payout-runs", "/waiting-orders"])
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "/limit"),
        ("limit=-1", "/limit"),
        ("limit=1.5", "/limit"),
        ("limit=ten", "/limit"),
        ("limit=٣", "/limit"),
        ("limit=", "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("cursor=nonsense", "/cursor"),
        ("cursor=W10", "/cursor"),
        ("cursor=WzEsMiwzLDRd", "/cursor"),
        ("cursor=e30", "/cursor"),
        ("from=yesterday", "/from"),
        ("from=2026-13-01", "/from"),
        ("from=2026-09-10T12:00:00", "/from"),
        ("to=1", "/to"),
        ("state=lost", "/state"),
        ("refferer=ada", "/refferer"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_parameter_is_named(shop: Shop, path: str, query: str, name: str) -> None:
    answer = shop.get(f"{path}?{query}")

    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == name


def test_a_balance_as_of_an_instant_knows_what_was_known_then(shop: Shop) -> None:
    sell(shop, 1)
    path = f"/referrers/{shop.code}/balance"
    now = shop.get(path).json

    assert (now["earned"], now["available"], now["pending"]) == (1_100, 1_100, 0)
    assert shop.get(f"{path}?as_of=2026-01-01").json["earned"] == 0
    assert shop.get(f"{path}?as_of=2100-01-01T00:00:00Z").json["earned"] == 1_100
    assert shop.get(f"{path}?as_of=2026-01-01T00:00:00").status_code == 422
    assert shop.get(f"{path}?as_of=2026-01-01T00:00:00+01:00").json["earned"] == 0


def test_a_balance_with_an_opening_balance_and_an_adjustment_adds_up(shop: Shop, wired: Services) -> None:
    sell(shop, 1)
    path, day = f"/referrers/{shop.code}/balance", date(2026, 9, 1)
    with wired.db.transaction() as session:
        referrer = session.scalars(select(Referrer).where(Referrer.code == shop.code)).one()
        for kind, other_side, amount in (
            (TransactionKind.OPENING_BALANCE, LedgerAccount.OPENING, 1_250),
            (TransactionKind.ADJUSTMENT, LedgerAccount.COMMISSION_EXPENSE, -200),
        ):
            sides = ((other_side, amount), (LedgerAccount.PAYABLE, -amount))
            entries = tuple(Entry(account, value, day, referrer.id) for account, value in sides)
            posting = Posting(shop.program_id, "EUR", kind, kind.value, entries, effective_on=day)
            post(session, posting, posted_at=at("2026-10-01"))

    def left_over(query: str = "") -> tuple[int, int, int]:
        money = shop.get(path + query).json
        owed = sum(money[name] for name in ("pending", "available", "held", "in_flight", "paid"))
        rest = money["earned"] - money["clawed_back"] + money["opening"] + money["adjustments"] - owed
        return money["opening"], money["adjustments"], rest

    assert left_over() == (1_250, -200, 0)
    assert left_over("?as_of=2026-09-30T00:00:00Z") == (0, 0, 0)
    assert left_over("?as_of=2100-01-01T00:00:00Z") == (1_250, -200, 0)


def test_orders_that_wait_for_an_exchange_rate_are_listed_with_the_day_they_need(shop: Shop) -> None:
    shop.bind()
    for number in range(3):
        paid = f"2026-09-{12 + number}T10:00:00Z"  # a Saturday, a Sunday and a Monday
        body = order_body(f"u{number}", currency="USD", placed_at=paid, paid_at=paid)
        assert shop.post("/orders", body).json["commissions"] == []
    shop.post("/orders", order_body("eur"))

    items = walk(shop, "/waiting-orders", limit=2, state="waiting_rate")
    assert [(item["order_id"], item["needs"], item["referrer"]) for item in items] == [
        ("u2", "2026-09-11", shop.code),
        ("u1", "2026-09-11", shop.code),
        ("u0", "2026-09-11", shop.code),
    ]
    lines = shop.get("/orders/u0/explanation").json["lines"]
    assert {line["outcome"] for line in lines} == {"waiting_rate"}


def test_a_bonus_and_a_tier_are_said_of_each_commission(shop: Shop, wired: Services) -> None:
    with wired.db.transaction() as session:
        program = session.get_one(Program, shop.program_id)
        product = find_product(session, program, "web")
        now = clock.now()
        terms = RateTerms("10%", tiers=((2, "12%"),), scope=RateScope.ALL)
        beginning = datetime(2026, 1, 2, tzinfo=UTC)
        set_rate(
            session,
            program,
            terms,
            product=product,
            referrer=None,
            valid_from=beginning,
            actor=ACTOR,
            now=now,
        )
        set_signup_bonus(session, program, "5.00", referrer=None, valid_from=None, actor=ACTOR, now=now)
    for customer in ("c1", "c2"):
        shop.bind(customer)
        shop.post("/orders", order_body(f"o-{customer}", customer_id=customer))
    repeated = shop.post("/orders", order_body("o-c2", customer_id="c2"))
    said = [(each["kind"], each["rate"], each["amount"]) for each in repeated.json["commissions"]]
    assert said == [("kickback", "12%", 1_320), ("bonus", "5.00", 500)]
    listed = walk(shop, "/commissions")
    assert sorted((each["kind"], each["rate"]) for each in listed) == [
        ("bonus", "5.00"),
        ("bonus", "5.00"),
        ("kickback", "10%"),
        ("kickback", "12%"),
    ]
    line = shop.get("/orders/o-c2/explanation").json["lines"][0]
    assert (line["commission"]["rate"], line["commission"]["tier_from"]) == ("12%", 2)
    assert line["commission"]["rounding"]["rounded"] == 1_320
    assert line["signup_bonus"]["amount"] == 500
    rates = shop.get("/program").json["rates"]
    assert rates[0]["tiers"] == [{"from_customers": 2, "rate": "12%"}]
