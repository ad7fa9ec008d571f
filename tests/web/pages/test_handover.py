"""People whom the merchant's own site vouches for: one address, one use, a session that reaches no further."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.dashboard.access import ACCESS
from app.dashboard.handed import HANDED, OWN_LOGIN
from app.identity.api_keys import Scope, create_api_key
from app.identity.audit import Actor
from app.kernel import clock
from app.privacy.retain import retain
from app.referrals.models import Customer
from app.shopfront.handover import CUSTOMER_STAYS, VALID_FOR
from app.shopfront.looks import BadFrameHost, frame_origin, set_frame_hosts
from app.shopfront.models import CustomerSession, HandOver
from tests.builders import ACTOR, World, line
from tests.web.pages.conftest import open_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import TestResponse

    from config import Settings
    from tests.web.pages.conftest import Browser, Site

SHOP = "https://shop.example"


@pytest.fixture
def https_site(make_settings: Callable[..., Settings], sqlite_url: str, valkey_url: str) -> Iterator[Site]:
    """A site that people reach by https."""
    yield from open_site(
        make_settings(DATABASE_URL=sqlite_url, REDIS_URL=valkey_url, PUBLIC_URL="https://localhost")
    )


def ask(site: Site, path: str, body: dict[str, object] | None = None) -> TestResponse:
    """What the merchant's server asks with its key."""
    with site.world() as world:
        key = create_api_key(
            world.session,
            program_id=world.program.id,
            name="shop",
            scopes=[Scope.REFERRERS_WRITE, Scope.SIGNUPS_WRITE],
            actor=Actor.cli(),
            now=clock.now(),
        )
    return site.app.test_client().post(
        f"/api/v1{path}", json=body or {}, headers={"Authorization": f"Bearer {key.key}"}
    )


def address(site: Site, path: str, body: dict[str, object] | None = None) -> str:
    """The path of the address that the call answers."""
    answer = ask(site, path, body)
    assert answer.status_code == 201, answer.text
    url: str = answer.json["url"]
    return url.removeprefix(site.services.settings.public_url)


def follow(browser: Browser, path: str) -> TestResponse:
    """Open an address and press its button."""
    return browser.post(path, start=path)


def a_customer(site: Site) -> None:
    with site.world() as world:
        world.bind("zoe", "c1")
        world.order("o1", line(), customer="c1")


def frames(site: Site, *hosts: str) -> None:
    with site.world() as world:
        set_frame_hosts(
            world.session, world.program, hosts, production=False, actor=Actor.cli(), now=clock.now()
        )


def test_the_address_opens_the_dashboard_once_and_only_by_a_press(site: Site) -> None:
    path = address(site, "/referrers/zoe-1/session")
    browser = site.browser()
    for _look_ahead in range(2):
        assert browser.get(path).status_code == 200
    assert browser.client.head(path).status_code == 200
    page = browser.get(path)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "document.getElementById" in page.text
    assert "getElementById" not in browser.get(path, headers={"Sec-Purpose": "prefetch;prerender"}).text
    answer = follow(browser, path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/dashboard?program=hosting")
    assert browser.get("/dashboard/payouts").status_code == 200
    # Again: by the same browser, and by whoever read its history.
    assert browser.get(path).status_code == 410
    assert "no longer valid" in browser.get(path).text
    stranger = site.browser()
    assert stranger.post(path).status_code == 410
    assert stranger.get("/dashboard/payouts").status_code == 302
    with site.world() as world:
        stored = world.session.scalars(select(HandOver.token_hash)).all()
    assert path.rpartition("/")[2] not in stored


def test_after_five_minutes_it_opens_nothing(site: Site) -> None:
    path = address(site, "/referrers/zoe-1/session")
    with clock.frozen(clock.now() + VALID_FOR):
        browser = site.browser()
        answer = browser.get(path)
        assert (answer.status_code, browser.post(path).status_code) == (410, 410)
        assert "Back to Hosting partner programme" in answer.text
        assert browser.get("/dashboard/payouts").status_code == 302
    assert site.browser().get("/hand-over/nothing").status_code == 410


def test_without_its_token_a_form_from_elsewhere_uses_nothing_up(quick_site: Site) -> None:
    path = address(quick_site, "/referrers/zoe-1/session")
    answer = quick_site.browser().client.post(path)
    assert answer.status_code == 400
    assert "keeps no cookies here" in answer.text
    assert follow(quick_site.browser(), path).status_code == 303


def test_a_session_without_password_reaches_nothing_that_needs_one(quick_site: Site) -> None:
    browser = quick_site.browser()
    follow(browser, address(quick_site, "/referrers/zoe-1/session"))
    for path in ("/dashboard/bank-account", "/dashboard/your-data", "/dashboard/documents", "/join"):
        answer = browser.get(path)
        assert (answer.status_code, "without a password" in answer.text) == (403, True), path
    assert browser.post("/dashboard/your-data/erase", start="/dashboard/payouts").status_code == 403
    assert browser.get("/staff").status_code == 404
    assert browser.get("/dashboard/payouts").status_code == 200
    # Somebody who is logged in with their password keeps that.
    own = quick_site.browser("zoe@example.org")
    follow(own, address(quick_site, "/referrers/zoe-1/session"))
    assert own.get("/dashboard/your-data").status_code == 200


def test_every_page_of_a_referrer_says_whether_it_needs_a_login_of_ones_own() -> None:
    pages = {name for name in ACCESS if name.startswith("home.")}
    assert pages - OWN_LOGIN - HANDED == set()
    assert set() == HANDED & OWN_LOGIN
    assert (HANDED | OWN_LOGIN) - ACCESS.keys() == set()


def test_it_shows_the_programme_that_vouched_and_no_other(quick_site: Site) -> None:
    with quick_site.services.db.transaction() as session:
        World.build(session, slug="books", name="Bookshop")
    quick_site.referrer("zoe", "books")
    browser = quick_site.browser()
    follow(browser, address(quick_site, "/referrers/zoe-1/session"))
    text = browser.text("/dashboard/payouts?program=books")
    assert "Bookshop" not in text
    assert ask(quick_site, "/referrers/zoe-books/session").status_code == 404


def test_a_session_that_was_handed_over_ends_soon(quick_site: Site) -> None:
    browser = quick_site.browser()
    follow(browser, address(quick_site, "/referrers/zoe-1/session"))
    with clock.frozen(clock.now() + timedelta(minutes=31)):
        assert browser.get("/dashboard/payouts").status_code == 302
    other = quick_site.browser("zoe@example.org")
    with clock.frozen(clock.now() + timedelta(minutes=31)):
        assert other.get("/dashboard/payouts").status_code == 200


def test_who_is_signed_in_already_is_asked_before_being_replaced(quick_site: Site) -> None:
    path = address(quick_site, "/referrers/zoe-1/session")
    assert "getElementById" not in quick_site.browser("eve@example.org").get(path).text


def test_another_customer_is_asked_before_taking_the_place_of_one_who_is_known(quick_site: Site) -> None:
    a_customer(quick_site)
    with quick_site.world() as world:
        world.bind("zoe", "c2")
    browser = quick_site.browser()
    follow(browser, address(quick_site, "/customers/c1/session"))
    assert "getElementById" in browser.get(address(quick_site, "/customers/c1/session")).text
    assert "getElementById" not in browser.get(address(quick_site, "/customers/c2/session")).text


def test_what_is_over_is_kept_for_a_day_and_no_longer(site: Site) -> None:
    a_customer(site)
    follow(site.browser(), address(site, "/customers/c1/session"))
    for hours, left in ((23, 1), (25, 0)):
        retain(site.services, clock.now() + timedelta(hours=hours), actor=ACTOR)
        with site.services.db.reading() as session:
            kept = [len(session.scalars(select(table)).all()) for table in (HandOver, CustomerSession)]
        assert kept == [left, left], hours


def test_in_a_frame_on_https_the_cookies_are_those_of_a_third_party(https_site: Site) -> None:
    a_customer(https_site)
    frames(https_site, "shop.example")
    path = address(https_site, "/customers/c1/session", {"frame": True})
    client = https_site.app.test_client()
    page = client.get(path, base_url="https://localhost")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    answer = client.post(path, data={"csrf_token": token[1]}, base_url="https://localhost")
    assert answer.status_code == 303
    cookies = page.headers.getlist("Set-Cookie") + answer.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {
        "__Secure-framed_session",
        "__Secure-framed_customer",
    }
    for cookie in cookies:
        said = set(cookie.split("; ")[1:])
        assert said >= {"Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/framed/hosting"}, cookie
    own = client.get("/login", base_url="https://localhost").headers["Set-Cookie"]
    assert own.startswith("__Host-session=")
    assert "SameSite=Lax" in own
    assert "Partitioned" not in own


def test_a_customer_is_known_for_half_an_hour_and_can_end_their_partner(site: Site) -> None:
    a_customer(site)
    browser, own = site.browser(), "/programs/hosting/my-partner"
    assert browser.get(own).status_code == 403
    answer = follow(browser, address(site, "/customers/c1/session"))
    assert answer.headers["Location"] == own
    assert "Zoe is rewarded for your orders." in browser.text(own)
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    with clock.frozen(clock.now() + CUSTOMER_STAYS):
        assert browser.get(own).status_code == 403
    browser.post(f"{own}/end", start=own)
    assert "Nobody is rewarded" in browser.text(own)
    with site.world() as world:
        assert world.session.scalars(select(CustomerSession)).one().token_hash
        customer = world.session.scalars(select(Customer)).one()
        customer.erased_at = clock.now()
    assert browser.get(own).status_code == 403
    assert ask(site, "/customers/c1/session").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"open": "https://evil.example"},
        {"open": "//evil.example"},
        {"open": "profile"},
        {"open": "partner", "referrer_code": "zoe-1"},
        {"next": "/staff"},
    ],
)
def test_no_address_from_outside_is_opened(quick_site: Site, body: dict[str, object]) -> None:
    a_customer(quick_site)
    assert ask(quick_site, "/customers/c1/session", body).status_code == 422


def test_only_the_programmes_sites_may_frame_and_only_what_stands_in_a_frame(quick_site: Site) -> None:
    assert ask(quick_site, "/referrers/zoe-1/session", {"frame": True}).status_code == 409
    frames(quick_site, "shop.example", "http://127.0.0.1:8001")
    path = address(quick_site, "/referrers/zoe-1/session", {"frame": True})
    assert path.startswith("/framed/hosting/hand-over/")
    browser = quick_site.browser()
    page = browser.get(path)
    assert f"frame-ancestors http://127.0.0.1:8001 {SHOP}" in page.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in page.headers
    answer = follow(browser, path)
    assert answer.headers["Location"] == "/framed/hosting/dashboard?program=hosting"
    inside = browser.get("/framed/hosting/dashboard/payouts")
    assert SHOP in inside.headers["Content-Security-Policy"]
    assert 'href="/framed/hosting/dashboard/links' in inside.text
    # What is signed in within the frame is not signed in outside of it.
    outside = browser.get("/dashboard/payouts")
    assert outside.status_code == 302
    login = browser.get("/login")
    assert "frame-ancestors 'none'" in login.headers["Content-Security-Policy"]
    assert login.headers["X-Frame-Options"] == "DENY"
    for gone in ("hosting/login", "hosting/staff", "hosting/api/v1/docs", "hosting/healthz", "x/dashboard"):
        answer = browser.get(f"/framed/{gone}")
        assert answer.status_code == 404, gone
        assert "http" not in answer.headers.get("Content-Security-Policy", ""), gone
    assert quick_site.browser().get("/framed/hosting/dashboard").status_code == 401


def test_an_address_for_one_programmes_frame_opens_nothing_in_another(quick_site: Site) -> None:
    with quick_site.services.db.transaction() as session:
        World.build(session, slug="books", name="Bookshop")
    frames(quick_site, "shop.example")
    path = address(quick_site, "/referrers/zoe-1/session", {"frame": True})
    assert quick_site.browser().get(path.replace("/hosting/", "/books/")).status_code == 404


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("shop.example", SHOP),
        ("HTTPS://Shop.Example/", SHOP),
        ("https://shop.example:8443", f"{SHOP}:8443"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
    ],
)
def test_a_frame_host_is_written_as_an_origin(text: str, origin: str) -> None:
    assert frame_origin(text, production=False) == origin


@pytest.mark.parametrize(
    "text",
    [
        "http://shop.example",
        "*.example",
        "https://shop.example/path",
        "https://a@shop.example",
        "javascript://shop.example",
        "shop.example; script-src *",
        "shop.example 'self'",
        "https://shop.example?x",
        "",
    ],
)
def test_what_is_no_site_frames_nothing(text: str) -> None:
    with pytest.raises(BadFrameHost):
        frame_origin(text, production=False)


def test_in_production_no_plain_http_frames_us() -> None:
    with pytest.raises(BadFrameHost):
        frame_origin("http://127.0.0.1:8001", production=True)
