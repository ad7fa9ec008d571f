"""One running house and one Chromium for all browser tests; a new browser profile for each.

``page`` fails its test when the browser logged an error or asked another host for anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support import house as houses
from tests.support.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

    from tests.support.house import House


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the browser tests on one pytest worker: they share one running house."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; skips its tests with the reason where there is none."""
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The running house with its demo data; shared, so a test makes its own people and orders."""
    with houses.running(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile without cookies, allowed to use the clipboard."""
    opened = browser.new_context(
        locale="en-GB",
        viewport={"width": 1280, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
    )
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, house: House) -> Iterator[Page]:
    """A page of that profile, watched."""
    opened = context.new_page()
    troubles: list[str] = []
    own_hosts = {urlsplit(house.url).netloc, urlsplit(house.shop_url).netloc}

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            troubles.append(f"console: {message.text}")

    def on_request(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and parts.netloc not in own_hosts:
            troubles.append(f"request to another host: {request.url}")

    opened.on("console", on_console)
    opened.on("pageerror", lambda error: troubles.append(f"script: {error}"))
    opened.on("request", on_request)
    yield opened
    assert troubles == []
