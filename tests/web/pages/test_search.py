"""Search finds anything by what it is called, of the chosen programme, and no more than one may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.identity.roles import Role
from tests.builders import World, line
from tests.web.pages.conftest import words_of

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

MOST = 12


def found(site: Site, q: str, who: str = "owner@example.org") -> str:
    answer = site.browser(who).get("/staff/search", query_string={"q": q})
    assert answer.status_code == 200
    return words_of(answer.text).partition("e-mail address ")[2]


@pytest.fixture
def shop(site: Site) -> Site:
    site.person("owner@example.org", Role.OWNER)
    with site.world() as world:
        world.bind("zoe", "cust-1")
        world.order("2026/0012", line("l1"), customer="cust-1")
        world.order("2026/00123", line("l1"), customer="cust-1")
        world.refund("rf_1%", "2026/0012", l1=100)
        world.refund("rf_12", "2026/0012", l1=100)
    return site


def test_what_is_called_exactly_so_comes_before_what_begins_so(shop: Site) -> None:
    orders = found(shop, "2026/0012")
    assert orders.index("2026/0012 exactly this") < orders.index("2026/00123 begins so")
    assert "Referrers Found" not in orders
    for words in ("zoe-1", "ZOE", "zoe", "zoe+tag@EXAMPLE.org"):
        assert "Zoe zoe-1 exactly this" in found(shop, words), words
    assert "Zoe zoe-1 begins so" in found(shop, "zo")
    assert "cust-1 exactly this" in found(shop, "cust-1")
    # A percent sign is a percent sign.
    assert "rf_12" not in found(shop, "rf_1%")
    assert "rf_1% 2026/0012 exactly this" in found(shop, "rf_1%")
    assert "Web web" in found(shop, "we")


ODD = (
    "",
    "_",
    "%",
    "\u05d0\u05d1\u05d2",
    "\u202eabc",
    "\U0001f600",
    "x" * 5000,
    "a\0b",
    "'; --",
    "(\\",
    "\ud7ff@x",
)


def test_odd_words_find_nothing_and_break_nothing(shop: Site) -> None:
    assert [each for each in ODD if "exactly this" in found(shop, each)] == []


def test_a_search_asks_little_and_shows_only_what_the_role_may_see(shop: Site) -> None:
    browser = shop.browser("owner@example.org")
    with shop.statements() as seen:
        browser.get("/staff/search?q=zoe@example.org")
    assert len([each for each, _ in seen if each.lstrip().upper().startswith(("SELECT", "WITH"))]) <= MOST
    assert shop.browser("zoe@example.org").get("/staff/search?q=zoe").status_code == 404
    with shop.services.db.transaction() as session:
        other = World.build(session, slug="another")
        other.deps = shop.services.referrals
        other.bind("ada", "cust-9")
        other.order("2026/0012", line("l1"), customer="cust-9")
    shop.person("eyes@example.org", Role.AUDITOR)
    assert found(shop, "2026/0012", "eyes@example.org").count("2026/0012 exactly this") == 1
    there = shop.browser("owner@example.org")
    there.get("/staff?program=another")
    page = words_of(there.get("/staff/search?q=zoe").text)
    assert "Nothing begins with" in page
    assert "cust-9 exactly this" in words_of(there.get("/staff/search?q=cust-9").text)
