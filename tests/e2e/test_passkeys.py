"""Passkeys in a browser, with Chromium's own virtual device. They need a host with a name, so not the shared house."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from tests.support.house import free_port
from tests.web.pages.conftest import PASSWORD, open_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext

    from config import Settings

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def address(make_settings: Callable[..., Settings], sqlite_url: str, valkey_url: str) -> Iterator[str]:
    """A site at localhost with the referrer zoe."""
    port = free_port()
    url = f"http://localhost:{port}"
    settings = make_settings(DATABASE_URL=sqlite_url, REDIS_URL=valkey_url, PUBLIC_URL=url)
    with contextmanager(open_site)(settings) as site:
        server = make_server("127.0.0.1", port, site.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield url
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_device_makes_a_passkey_logs_in_with_it_and_confirms_a_bank_account(
    context: BrowserContext, address: str
) -> None:
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})

    page.goto(f"{address}/login?next=/account/passkeys/new")
    page.get_by_label("E-mail address").fill("zoe@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_label("Name").fill("Zoe's laptop")
    page.get_by_role("button", name="Make the passkey").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    assert page.locator(".recovery-codes li").count() == 10
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_text("Zoe's laptop").wait_for()

    page.get_by_role("button", name="Log out", exact=True).click()
    page.get_by_role("link", name="Log in").first.wait_for()
    page.goto(f"{address}/login?next=/dashboard/bank-account")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.get_by_label("Account holder").fill("Zoe")
    page.get_by_label("IBAN").fill("NL91ABNA0417164300")
    page.get_by_role("button", name="Confirm with a passkey").click()
    page.get_by_text("Your bank account is saved.").wait_for()
    assert page.get_by_text("4300").first.is_visible()
    assert troubles == []
