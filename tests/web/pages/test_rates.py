"""Tiers, caps, the sign-up bonus and other currencies on the pages: the rate table, the lists, the why-pages."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.identity.roles import Role
from app.kernel import clock
from app.referrals.domain.exchange import exchange_day
from app.referrals.models import Commission, ExchangeRate
from app.referrals.rates import set_signup_bonus
from app.referrals.resettle import settle_waiting
from app.referrals.words import CommissionKind, RateScope, TierBasis
from tests.builders import ACTOR, at, line

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site


@pytest.fixture
def owner(site: Site) -> Browser:
    site.person("owner@example.org", Role.OWNER)
    return site.browser("owner@example.org")


def days_ago(count: float) -> str:
    return (clock.now() - timedelta(days=count)).strftime("%Y-%m-%d %H:%M:%S")


def set_everything(site: Site) -> None:
    with site.world() as world:
        tiers = ((2, "12%"), (10, "15%"))
        world.rate(
            "10%", sku="web", tiers=tiers, cap_order="50.00", cap_customer="70.00", scope=RateScope.ALL
        )
        world.rate("3.00", sku="web", referrer="zoe", valid_from=at("2026-02-01"))
        set_signup_bonus(
            world.session, world.program, "7.50", referrer=None, valid_from=None, actor=ACTOR, now=world.now
        )


def test_the_rate_table_shows_what_holds_with_tiers_caps_bonus_and_every_version(
    site: Site, owner: Browser
) -> None:
    set_everything(site)
    page = owner.text("/staff/rate-table")
    assert "at most €50.00 per order, at most €70.00 per customer" in page
    assert "12% from customer number 2 of the calendar month on" in page
    assert "Sign-up bonus €7.50" in page
    assert "€3.00" not in page
    day = (clock.now() - timedelta(days=3)).date()
    assert "from customer number" not in owner.text(f"/staff/rate-table?at={day}").split("Sign-up bonus")[0]


def test_the_rate_table_of_a_referrer_shows_their_own_rate_first(site: Site, owner: Browser) -> None:
    set_everything(site)
    with site.world() as world:
        code, name = world.referrers["zoe"].code, world.referrers["zoe"].name
    page = owner.text(f"/staff/rate-table?referrer={code}")
    assert "€3.00 per piece, every order this referrer and product" in page
    assert f"Web, for {name}" in page
    assert owner.get("/staff/rate-table?referrer=nobody-here").status_code == 404
    assert owner.get("/staff/rate-table?at=yesterday").status_code == 200


def test_an_order_that_waits_for_a_rate_is_listed_until_it_comes_and_its_why_page_shows_the_rate(
    site: Site, owner: Browser
) -> None:
    with site.world() as world:
        world.bind("zoe", "c1", days_ago(40))
        when = days_ago(30)
        world.order("o-usd", line(net=10_850), customer="c1", placed=when, paid=when, currency="USD")
        needs = exchange_day(at(when), world.program.timezone)
    assert "Orders that wait for an exchange rate 1" in owner.text("/staff")
    page = owner.text("/staff/orders/waiting")
    assert "o-usd USD" in page
    assert str(needs.day) in page
    with site.world() as world:
        world.session.add(ExchangeRate(day=needs, currency="USD", per_euro="1.0850"))
        world.session.flush()
    assert settle_waiting(site.services.referrals, site.services.db, clock.now()) == (1, 0)
    assert "No order waits" in owner.text("/staff/orders/waiting")
    assert "Orders that wait for an exchange rate" not in owner.text("/staff")
    with site.services.db.reading() as session:
        number = session.scalars(select(Commission.id)).one()
    why = site.browser("zoe@example.org").text(f"/dashboard/commissions/{number}")
    assert "1 EUR = 1.0850 USD" in why
    assert "Converted €100.00" in why
    assert date(needs.year, needs.month, needs.day).strftime("%B") in why


def test_a_bonus_stands_in_its_own_words_among_the_commissions(site: Site) -> None:
    with site.world() as world:
        set_signup_bonus(
            world.session, world.program, "7.50", referrer=None, valid_from=None, actor=ACTOR, now=world.now
        )
        world.bind("zoe", "c1", days_ago(40))
        world.order("o1", customer="c1", placed=days_ago(30), paid=days_ago(30))
    browser = site.browser("zoe@example.org")
    assert "Sign-up bonus €7.50" in browser.text("/dashboard/commissions")
    with site.services.db.reading() as session:
        bonus = session.scalars(select(Commission.id).where(Commission.kind == CommissionKind.BONUS)).one()
    assert "With their first paid order you earned the sign-up bonus." in browser.text(
        f"/dashboard/commissions/{bonus}"
    )


def test_a_why_page_tells_the_rate_of_the_tier_that_was_reached(site: Site) -> None:
    with site.world() as world:
        total = TierBasis.TOTAL
        early: dict[str, Any] = {"scope": RateScope.ALL, "valid_from": at("2026-01-02")}
        world.rate("10%", sku="web", tiers=((2, "12%"),), tier_basis=total, **early)
        for number, when in enumerate((days_ago(31), days_ago(30))):
            world.bind("zoe", f"c{number}", days_ago(40))
            world.order(f"o{number}", customer=f"c{number}", placed=when, paid=when)
        first, second = (world.commissions(order)[0].id for order in ("o0", "o1"))
    browser = site.browser("zoe@example.org")
    told = browser.text(f"/dashboard/commissions/{first}")
    assert "Up to and including this order 1 of your customers had paid." in told
    assert "A tier begins at customer number 2: 12%. Below it the rate is 10%." in told
    assert "10% of €100.00 is €10.00" in told
    told = browser.text(f"/dashboard/commissions/{second}")
    assert "Up to and including this order 2 of your customers had paid." in told
    assert "So the tier from customer number 2 on holds: 12%." in told
    assert "12% of €100.00 is €12.00" in told
