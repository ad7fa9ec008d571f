"""What a referrer sees: the link, the sentence in money, the lists, and why each amount is what it is."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.dashboard.presenters.next_payout import Calendar, first_open_period, next_payout
from app.kernel import clock
from app.ledger.balances import Bucket
from app.payouts.domain.calendar import Period
from app.payouts.models import PayoutDestination
from app.referrals.holds import decide_hold
from app.referrals.models import Commission, Hold, Order
from app.referrals.programs import set_product
from tests.builders import NOW, World, line
from tests.web.pages.conftest import IBAN, PASSWORD

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

ZOE = "zoe@example.org"
_URL = re.compile(r'id="link"[^>]*value="([^"]+)"', re.DOTALL)


def days_ago(count: float) -> str:
    return (clock.now() - timedelta(days=count)).strftime("%Y-%m-%d %H:%M:%S")


def sell(
    world: World, order: str = "o1", customer: str = "c1", age: float = 5, net: int = 10_000, sku: str = "web"
) -> None:
    """A customer of zoe's bought something so many days ago."""
    world.bind("zoe", customer, days_ago(age + 1))
    world.order(order, line(net=net), customer=customer, placed=days_ago(age), paid=days_ago(age))


def commission_id(world: World, order: str = "o1") -> int:
    wanted = select(Commission.id).join(Order, Order.id == Commission.order_id).where(Order.order_id == order)
    return world.session.scalars(wanted).one()


def test_a_newcomer_finds_the_link_and_what_to_do_next(site: Site) -> None:
    browser = site.browser(ZOE)
    html = browser.get("/dashboard").text
    url = _URL.search(html)
    assert url is not None
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/r/zoe-1/[0-9a-z]{10}", url[1])
    page = browser.text("/dashboard")
    assert "Nothing to pay out yet. Share your link to start." in page
    assert "No bank account is on file yet. Add one to be paid." in page
    assert "No commissions yet" in page
    assert "Web of the paid amount, every order €10.00 on an order of €100.00 10%" in page
    assert "Mail does not participate nothing" in page


def test_the_sentence_says_how_much_comes_when(site: Site) -> None:
    with site.world() as world:
        sell(world, age=40, net=30_000)
    site.account("zoe")
    today = clock.local_day(clock.now(), "Europe/Amsterdam")
    page = site.browser(ZOE).text("/dashboard")
    assert re.search(r"You receive €30\.00 on \d+ \w+ 20\d\d\.", page), page
    assert "Available €30.00" in page
    first = Period.of(today).next().first_day if today.day > 1 else today
    assert str(first.year) in page


def test_money_in_its_hold_period_is_named_with_its_last_day(site: Site) -> None:
    with site.world() as world:
        sell(world, age=5)
    page = site.browser(ZOE).text("/dashboard")
    assert "Pending €10.00" in page
    assert "25.00; until then" not in page
    assert "You have €10.00 so far; it is paid once the minimum is reached." in page


def test_clicks_signups_and_commission_stand_in_the_charts_table(site: Site) -> None:
    with site.world() as world:
        sell(world, age=3)
    page = site.browser(ZOE).text("/dashboard")
    assert "1 click, 1 signup and €10.00 of commission in the last 30 days." in page
    assert "Clicks, signups and commission" in site.browser(ZOE).text("/dashboard?days=365")


@pytest.mark.parametrize("days", ["30", "90", "365", "7", "x", ""])
def test_any_range_of_the_chart_is_a_page(quick_site: Site, days: str) -> None:
    assert quick_site.browser(ZOE).get(f"/dashboard?days={days}").status_code == 200


def test_the_list_of_commissions_pages_without_losing_or_repeating_one(site: Site) -> None:
    with site.world() as world:
        world.bind("zoe", "c1", days_ago(20))
        for number in range(60):
            when = days_ago(10 - number // 7)
            world.order(f"o{number}", customer="c1", placed=when, paid=when)
    browser = site.browser(ZOE)
    seen: list[str] = []
    path: str | None = "/dashboard/commissions"
    while path:
        html = browser.get(path).text
        seen += re.findall(r"/dashboard/commissions/(\d+)\"", html)
        more = re.search(r'href="(/dashboard/commissions\?after=[^"]+)"', html)
        path = more[1].replace("&amp;", "&") if more else None
    assert len(seen) == len(set(seen)) == 60


@pytest.mark.parametrize("cursor", ["x", "-", "ffffffffffffffffffffffff-1", "zz-zz", "1-", "'"])
def test_a_cursor_that_is_none_starts_at_the_beginning(quick_site: Site, cursor: str) -> None:
    for path in ("/dashboard/commissions", "/dashboard/orders", "/dashboard/payouts"):
        assert quick_site.browser(ZOE).get(f"{path}?after={cursor}").status_code == 200


def test_why_a_pending_commission_waits(site: Site) -> None:
    with site.world() as world:
        sell(world, age=5)
        key = commission_id(world)
    page = site.browser(ZOE).text(f"/dashboard/commissions/{key}")
    assert "You receive €10.00 with the first payout after" in page
    assert "Attributed by a click on the referral link." in page
    assert "Customer paid, without VAT €100.00 Commission rate 10%" in page
    assert "Hold period ends" in page


def test_why_a_refunded_commission_is_gone(site: Site) -> None:
    with site.world() as world:
        sell(world, age=5)
        world.refund("r1", when=days_ago(1), full=True)
        key = commission_id(world)
    page = site.browser(ZOE).text(f"/dashboard/commissions/{key}")
    assert "You receive nothing for this order: the customer got the money back." in page
    assert "Commission taken back \u2212€10.00" in page


def test_why_a_part_of_a_commission_was_taken_back(site: Site) -> None:
    with site.world() as world:
        sell(world, age=5)
        world.refund("r1", when=days_ago(1), l1=3_000)
        key = commission_id(world)
    page = site.browser(ZOE).text(f"/dashboard/commissions/{key}")
    assert "€7.00 remains." in page
    assert "Given back \u2212€30.00" in page


def held_order(world: World) -> int:
    """An order that a rule takes for zoe's own."""
    click = world.click("zoe", clock.now() - timedelta(days=6))
    world.signup("secret-customer", when=days_ago(6), click_ids=(click,), email="zoe+shop@example.org")
    when = days_ago(5)
    world.order("o1", customer="secret-customer", placed=when, paid=when)
    return commission_id(world)


def test_why_a_held_commission_waits_says_nothing_of_the_customer(site: Site) -> None:
    with site.world() as world:
        key = held_order(world)
    browser = site.browser(ZOE)
    html = browser.get(f"/dashboard/commissions/{key}").text
    page = browser.text(f"/dashboard/commissions/{key}")
    assert "€10.00 waits while someone checks this order." in page
    assert "It looks like an order of your own." in page
    assert "secret-customer" not in html
    assert "shop@example.org" not in html
    assert "secret-customer" not in browser.get("/dashboard/orders").text


def test_why_a_rejected_commission_pays_nothing(site: Site) -> None:
    with site.world() as world:
        key = held_order(world)
        hold = world.session.scalars(select(Hold.id)).one()
        decide_hold(
            world.session, world.program, hold, release=False, reason="own order", by="cli", now=clock.now()
        )
    page = site.browser(ZOE).text(f"/dashboard/commissions/{key}")
    assert "after a check it was rejected" in page
    assert "Rejected after the check" in page


def test_an_order_says_line_by_line_what_does_not_participate(site: Site) -> None:
    with site.world() as world:
        world.bind("zoe", "c1", days_ago(6))
        when = days_ago(5)
        lines = (line("l1"), line("l2", "mail", 500))
        world.order("o1", *lines, customer="c1", placed=when, paid=when)
        key = world.session.scalars(select(Order.id)).one()
    page = site.browser(ZOE).text(f"/dashboard/orders/{key}")
    assert "Web €10.00 Customer paid, without VAT" not in page
    assert "This product does not participate in the programme." in page
    assert "does not participate" in page


def test_one_person_switches_between_programmes(site: Site) -> None:
    with site.services.db.transaction() as session:
        World.build(session, slug="directory", name="Partner directory")
    site.referrer("zoe", "directory")
    browser = site.browser(ZOE)
    assert "zoe-1" in browser.get("/dashboard").text
    assert "zoe-directory" in browser.get("/dashboard?program=directory").text
    assert "zoe-directory" in browser.get("/dashboard").text
    assert "/r/eve" not in browser.get("/dashboard?program=nonsense").text


def test_a_bank_account_is_checked_kept_and_shown_masked(site: Site) -> None:
    browser = site.browser(ZOE)
    form = {"holder": "Zoë Müller", "iban": "nl91 abna 0417 1643 00", "password": PASSWORD}
    wrong = browser.post("/dashboard/bank-account", {**form, "iban": "NL91ABNA0417164301"})
    assert wrong.status_code == 422
    assert "This is not a valid IBAN. Please check every digit." in wrong.text
    assert "Zoë Müller" in wrong.text
    other = browser.post("/dashboard/bank-account", {**form, "password": "not mine at all"})
    assert "This is not your password." in other.text
    with site.world() as world:
        assert world.session.scalars(select(PayoutDestination)).all() == []

    assert browser.post("/dashboard/bank-account", form).status_code == 302
    html = browser.get("/dashboard/bank-account").text
    assert "4300" in html
    assert IBAN not in html
    assert "0417" not in html
    browser.post("/dashboard/bank-account", {**form, "iban": "DE89370400440532013000"})
    assert "A changed account rests for safety" in browser.text("/dashboard/bank-account")


def test_a_campaign_link_is_made_and_a_foreign_target_refused(site: Site) -> None:
    browser = site.browser(ZOE)
    bad = browser.post("/dashboard/links", {"campaign": "news", "to": "https://evil.example/"})
    assert bad.status_code == 422
    assert "A link cannot lead there." in bad.text
    assert browser.post("/dashboard/links", {"campaign": "No Good!"}).status_code == 422
    assert browser.post("/dashboard/links", {}).status_code == 422
    assert browser.post("/dashboard/links", {"campaign": "news", "to": "/pricing"}).status_code == 302
    assert re.search(r"/r/zoe-1/news/[0-9a-z]{10}\?to=/pricing", browser.get("/dashboard/links").text)


def test_names_with_emoji_and_two_hundred_characters_are_drawn(site: Site) -> None:
    with site.world() as world:
        name = "\N{PILE OF POO}" + "W" * 198 + "<b>"
        set_product(world.session, world.program, sku="web", name=name[:200], now=NOW)
        sell(world)
    html = site.browser(ZOE).get("/dashboard").text
    assert "\N{PILE OF POO}WWW" in html
    assert "WW<b" not in html


@pytest.mark.parametrize(
    ("buckets", "minimum", "first", "today", "expected"),
    [
        ({date(2026, 10, 20): 8420}, 2500, "2026-11", date(2026, 11, 22), (8420, date(2026, 12, 1))),
        ({date(2026, 12, 5): 3000}, 2500, "2026-11", date(2026, 11, 22), (3000, date(2027, 1, 4))),
        (
            {date(2026, 10, 1): 2000, date(2026, 12, 5): 600},
            2500,
            "2026-11",
            date(2026, 11, 22),
            (2600, date(2027, 1, 4)),
        ),
        ({date(2026, 10, 1): 2499}, 2500, "2026-11", date(2026, 11, 22), None),
        ({date(2026, 10, 1): -500, date(2026, 12, 5): 400}, 0, "2026-11", date(2026, 11, 22), None),
        ({date(2026, 10, 1): 1}, 0, "2026-10", date(2026, 11, 2), (1, date(2026, 11, 2))),
    ],
)
def test_the_next_payout_is_the_first_run_that_reaches_the_minimum(
    buckets: dict[date, int], minimum: int, first: str, today: date, expected: tuple[int, date] | None
) -> None:
    rows = [Bucket(1, on, amount) for on, amount in buckets.items()]
    due = next_payout(rows, Calendar(1, Period.parse(first), today), minimum_minor=minimum)
    assert (due and (due.amount_minor, due.on)) == expected


@pytest.mark.parametrize(
    ("today", "day", "last", "expected"),
    [
        (date(2026, 11, 22), 1, None, "2026-11"),
        (date(2026, 11, 1), 1, None, "2026-10"),
        (date(2026, 11, 1), 1, "2026-10", "2026-11"),
        (date(2026, 11, 5), 15, "2026-09", "2026-10"),
    ],
)
def test_the_next_run_pays_for_the_first_month_without_one(
    today: date, day: int, last: str | None, expected: str
) -> None:
    assert str(first_open_period(today, day, last)) == expected
