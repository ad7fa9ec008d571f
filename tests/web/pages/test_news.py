"""What happened since one looked last, and the card of the next payout."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.dashboard.presenters.news import read_mark, write_mark
from app.dashboard.presenters.next_payout import Calendar, next_payout
from app.identity.audit import Actor
from app.kernel import clock
from app.ledger.balances import Bucket
from app.payouts.domain.calendar import Period
from app.payouts.models import PayoutDestination
from app.payouts.words import BlockedReason
from app.referrals.holds import decide_hold
from app.referrals.models import Hold
from app.referrals.published_terms import publish_terms
from tests.web.pages.test_home import days_ago, held_order, sell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.pages.conftest import Site

ZOE = "zoe@example.org"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _a_sunday_in_november() -> Iterator[None]:
    """Which run comes next hangs on the day."""
    with clock.frozen(NOW):
        yield


def test_news_is_counted_in_words_until_it_is_read(site: Site) -> None:
    with site.world() as world:
        held_order(world)
    browser = site.browser(ZOE)
    page = browser.text("/dashboard")
    assert "2 things are new since 23 October 2026." in page
    assert "1 commission under review" in page
    read = browser.text("/dashboard/news")
    assert "1 new commission +€10.00" in read
    assert "New 1 " in read
    assert "Nothing new since" in browser.text("/dashboard")
    again = browser.text("/dashboard/news")
    assert "Earlier 1 " in again
    assert "1 commission under review €10.00" in again
    # Another browser has read nothing; another person has no news.
    assert "2 things are new since" in site.browser(ZOE).text("/dashboard")
    assert "Nothing happened yet" in site.browser("eve@example.org").text("/dashboard/news")


def test_what_a_check_decides_a_refund_takes_and_staff_publish_is_news(site: Site) -> None:
    with site.world() as world:
        held_order(world)
        sell(world, "o2", "c2", age=5)
    browser = site.browser(ZOE)
    browser.get("/dashboard/news")
    with clock.frozen(NOW + timedelta(minutes=5)), site.world() as world:
        hold = world.session.scalars(select(Hold.id)).one()
        decide_hold(world.session, world.program, hold, release=False, reason="own", by="cli", now=world.now)
        world.refund("r1", "o2", when=days_ago(0), full=True)
        text = "New terms.\n\nThey are better."
        publish_terms(
            world.session, world.program, text, effective_on=world.now.date() + timedelta(days=30),
            actor=Actor.cli(), now=world.now,
        )  # fmt: skip
    with clock.frozen(NOW + timedelta(minutes=10)):
        page = browser.text("/dashboard/news")
    assert "3 things are new since 22 November 2026." in page
    assert "1 commission rejected \u2212€10.00" in page
    assert "1 commission taken back \u2212€10.00" in page
    assert "The customer got money back." in page
    assert "New terms" in page


def test_a_blocked_account_is_news_and_stops_the_next_payout(site: Site) -> None:
    with site.world() as world:
        sell(world, age=40, net=30_000)
    assert "€30.00 waits for a bank account that it can be paid to." in site.browser(ZOE).text("/dashboard")
    site.account("zoe")
    assert "You receive €30.00 on" in site.browser(ZOE).text("/dashboard")
    with site.world() as world:
        account = world.session.scalars(select(PayoutDestination)).one()
        account.blocked_at, account.blocked_reason = clock.now(), BlockedReason.AC04
    page = site.browser(ZOE).text("/dashboard")
    assert "€30.00 waits for a bank account that it can be paid to." in page
    assert "Payouts wait for another bank account: this one is blocked." in page
    assert "Bank account NL\u2022\u2022 \u2022\u2022\u2022\u2022 4300 is blocked" in page


def test_the_card_says_how_much_when_where_to_and_what_waits_for_what(site: Site) -> None:
    with site.world() as world:
        sell(world, "o1", "c1", age=40, net=30_000)
        sell(world, "o2", "c2", age=2, net=20_000)
    site.account("zoe")
    page = site.browser(ZOE).text("/dashboard")
    assert (
        "Next payout Amount €30.00 At your bank on 1 December 2026 for what is payable until 30 November"
        in page
    )
    assert "To your account NL\u2022\u2022 \u2022\u2022\u2022\u2022 4300" in page
    assert "€20.00 is in its hold period, the last of it until 20 December 2026." in page
    assert "A sale of today 4 January 2027 after a hold period of 30 days" in page


@pytest.mark.parametrize(
    ("available", "payout_day", "first", "today", "expected"),
    [
        # Sold on 22 November, 30 days of hold: December's run, on 1 January, a TARGET holiday, then a weekend.
        (date(2026, 12, 22), 1, "2026-11", date(2026, 11, 22), date(2027, 1, 4)),
        # No hold: the run for November, on 1 December.
        (date(2026, 11, 22), 1, "2026-11", date(2026, 11, 22), date(2026, 12, 1)),
        # November has been paid already: with December's.
        (date(2026, 11, 22), 1, "2026-12", date(2026, 11, 22), date(2027, 1, 4)),
        # The 25th of December is a TARGET holiday, and so is the 26th; the 27th is a Sunday.
        (date(2026, 11, 30), 25, "2026-11", date(2026, 11, 22), date(2026, 12, 28)),
        # Payout day 31 in a month of 30 days.
        (date(2026, 10, 31), 31, "2026-10", date(2026, 11, 22), date(2026, 11, 30)),
    ],
)
def test_a_sale_reaches_the_bank_on_a_target_day_after_its_months_run(
    available: date, payout_day: int, first: str, today: date, expected: date
) -> None:
    assert Calendar(payout_day, Period.parse(first), today).bank_day(available) == expected


def test_an_account_that_rests_is_passed_over_by_earlier_runs() -> None:
    calendar = Calendar(1, Period(2026, 11), date(2026, 11, 28))
    money = [Bucket(1, date(2026, 10, 1), 5_000), Bucket(1, date(2026, 12, 10), 700)]
    due = next_payout(money, calendar, minimum_minor=0, usable_on=date(2026, 12, 1))
    assert due is not None
    assert (due.amount_minor, due.on) == (5_000, date(2026, 12, 1))
    due = next_payout(money, calendar, minimum_minor=0, usable_on=date(2026, 12, 2))
    assert due is not None
    assert (due.amount_minor, due.on) == (5_700, date(2027, 1, 4))


@pytest.mark.parametrize("kept", [None, "", "x", "-1", "9" * 30, "1e5", "99999999999"])
def test_a_mark_that_says_nothing_of_use_is_thirty_days_ago_or_within_reach(kept: str | None) -> None:
    mark = read_mark(kept, NOW)
    assert NOW - timedelta(days=60) <= mark <= NOW
    assert read_mark(write_mark(NOW - timedelta(days=2)), NOW) == NOW - timedelta(days=2, seconds=-1)
