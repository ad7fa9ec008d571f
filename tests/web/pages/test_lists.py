"""Every list of staff: sorted, searched, read part by part, and taken home as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.identity.roles import Role
from app.kernel import clock
from tests.builders import line

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


def links(page: str, mark: str) -> list[str]:
    return [each.replace("&amp;", "&") for each in re.findall(rf'href="([^"]*{mark}[^"]*)"', page)]


def table(answer: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer, newline="")))


def test_orders_are_sorted_searched_paged_and_taken_home_in_that_order(site: Site, finance: Browser) -> None:
    sell(site, 60)
    seen: list[str] = []
    href = "/staff/orders?sort=order"
    for _part in range(2):
        page = finance.get(href).text
        seen += re.findall(r"<a href=\"/staff/orders/\d+\">(o\d+)</a>", page)
        href = next(iter(links(page, "after=")), "")
    assert seen == [f"o{number:03}" for number in range(60)]
    assert href == ""
    page = finance.get("/staff/orders?sort=order").text
    assert 'aria-sort="ascending"' in page
    (file,) = links(page, r"orders\.csv")
    answer = finance.get(file)
    assert [row["order"] for row in table(answer.text)] == seen
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=orders-hosting-")
