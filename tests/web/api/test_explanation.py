"""The explanation as JSON: complete to the cent, for what earned and for what did not, in a fixed number of queries."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, select

from app.referrals.click_record import ClickRecord
from app.referrals.click_rows import write_clicks
from app.referrals.domain.click_label import ClickLabel
from app.referrals.holds import hold_by_staff
from app.referrals.models import Commission, ExchangeRate, Program, Referrer
from app.referrals.referrers import find_referrer
from app.referrals.words import LineKind, RateScope, TierBasis
from tests.builders import World, at
from tests.web.api.kit import order_body, refund_body

if TYPE_CHECKING:
    from app.services import Services
    from tests.web.api.kit import Shop


def line_of(shop: Shop, order_id: str = "o1", number: int = 0) -> Any:
    return shop.get(f"/orders/{order_id}/explanation").json["lines"][number]


def hold_every_commission(wired: Services) -> None:
    """Staff take everything aside."""
    with wired.db.transaction() as session:
        for commission in session.scalars(select(Commission)).all():
            program = session.get_one(Program, commission.program_id)
            hold_by_staff(session, program, commission, reason="a look", by="eve", now=at("2026-11-01"))


def order_with(lines: int, order_id: str) -> dict[str, Any]:
    items = [
        {"line_id": f"l{number}", "product": "web", "quantity": 1, "net": 11_000} for number in range(lines)
    ]
    return order_body(order_id, lines=items)


def test_the_sum_is_shown_exactly_and_rounded_before_and_after_a_refund(shop: Shop) -> None:
    shop.bind()
    item = {"line_id": "l1", "product": "web", "quantity": 1, "net": 11_005}
    shop.post("/orders", order_body(lines=[item]))
    shop.post("/orders/o1/refunds", refund_body())
    commission = line_of(shop)["commission"]
    rule = "half up, once per line"
    assert commission["rounding"] == {"base": 11_005, "exact": "1100.5", "rounded": 1_101, "rule": rule}
    assert commission["after_refunds"] == {"base": 8_005, "exact": "800.5", "rounded": 801, "rule": rule}
    assert (commission["earned"], commission["amount"], commission["clawed_back"]) == (1_101, 801, 300)
    assert commission["hold"] == {"paid_on": "2026-09-10", "days": 30, "ends_on": "2026-10-10"}


def test_the_sum_of_an_order_in_another_currency_is_shown_after_its_refund_too(
    shop: Shop, wired: Services
) -> None:
    with wired.db.transaction() as session:
        session.add(ExchangeRate(day=date(2026, 9, 9), currency="USD", per_euro="1.1700"))
    shop.bind()
    item = {"line_id": "l1", "product": "web", "quantity": 1, "net": 11_005}
    shop.post("/orders", order_body(lines=[item], currency="USD"))
    shop.post("/orders/o1/refunds", refund_body())
    commission = line_of(shop)["commission"]
    rule = "half up, once per line"
    # 110.05 / 1.17 is 94.0598..., of which 10 % is 9.40598...; 80.05 is left of it.
    assert commission["rounding"] == {"base": 9_406, "exact": "940.598291", "rounded": 941, "rule": rule}
    assert commission["after_refunds"] == {"base": 6_842, "exact": "684.188034", "rounded": 684, "rule": rule}
    assert (commission["earned"], commission["amount"]) == (941, 684)


def test_a_renewal_under_a_rate_for_new_orders_names_that_rate_and_earns_nothing(
    shop: Shop, wired: Services
) -> None:
    with wired.db.transaction() as session:
        program = session.get_one(Program, shop.program_id)
        world = World(session, program, wired.referrals)
        world.product("once", "25%", kinds=frozenset({LineKind.NEW}))
        world.product("never", "none")
    shop.bind()
    lines = [
        {"line_id": "a", "product": "once", "quantity": 1, "net": 1_000, "kind": "renewal"},
        {"line_id": "b", "product": "never", "quantity": 1, "net": 1_000},
        {"line_id": "c", "product": "mail", "quantity": 1, "net": 1_000},
    ]
    shop.post("/orders", order_body(lines=lines))
    renewal, never, mail = shop.get("/orders/o1/explanation").json["lines"]
    assert (renewal["outcome"], renewal["commission"]) == ("kind_not_paid", None)
    assert (renewal["rate_version"]["rate"], renewal["rate_version"]["level"]) == ("25%", "product")
    assert (never["outcome"], never["rate_version"]["rate"]) == ("excluded", "none")
    assert (mail["outcome"], mail["rate_version"]) == ("not_participating", None)


def test_a_click_candidate_has_its_time_and_its_label(shop: Shop, wired: Services) -> None:
    with wired.db.transaction() as session:
        referrer = session.scalars(select(Referrer).where(Referrer.code == shop.code)).one()
        click_id = wired.links.new_click_id(at("2026-08-30"), shop.program_id, referrer.id)
        bot = ClickRecord(
            event_id="e1",
            at_ms=int(at("2026-08-30").timestamp() * 1000),
            program_id=shop.program_id,
            referrer_id=referrer.id,
            campaign="",
            visitor="",
            agent="",
            source_host="",
            label=ClickLabel.BOT,
            click_id=click_id,
        )
        write_clicks(session, [bot])
    shop.post(
        "/signups",
        {
            "customer_id": "c1",
            "click_ids": [click_id, "broken"],
            "email": "c1@example.com",
            "signed_up_at": "2026-09-01T00:00:00Z",
        },
    )
    told = shop.get("/signups/c1/explanation").json
    (decision,) = told["decisions"]
    assert (decision["rule_version"], decision["rule"]) == (1, "last_click/1 window 30d")
    good, broken = sorted(decision["candidates"], key=lambda each: not each["won"])
    assert (good["label"], good["at"], good["won"]) == ("bot", "2026-08-30T00:00:00Z", True)
    assert (broken["label"], broken["reason"]) == (None, "unknown")
    assert told["bindings"] == [
        {"referrer": shop.code, "method": "click", "from": "2026-08-30T00:00:00Z", "until": None}
    ]


def test_an_unattributed_signup_is_explained_and_an_unknown_one_is_not_there(shop: Shop) -> None:
    shop.post("/signups", {"customer_id": "c1", "signed_up_at": "2026-09-01T00:00:00Z"})
    told = shop.get("/signups/c1/explanation").json
    assert (told["decisions"][0]["referrer"], told["bindings"]) == (None, [])
    assert shop.get("/signups/c9/explanation").status_code == 404


def test_an_explanation_asks_as_many_questions_for_fifty_lines_refunds_and_reviews_as_for_one(
    shop: Shop, wired: Services
) -> None:
    with wired.db.transaction() as session:
        program = session.get_one(Program, shop.program_id)
        early: dict[str, Any] = {"scope": RateScope.ALL, "valid_from": at("2026-01-02")}
        tiers: dict[str, Any] = {"tiers": ((2, "12%"),), "tier_basis": TierBasis.TOTAL}
        World(session, program, wired.referrals).rate("10%", sku="web", **tiers, **early)
    shop.bind()
    for lines in (1, 50):
        shop.post("/orders", order_with(lines, f"o{lines}"))
        for number in range(lines):
            body = refund_body(f"r{lines}-{number}", lines=[{"line_id": f"l{number}", "net": 5}])
            shop.post(f"/orders/o{lines}/refunds", body)
        hold_every_commission(wired)
        told = shop.get(f"/orders/o{lines}/explanation").json
        assert len(told["refunds"]) == lines
        assert {len(line["commission"]["holds"]) for line in told["lines"]} == {1}
        assert told["lines"][0]["commission"]["tier"] == {"basis": "total", "customers": 1, "counts": True}

    def asked(path: str) -> int:
        shop.get(path)  # whatever a process reads once
        seen: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
            seen.append(statement)

        event.listen(wired.db.engine, "before_cursor_execute", note)
        try:
            assert shop.get(path).status_code == 200
        finally:
            event.remove(wired.db.engine, "before_cursor_execute", note)
        return len(seen)

    one, fifty = asked("/orders/o1/explanation"), asked("/orders/o50/explanation")
    assert one == fifty
    assert 5 < one <= 15


def test_a_click_that_the_shop_did_not_present_is_named_in_the_decision(shop: Shop, wired: Services) -> None:
    with wired.db.transaction() as session:
        world = World(session, session.get_one(Program, shop.program_id), wired.referrals)
        sent, missed = (
            world.deps.links.new_click_id(at(when), shop.program_id, referrer.id)
            for when, referrer in (
                ("2026-09-01", find_referrer(session, world.program, shop.code)),
                ("2026-09-01 09:00:01", world.join("eve")),
            )
        )
        for click_id in (sent, missed):
            write_clicks(session, [seen(world, click_id)])
    shop.post("/signups", {"customer_id": "c1", "click_id": sent, "signed_up_at": "2026-09-01T12:00:00Z"})
    (decision,) = shop.get("/signups/c1/explanation").json["decisions"]
    assert decision["referrer"] == shop.code
    eve = world.referrers["eve"].code
    assert decision["not_presented"] == [{"click_id": missed, "referrer": eve, "at": "2026-09-01T09:00:01Z"}]


def seen(world: World, click_id: str) -> ClickRecord:
    """The record of a counted click, by the one visitor there is."""
    click = world.deps.links.read_click_id(click_id)
    assert click is not None
    at_ms = int(click.at.timestamp() * 1000)
    return ClickRecord(
        click.event_id,
        at_ms,
        click.program_id,
        click.referrer_id,
        "",
        "v1",
        "",
        "",
        ClickLabel.COUNTED,
        click_id,
    )
