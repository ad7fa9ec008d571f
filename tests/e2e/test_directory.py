"""The directory in a real browser: found and filtered without script, written and submitted by a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.test_pages import log_in, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.support.house import House

LIST = "/programs/directory/partners"
PARTNER = "studio-noord@example.org"


def test_a_visitor_without_script_filters_reads_and_writes_to_a_partner(
    browser: Browser, house: House
) -> None:
    context = browser.new_context(
        java_script_enabled=False, locale="en-GB", viewport={"width": 360, "height": 800}
    )
    page = context.new_page()
    page.goto(f"{house.url}{LIST}")
    page.get_by_label("Language").select_option("nl")
    page.get_by_label("Search").fill("studio")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="1 partner")).to_be_visible()
    page.get_by_role("link", name="Studio Noord").click()
    page.get_by_role("link", name="Send a message").click()
    page.get_by_label("Your name").fill("Bea 🥐")
    page.get_by_label("Your e-mail address").fill("bea@example.net")
    page.get_by_label("Your message").fill("Can you help our bakery?")
    page.get_by_role("button", name="Send the message").click()
    expect(page.get_by_role("status")).to_contain_text("on its way")
    context.close()


def test_a_partner_changes_the_profile_and_sees_it_before_anybody_else(page: Page, house: House) -> None:
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 800})
    log_in(page, house, PARTNER)
    page.goto(f"{house.url}/dashboard/profile")
    assert violations(page) == []
    page.get_by_label("In one sentence").fill("Letters for people in a hurry")
    page.get_by_label("Website (optional)").fill("https://plain.example")
    page.get_by_role("button", name="Save and preview").click()
    expect(page.get_by_text("Letters for people in a hurry")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Submit for publication").click()
    expect(page.get_by_role("status")).to_contain_text("Submitted")
    page.goto(f"{house.url}{LIST}/studio-noord")
    expect(page.get_by_text("Letters for people in a hurry")).to_have_count(0)
