"""The merchant's page shows the dashboard signed in; another site's page shows nothing of ours."""

from __future__ import annotations

from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.test_tour import become_customer

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from tests.support.house import House


class Elsewhere(BaseHTTPRequestHandler):
    """A site of somebody else that frames whatever it is told."""

    def __init__(self, framed: str, *args: object) -> None:
        self.framed = framed
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """One page with one frame."""
        page = f'<!DOCTYPE html><title>x</title><iframe src="{self.framed}"></iframe>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def join_in_the_shop(page: Page, house: House, name: str, email: str) -> None:
    """Somebody who joins in the shop's own customer area."""
    become_customer(page, house, name, email)
    page.goto(f"{house.shop_url}/account/bank")
    page.get_by_label("IBAN").fill("NL91ABNA0417164300")
    page.locator("main form button").click()
    page.goto(f"{house.shop_url}/account/partner-programme")
    page.get_by_role("button", name="Join").click()


def test_the_shops_page_shows_the_dashboard_signed_in_and_another_sites_page_does_not(
    page: Page, context: BrowserContext, house: House
) -> None:
    join_in_the_shop(page, house, "Merel Smit", "merel@example.com")
    frame = page.frame_locator("iframe")
    page.locator("iframe").scroll_into_view_if_needed()
    expect(frame.get_by_role("heading", name="Your referral link")).to_be_visible(timeout=20_000)
    frame.get_by_role("button", name="Copy").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == frame.get_by_role("textbox", name="Your referral link").input_value()
    frame.get_by_role("link", name="Links", exact=True).first.click()
    frame.locator("input[name=campaign]").fill("spring")
    frame.locator("form:has(input[name=campaign]) button[type=submit]").click()
    expect(frame.locator("main")).to_contain_text("spring")
    # What is signed in inside the frame is signed in nowhere else.
    page.goto(f"{house.url}/dashboard")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()

    inside = f"{house.url}/framed/hosting/dashboard"
    elsewhere = ThreadingHTTPServer(("127.0.0.1", 0), partial(Elsewhere, inside))
    Thread(target=elsewhere.serve_forever, daemon=True).start()
    try:
        stranger = context.new_page()
        said: list[str] = []
        stranger.on("console", lambda message: said.append(message.text))
        stranger.goto(f"http://127.0.0.1:{elsewhere.server_port}/")
        stranger.wait_for_load_state("networkidle")
        assert any("frame-ancestors" in text for text in said), said
        assert stranger.frames[1].url.startswith("chrome-error:")
        assert stranger.frame_locator("iframe").get_by_role("navigation").count() == 0
    finally:
        elsewhere.shutdown()
        elsewhere.server_close()


def test_without_script_one_press_opens_the_dashboard_as_a_page(
    page: Page, context: BrowserContext, house: House
) -> None:
    join_in_the_shop(page, house, "Mats Kok", "mats@example.com")
    browser = context.browser
    assert browser is not None
    plain = browser.new_context(
        java_script_enabled=False, locale="en-GB", storage_state=context.storage_state()
    )
    try:
        calm = plain.new_page()
        calm.goto(f"{house.shop_url}/account/partner-programme/hosting/dashboard")
        calm.get_by_role("button", name="Continue").click()
        expect(calm.get_by_role("heading", name="Your referral link")).to_be_visible()
        calm.goto(f"{house.url}/dashboard/bank-account")
        expect(calm.get_by_role("heading", name="Log in for this")).to_be_visible()
    finally:
        plain.close()
