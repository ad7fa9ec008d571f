"""A payout run pressed through in a browser, with the real worker doing the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_pages import log_in, reach

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from tests.support.house import House

WORK_MS = 60_000
"""The longest that the worker may take for a stage, the sweeper's minute not needed."""


@pytest.fixture
def second(browser: Browser, house: House) -> Page:
    """The second pair of eyes, in a browser of their own."""
    page = browser.new_context(locale="en-GB").new_page()
    log_in(page, house, "finance2@korenhof.example")
    return page


def state(page: Page, word: str) -> Locator:
    return page.locator("h1 + p .pill").filter(has_text=word)


def test_two_people_bring_a_run_to_the_bank_and_one_payout_is_taken_out(
    page: Page, second: Page, house: House
) -> None:
    log_in(page, house, "finance1@korenhof.example")
    page.goto(f"{house.url}/staff/payouts?program=directory")
    page.locator("tbody tr").first.get_by_role("link").click()
    state(page, "draft").wait_for()
    page.get_by_role("button", name="Freeze this run").click()
    state(page, "waits for approval").wait_for(timeout=WORK_MS)

    before = page.locator("#payouts tbody tr").count()
    page.get_by_role("link", name="Take out").first.click()
    page.get_by_label("Reason").fill("Their bank called")
    page.get_by_role("button", name="Take this payout out").click()
    page.get_by_text("is taken out of this run").wait_for()
    assert page.get_by_role("link", name="Take out").count() == before - 1

    second.goto(page.url)
    # The second person has no mouse.
    reach(second, second.get_by_label("Your password"))
    second.keyboard.type("kickback-demo")
    reach(second, second.get_by_role("button", name="Approve and build the files"))
    second.keyboard.press("Enter")
    state(second, "files are ready").wait_for(timeout=WORK_MS)
    second.get_by_role("button", name="Mark as handed to the bank").click()
    state(second, "at the bank").wait_for(timeout=WORK_MS)
    second.context.close()
