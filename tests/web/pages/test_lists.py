"""Every list of staff: sorted, searched, read part by part, and taken home as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from flask import url_for
from sqlalchemy import select

from app.dashboard import lists
from app.dashboard.views.staff.files import LISTINGS
from app.identity.models import AuditEvent
from app.identity.roles import Role
from app.kernel import clock
from app.referrals.models import Referrer
from tests.builders import World, line

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site


@pytest.fixture
def finance(site: Site) -> Browser:
    site.person("finance@example.org", Role.FINANCE)
    return site.browser("finance@example.org")


def sell(site: Site, count: int) -> None:
    with site.world() as world:
        for number in range(count):
            when = (clock.now() - timedelta(days=100 - number)).strftime("%Y-%m-%d %H:%M")
            world.bind("zoe", f"c{number}", when)
            world.order(
                f"o{number:03}", line(net=1000 + number), customer=f"c{number}", placed=when, paid=when
            )


def paged(browser: Browser, sort: str) -> list[str]:
    """The orders of both parts of the list."""
    seen: list[str] = []
    href = f"/staff/orders?sort={sort}"
    for _part in range(2):
        page = browser.get(href).text
        seen += re.findall(r"<a href=\"/staff/orders/\d+\">(o\d+)</a>", page)
        href = next(iter(links(page, "after=")), "")
    assert href == ""
    return seen


def links(page: str, mark: str) -> list[str]:
    return [each.replace("&amp;", "&") for each in re.findall(rf'href="([^"]*{mark}[^"]*)"', page)]


def table(answer: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer, newline="")))


def test_orders_are_sorted_searched_paged_and_taken_home_in_that_order(site: Site, finance: Browser) -> None:
    sell(site, 60)
    seen = paged(finance, "order")
    assert seen == [f"o{number:03}" for number in range(60)]
    assert paged(finance, "-placed") == seen[::-1]
    page = finance.get("/staff/orders?sort=order").text
    assert 'aria-sort="ascending"' in page
    (file,) = links(page, r"orders\.csv")
    answer = finance.get(file)
    assert [row["order"] for row in table(answer.text)] == seen
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=orders-hosting-")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("referrer=nobody-here", "There is no referrer with this code."),
        ("from=2026-13-40", "Not a valid date value."),
        ("from=1999-01-01", "Choose a day from 2000 to 2099."),
        ("from=2026-05-02&to=2026-05-01", "This day lies before the first one."),
        ("state=nothing", "Not a valid choice."),
        (f"q={'x' * 300}", "At most 254 characters."),
    ],
)
def test_a_wrong_search_is_told_beside_its_field_and_keeps_what_was_typed(
    quick_site: Site, asked: str, words: str
) -> None:
    quick_site.person("owner@example.org", Role.OWNER)
    owner = quick_site.browser("owner@example.org")
    answer = owner.get(f"/staff/orders?{asked}")
    assert answer.status_code == 422
    assert words in answer.text
    name, _is, value = asked.rpartition("&")[2].partition("=")
    assert f'name="{name}"' in answer.text
    if name != "state":
        assert f'value="{value}"' in answer.text
    assert owner.get(f"/staff/orders.csv?{asked}").headers["Location"].startswith("/staff/orders?")


@pytest.mark.parametrize("after", ["x", "W10", "WzEsIDJd", "W251bGwsIG51bGxd", "W3RydWUsIDFd", "9" * 2000])
def test_a_strange_cursor_or_order_shows_the_first_rows(quick_site: Site, after: str) -> None:
    quick_site.person("owner@example.org", Role.OWNER)
    sell(quick_site, 2)
    for path in ("orders?sort=placed", "orders?sort=order", "orders?sort=nothing", "commissions?sort=amount"):
        answer = quick_site.browser("owner@example.org").get(f"/staff/{path}&after={after}")
        assert answer.status_code == 200
        assert "o001" in answer.text


def test_a_search_finds_the_same_rows_on_the_page_and_in_the_file(site: Site, finance: Browser) -> None:
    sell(site, 4)
    with site.world() as world:
        world.order("open", customer="c0", paid=None, placed=clock.now().strftime("%Y-%m-%d"))
    asked = "state=paid&referrer=zoe-1&sort=-order"
    page = finance.get(f"/staff/orders?{asked}").text
    shown = re.findall(r"<a href=\"/staff/orders/\d+\">(\w+)</a>", page)
    assert shown == ["o003", "o002", "o001", "o000"]
    rows = table(finance.get(f"/staff/orders.csv?{asked}").text)
    assert [row["order"] for row in rows] == shown
    assert (rows[0]["currency"], rows[0]["net"], rows[0]["commission"]) == ("EUR", "10.03", "1.00")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", rows[0]["placed_at"])
    assert "Nothing found" in finance.text("/staff/orders?q=not-there")


def test_a_name_that_is_a_formula_is_text_in_the_file_and_the_trail_knows_who_took_it(
    site: Site, finance: Browser
) -> None:
    with site.services.db.transaction() as session:
        zoe = session.scalars(select(Referrer).where(Referrer.code == "zoe-1")).one()
        zoe.name = '=HYPERLINK("http://evil.example";"x");+1 \U0001f600 \u05d0'
    asked = "q=zoe@example.org"
    (row,) = table(finance.get(f"/staff/referrers.csv?{asked}").text)
    assert row["name"] == "'" + '=HYPERLINK("http://evil.example";"x");' + "'+1 \U0001f600 \u05d0"
    assert row["email"] == "zoe@example.org"
    with site.services.db.reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "list.exported")).one()
        assert event.details == {"list": "referrers", "by": ["q"]}
        assert event.actor.startswith("user:")
        assert event.subject == "program:hosting"


def test_every_list_goes_home_as_a_file_of_its_own_programme_alone(site: Site) -> None:
    site.person("owner@example.org", Role.OWNER)
    sell(site, 3)
    with site.services.db.transaction() as session:
        World.build(session, "saas")
    owner = site.browser("owner@example.org")
    with site.app.test_request_context():
        paths = [url_for(listing.file_endpoint) for listing, _about in LISTINGS]
    for path in paths:
        answer = owner.get(path)
        assert (answer.status_code, answer.mimetype) == (200, "text/csv"), path
        assert answer.headers["Cache-Control"] == "no-store", path
        heads, *rows = list(csv.reader(io.StringIO(answer.text, newline="")))
        assert all(len(row) == len(heads) for row in rows), path
        assert answer.text.endswith("\r\n"), path
    for path in ("orders", "customers", "commissions", "referrers"):
        assert "zoe-1" in owner.get(f"/staff/{path}.csv?program=hosting").text, path
        assert "zoe-1" not in owner.get(f"/staff/{path}.csv?program=saas").text, path


def test_a_referrer_takes_all_their_commissions_home_and_nobody_elses(site: Site) -> None:
    sell(site, 3)
    with site.world() as world:
        world.bind("eve", "hers")
        world.order("hers", line(net=7700), customer="hers")
    zoe = site.browser("zoe@example.org")
    (href,) = links(zoe.get("/dashboard/commissions").text, "commissions.csv")
    rows = table(zoe.get(href).text)
    assert [row["base"] for row in rows] == ["10.02", "10.01", "10.00"]
    assert {(row["earned"], row["now"]) for row in rows} == {("1.00", "1.00")}
    assert {row["sku"] for row in rows} == {"web"}
    assert all(re.fullmatch(r"C-\d{5}", row["customer"]) for row in rows), "not the shop's number"
    assert len(table(zoe.get("/dashboard/commissions.csv?referrer=eve-1").text)) == 3
    assert "commissions.csv" not in site.browser("eve@example.org").get("/dashboard").text
    with site.services.db.reading() as session:
        took = session.scalars(select(AuditEvent).where(AuditEvent.action == "list.exported")).all()
        assert {event.details["list"] for event in took} == {"own-commissions"}


def test_a_file_is_read_some_rows_at_a_time(quick_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site = quick_site
    site.person("owner@example.org", Role.OWNER)
    sell(site, 7)
    owner = site.browser("owner@example.org")
    monkeypatch.setattr(lists, "_CHUNK", 3)
    with site.statements() as seen:
        answer = owner.get("/staff/orders.csv", buffered=False)
        parts = iter(answer.iter_encoded())
        next(parts)
        asked = len([each for each, _ in seen if "FROM orders JOIN customers" in each])
        rest = b"".join(parts)
    assert asked <= 1
    assert len([each for each, _ in seen if "FROM orders JOIN customers" in each]) == 3
    assert rest.count(b"\r\n") == 7


def test_every_order_of_every_list_is_one_that_a_cursor_can_say() -> None:
    ways = {way for listing, _ in LISTINGS for way in listing.ways.values()}
    assert {way.by.type.python_type for way in ways} <= {int, str, datetime, date}
