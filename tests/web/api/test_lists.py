"""Lists: page by page without a gap or a repetition, filtered, each programme its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.referrals.models import Click, Referrer
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

    for path in ("/clicks", "/commissions", "/payouts", "/payout-runs"):
        assert rival.get(path).json == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("path", ["/clicks", "/commissions", "/payouts", "/payout-runs"])
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
