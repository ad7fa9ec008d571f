"""The office by keyboard: one key to search, and a rate that is looked at before it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.test_pages import OWNER, log_in, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.house import House


def test_one_key_searches_and_a_rate_is_looked_at_before_it_is_published(page: Page, house: House) -> None:
    log_in(page, house, OWNER)
    page.keyboard.press("/")
    page.keyboard.type("anna")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Referrers")).to_be_visible()
    expect(page.get_by_role("link", name="Anna", exact=False).first).to_be_visible()
    assert violations(page) == []

    page.goto(f"{house.url}/staff/products")
    page.get_by_label("Article number (SKU)").fill("care-plan")
    page.get_by_label("Name", exact=True).fill("Care plan")
    page.get_by_role("button", name="Save the product").click()
    page.get_by_label("Commission rate", exact=True).fill("7%")
    page.get_by_role("button", name="See what would change").click()
    expect(page.get_by_text("Nothing is published yet.")).to_be_visible()
    expect(page.get_by_role("heading", name="For each referrer")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Change it first").click()
    expect(page.get_by_label("Commission rate", exact=True)).to_have_value("7%")
    page.get_by_role("button", name="See what would change").click()
    page.get_by_role("button", name="Publish this rate").click()
    expect(page.get_by_text("The new rate is set.")).to_be_visible()
    assert violations(page) == []
