"""From the shop's account page to the page about one's partner, and back out of it; a referrer's copy of their data."""

from __future__ import annotations

import time
import zipfile
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.test_pages import REFERRER, SIZES, log_in, violations

if TYPE_CHECKING:
    import pytest
    from playwright.sync_api import BrowserContext, Page

    from tests.support.house import House

SHOP_PASSWORD = "seven green bottles"


def sign_up(page: Page, house: House, referrer_code: str = "") -> None:
    """A new customer of the shop, logged in there."""
    page.goto(f"{house.shop_url}/signup")
    page.locator("[name=name]").fill("Flora Vos")
    page.locator("[name=email]").fill(f"flora{time.time_ns()}@example.com")
    page.locator("[name=password]").fill(SHOP_PASSWORD)
    if referrer_code:
        page.locator("[name=referrer_code]").fill(referrer_code)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url(lambda url: "/signup" not in url)


def test_a_customer_goes_from_the_shop_to_their_page_and_ends_the_reward(
    context: BrowserContext, page: Page, house: House
) -> None:
    sign_up(page, house, "anna")
    for _ in range(60):  # the shop tells Refledger of its new customer in its own time
        page.goto(f"{house.shop_url}/account/")
        page.get_by_role("link", name="For hosting").click()
        if page.locator("button.danger").count():
            break
        page.wait_for_timeout(250)
    assert page.url.startswith(f"{house.url}/partner/")
    expect(page.get_by_role("heading", name="Who is rewarded for you")).to_be_visible()
    expect(page.get_by_text("you gave their code")).to_be_visible()
    assert "Flora" not in page.content()
    for language, theme, width in (("nl", "light", 360), ("de", "dark", 360), ("en", "dark", 1280)):
        wanted = (("lang", language), ("theme", theme))
        context.add_cookies([{"name": name, "value": value, "url": house.url} for name, value in wanted])
        page.set_viewport_size({"width": width, "height": 900})
        page.reload()
        assert page.locator("html").get_attribute("lang") == language
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert len(page.evaluate(SIZES)) <= 3
    page.get_by_role("button", name="End the reward for my orders").press("Enter")
    expect(page.get_by_text("Nobody is rewarded for your orders.", exact=True)).to_be_visible()


def test_a_referrer_downloads_a_copy_that_opens_without_a_network(
    context: BrowserContext, page: Page, house: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log_in(page, house, REFERRER)
    page.goto(f"{house.url}/dashboard/your-data")
    page.locator("#copy-password").fill("kickback-demo")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my data").press("Enter")
    folder = tmp_path_factory.mktemp("copy")
    download.value.save_as(folder / "copy.zip")
    with zipfile.ZipFile(folder / "copy.zip") as archive:
        archive.extractall(folder)
    offline = context.new_page()
    offline.goto((folder / "your-data.html").as_uri())
    expect(offline.get_by_role("heading", level=1)).to_be_visible()
    assert offline.locator("table").count() > 3
    assert violations(offline) == []
