"""The components in a browser: a question over the page, a toast, and the same without script; paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.test_pages import REFERRER, log_in, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.support.house import House

ASK = "Ask before ending something"


def test_a_question_opens_over_the_page_and_a_message_is_a_toast(page: Page, house: House) -> None:
    page.goto(f"{house.url}/dev/components")
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_role("link", name=ASK).click()
    question = page.get_by_role("dialog", name="Revoke the key")
    expect(question).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(page.get_by_role("link", name=ASK)).to_be_focused()
    page.get_by_role("link", name=ASK).click()
    question.get_by_role("link", name="Leave it as it is").click()
    expect(question).to_have_count(0)
    page.get_by_role("link", name=ASK).click()
    question.get_by_role("button", name="Revoke the key").click()
    toast = page.get_by_role("status").get_by_text("The bank account is saved.")
    expect(toast).to_be_in_viewport()
    assert violations(page) == []
    page.get_by_role("button", name="Close").click()
    expect(toast).to_have_count(0)


def test_without_script_the_question_is_a_page_and_paper_has_no_navigation(
    browser: Browser, house: House
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB", color_scheme="dark")
    page = context.new_page()
    page.goto(f"{house.url}/dev/components")
    page.get_by_role("link", name=ASK).click()
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_text("The bank account is saved.")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Close")).to_have_count(0)

    log_in(page, house, REFERRER)
    page.goto(f"{house.url}/dashboard/statements")
    page.locator("main th a").first.click()
    page.emulate_media(media="print", color_scheme="dark")
    for chrome in (".site-head", ".site-foot", ".crumb"):
        assert page.locator(f"{chrome}:visible").count() == 0
    expect(page.get_by_role("heading", level=1)).to_have_css("color", "rgb(0, 0, 0)")
    expect(page.locator("thead").first).to_have_css("display", "table-header-group")
    context.close()
