"""A list of staff in a browser without script, with the names that people have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.support.house import House

OWNER, PASSWORD = "owner@korenhof.example", "kickback-demo"
NAMES = {
    "d8-long": "W" * 140,
    "d8-emoji": "Zo\u00eb \U0001f600 \U0001f1f3\U0001f1f1",
    "d8-rtl": "\u05d0\u05d1\u05d2 \u0645\u062b\u0627\u0644 =1+1",
}


def join(house: House) -> None:
    made = house.flask(
        "api-keys", "create", "--program", "hosting", "--name", "d8", "--scopes", "referrers:write", "--json"
    )
    key = json.loads(made.stdout)["key"]
    for code, name in NAMES.items():
        body = {"code": code, "name": name, "email": f"{code}@example.org"}
        sent = httpx.post(
            f"{house.url}/api/v1/referrers", json=body, headers={"Authorization": f"Bearer {key}"}
        )
        assert sent.status_code == 201, sent.text


def too_wide(page: Page) -> int:
    """By how many pixels the page could be scrolled sideways."""
    over: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return over


def test_a_list_is_searched_sorted_and_fits_without_script_whatever_people_are_called(
    browser: Browser, house: House
) -> None:
    join(house)
    for width in (360, 1280):
        context = browser.new_context(
            java_script_enabled=False, viewport={"width": width, "height": 800}, locale="en-GB"
        )
        page = context.new_page()
        page.goto(f"{house.url}/login")
        page.get_by_label("E-mail").fill(OWNER)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.locator("main form").get_by_role("button").first.click()
        page.goto(f"{house.url}/staff/referrers")
        page.get_by_label("Name, code or e-mail address").fill("d8-")
        page.get_by_role("button", name="Search", exact=True).click()
        page.get_by_role("columnheader", name="Code").get_by_role("link").click()
        rows = page.locator("#referrers-rows tr")
        expect(rows).to_have_count(3)
        expect(page.locator("#referrers-rows code, #referrers-rows .code").first).to_have_text("d8-emoji")
        assert too_wide(page) == 0
        for code, name in NAMES.items():
            page.goto(f"{house.url}/staff/referrers/{code}")
            expect(page.get_by_role("heading", level=1)).to_have_text(name)
            assert too_wide(page) == 0
        context.close()
