"""The navigation: sections, the pages of the one that is open, and nothing that one may not open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard.access import ACCESS
from app.dashboard.navigation import OFFICE, REFERRERS
from app.identity.roles import PERMISSIONS, Role
from tests.web.pages.test_access import routes

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site

NOWHERE = {"staff.search"}
"""Pages that lead everywhere and belong to no section."""

_LINK = re.compile(r'<a href="([^"]*)"(?: aria-current="(\w+)")?>([^<]*)</a>')


def shown(browser: Browser, path: str) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """The sections and the pages that a page's header shows, and which of them say that one is there."""
    head = browser.get(path).text.partition("<main")[0]
    sections, _pages, pages = head.partition('<nav class="section-nav"')
    first = _LINK.findall(sections.partition('<nav class="site-nav"')[2].partition("</nav>")[0])
    second = _LINK.findall(pages)
    here = [(label, current) for _href, current, label in [*first, *second] if current]
    return [label for *_, label in first], [label for *_, label in second], here


def test_a_referrer_sees_where_they_are_on_both_levels(quick_site: Site) -> None:
    browser = quick_site.browser("zoe@example.org")
    sections, pages, here = shown(browser, "/dashboard/statements")
    assert sections == ["Home", "Earnings", "Payouts", "Links", "Account"]
    assert pages == ["Payouts", "Statements", "Documents", "Bank account"]
    assert here == [("Payouts", "true"), ("Statements", "page")]
    assert shown(browser, "/dashboard")[1:] == (["Home", "News"], [("Home", "true"), ("Home", "page")])


def test_a_page_of_one_thing_belongs_to_the_list_that_it_came_from(quick_site: Site) -> None:
    quick_site.person("staff@example.org", Role.OWNER)
    browser = quick_site.browser("staff@example.org")
    assert shown(browser, "/staff/referrers/zoe-1")[2] == [("Referrers", "true"), ("Referrers", "page")]
    assert shown(browser, "/staff/rates/new")[2] == [("Programme", "true"), ("Products and rates", "page")]
    assert shown(browser, "/staff/orders/waiting")[2] == [("Orders", "true"), ("Waiting", "page")]


def test_what_somebody_may_not_open_is_not_shown(quick_site: Site) -> None:
    quick_site.person("staff@example.org", Role.SUPPORT)
    browser = quick_site.browser("staff@example.org")
    sections, pages, _here = shown(browser, "/staff/products")
    assert "Books" in [str(section.label) for section in OFFICE]
    assert "Books" not in sections
    assert "Rate table" in pages
    assert "What if" not in pages
    for section in OFFICE:
        for page in section.pages:
            assert page.action is ACCESS[page.endpoint], page.endpoint
            if page.action in PERMISSIONS[Role.SUPPORT]:
                with quick_site.app.test_request_context():
                    path = url_for(page.endpoint)
                assert browser.get(path).status_code == 200, path


def test_every_page_of_the_dashboard_has_its_place(quick_site: Site) -> None:
    lost = []
    with quick_site.app.test_request_context():
        places = [page for section in (*REFERRERS, *OFFICE) for page in section.pages]
        for endpoint, method, path in routes(quick_site):
            is_file = path.endswith(".csv")
            if method == "GET" and not is_file and not any(page.depth(path) for page in places):
                lost.append(endpoint)
    assert set(lost) == NOWHERE
