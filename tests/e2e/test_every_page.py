"""Every route that gives a page, light and dark, before axe: found by walking the house, checked against the URL map.

The pages of ``test_pages.py`` are looked at there, in three languages; here comes whatever else there is, in one.
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from sqlalchemy import select

from app.dashboard.access import ACCESS
from app.factory import create_app
from app.identity.models import User
from app.identity.tokens import MailLinks
from app.identity.users import password_token
from app.kernel import clock
from app.kernel.db import Database
from app.payouts.models import Payout, PayoutFile, PayoutRun, TaxDocument
from app.privacy.partner_links import PartnerLinks, Whose
from app.referrals.models import Binding, BindingMethod, Customer, Program
from app.shopfront.handover import hand_over_customer
from app.shopfront.words import Opens
from config import Settings
from tests.conftest import KEYS
from tests.e2e.test_pages import (
    DEMO_PASSWORD,
    MINE,
    OFFICE,
    OWNER,
    OWNERS,
    PUBLIC,
    REFERRER,
    RULES,
    STAFF,
    THE_LOOK,
    log_in,
    violations,
    watched,
)
from tests.support.forms import Walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from playwright.sync_api import Browser, Page

    from tests.support.house import House

PARTNER: Final = "studio-noord@example.org"
CUSTOMER: Final = "customer"
PEOPLE: Final = ("", REFERRER, PARTNER, OWNER, STAFF)

NO_PAGE: Final = {
    "static": "a file",
    "home.qr_code": "a picture",
    "public.banner": "leads on to a picture",
    "public.logo": "a picture",
    "public.picture": "a picture",
    "staff.run_progress": "a part of a page",
    "accounts.verify": "leads on",
}
"""GET routes that give no page of their own, beside the files that are named so."""

SEEN_ELSEWHERE: Final = {
    "accounts.undo_account": "the button of a mail about a change; the form of accounts.password",
    "accounts.undo_address": "the button of a mail about a change; the form of accounts.password",
    "accounts.confirm_address": "the button of a mail about a change; the form of accounts.password",
    "accounts.unsubscribe": "the button of a mail; the form of accounts.password",
    "accounts.invitation": "the button of a mail; the form of accounts.join",
    "accounts.authenticator": "a step of setting up a second factor; the form of accounts.new_authenticator",
    "accounts.recovery_codes": "after a second factor; the form of accounts.new_authenticator",
    "accounts.new_passkey": "asks the browser's own dialog; the form of accounts.new_authenticator",
    "accounts.passkey": "one passkey; the form of accounts.new_authenticator",
    "accounts.remove_passkey": "one passkey; the form of accounts.new_authenticator",
    "accounts.second_step": "the second step of logging in; the form of accounts.login",
    "handover.show": "tests/e2e/test_embedding.py presses its button",
}
"""Pages of one button or one form whose state the demo does not hold, and what is like them."""


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application for its URL map; it opens no connection."""
    folder = tmp_path_factory.mktemp("routes")
    environ = {"APP_ENV": "test", "VAR_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder}/none.db"}
    return create_app(Settings.from_env({**environ, **KEYS, "REDIS_URL": "redis://127.0.0.1:1/0"}))


def walked(routes: Flask, house: House, who: str) -> Walk:
    """The pages that one person finds."""
    with closing(httpx.Client(base_url=house.url, timeout=30)) as client:
        if who:
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login").text)
            assert token is not None
            form = {"csrf_token": token[1], "email": who, "password": DEMO_PASSWORD}
            assert client.post("/login", data=form).status_code == 302
        return Walk(routes, reads(client)).begin()


def reads(client: httpx.Client) -> Callable[[str], str | None]:
    def read(address: str) -> str | None:
        with client.stream("GET", address) as answer:
            kind = answer.headers.get("content-type", "")
            return (
                answer.read().decode() if answer.status_code == 200 and kind.startswith("text/html") else None
            )

    return read


def by_hand(house: House) -> dict[str, tuple[str, str]]:
    """Pages that no link of another page leads to just now: by mails, by the shop, for payouts gone wrong."""
    settings, now = Settings.from_env(house.environ), clock.now()
    db = Database(settings.database_url)
    with db.transaction() as session:
        payout, run = session.execute(
            select(Payout.id, PayoutRun.name).join(PayoutRun, PayoutRun.id == Payout.run_id).limit(1)
        ).one()
        file = session.scalars(
            select(PayoutFile.id)
            .join(PayoutRun, PayoutRun.id == PayoutFile.run_id)
            .where(PayoutRun.name == run)
        ).first()
        chosen = session.scalars(
            select(Customer)
            .join(Binding, Binding.customer_id == Customer.id)
            .join(Program, Program.id == Customer.program_id)
            .where(
                Program.slug == "directory",
                Binding.method == BindingMethod.CHOSEN,
                Binding.until_at.is_(None),
            )
            .limit(1)
        ).one()
        document = session.scalars(select(TaxDocument.id).limit(1)).one()
        whose = Whose(chosen.program_id, chosen.id)
        token = hand_over_customer(session, chosen, Opens.PARTNER, now)
        anna = session.scalars(select(User).where(User.email == REFERRER)).one()
        mailed = password_token(MailLinks(settings.secret_keys), anna, now)
    db.dispose()
    care, about = f"/staff/payouts/{run}", "/programs/directory"
    return {
        "staff.exclude_payout": (STAFF, f"{care}/payouts/{payout}/exclude"),
        "staff.decide_unknown_payout": (STAFF, f"{care}/payouts/{payout}/decide"),
        "staff.lose_payout_file": (STAFF, f"{care}/files/{file}/unknown"),
        "staff.dismiss_payout_file": (STAFF, f"{care}/files/{file}/absent"),
        "staff.withdraw_approval": (STAFF, f"{care}/withdraw"),
        "staff.write_off_debt": (STAFF, "/staff/referrers/anna/write-off"),
        "staff.document": (STAFF, f"/staff/documents/{document}"),
        "staff.directory_profile": (OWNER, "/staff/directory/partners/studio-noord?program=directory"),
        "accounts.password": ("", f"/password/{mailed}"),
        "customer.partner": ("", f"/partner/{PartnerLinks(settings.secret_keys).sign(whose, now)}"),
        "customer.own": (f"{CUSTOMER} {token}", f"{about}/my-partner"),
        "directory.choose": (f"{CUSTOMER} {token}", f"{about}/partners/studio-noord/choose"),
        "directory.rating": (f"{CUSTOMER} {token}", f"{about}/partners/studio-noord/rating"),
    }


def test_every_other_page_holds_before_axe_light_and_dark(
    browser: Browser, house: House, routes: Flask
) -> None:
    places = by_hand(house)
    covered: set[str] = set()
    for who in PEOPLE:
        walk = walked(routes, house, who)
        covered |= {str(walk.endpoint(path, "GET")) for path in (*PUBLIC, *MINE, *OFFICE, *OWNERS)}
        for endpoint, addresses in walk.pages.items():
            places.setdefault(endpoint, (who, addresses[0]))
    pages = {
        rule.endpoint
        for rule in routes.url_map.iter_rules()
        if rule.endpoint in ACCESS
        and "GET" in (rule.methods or ())
        and not rule.endpoint.endswith(("_file", "_pdf"))
    }
    unseen = pages - set(places) - covered - set(NO_PAGE) - set(SEEN_ELSEWHERE)
    rest = sorted(place for endpoint, place in places.items() if endpoint not in covered)
    troubles = []
    for who in dict.fromkeys(who for who, _ in rest):
        troubles += look(browser, house, who, [path for by, path in rest if by == who])
    assert (unseen, troubles) == (set(), [])
    assert set(NO_PAGE) | set(SEEN_ELSEWHERE) <= pages


def enter(page: Page, house: House, who: str) -> None:
    """Log in, or come over from the shop as its customer."""
    if who.startswith(CUSTOMER):
        page.goto(f"{house.url}/hand-over/{who.removeprefix(CUSTOMER).strip()}")
        page.locator("main form button").click()
        page.wait_for_url(lambda url: "/hand-over/" not in url)
    elif who:
        log_in(page, house, who)


def look(browser: Browser, house: House, who: str, paths: list[str]) -> list[str]:
    """What is wrong with pages of one person."""
    troubles: list[str] = []
    context = browser.new_context(locale="de-DE", reduced_motion="reduce")
    page = watched(context.new_page(), troubles)
    enter(page, house, who)
    for path in paths:
        answer = page.goto(house.url + path)
        if answer is None or answer.status != 200:
            troubles.append(f"{path}: {answer and answer.status}")
        views: tuple[tuple[dict[str, Any], Any, int], ...] = ((RULES, "light", 1280), (THE_LOOK, "dark", 360))
        for rules, theme, width in views:
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 800})
            where = f"{path} {theme} {width}"
            if (wide := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
                troubles.append(f"{where}: {wide} px too wide")
            troubles += [f"{where}: {broken}" for broken in violations(page, rules)]
    context.close()
    return troubles
