"""The demo shop against the real API, without a browser: what it tells arrives, and what it asks is answered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from app.demo import opening
from app.kernel import clock
from examples.shop.app import create_app
from examples.shop.settings import ShopSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from app.factory import Services
    from examples.shop.wiring import Shop

PASSWORD = "correct horse"


@pytest.fixture
def shop_app(app: Flask, tmp_path: Path) -> Iterator[Flask]:
    """A shop whose clients speak to this test's Refledger; the demo's programmes are there, and nothing else."""
    services: Services = app.extensions["refledger"]
    with services.db.transaction() as session:
        opening.open_programs(session, "http://shop.example/", clock.now())
        keys = opening.make_shop_keys(session, clock.now())
    settings = ShopSettings("http://127.0.0.1", keys, tmp_path / "shop", retry_seconds=0, secret="s" * 40)
    made = create_app(settings, start_sender=False, transport=httpx.WSGITransport(app=app.wsgi_app))
    made.config["WTF_CSRF_ENABLED"] = False
    yield made
    for api in made.extensions["shop"].clients.values():
        api.close()


def enter(shop_app: Flask, name: str, **more: str) -> FlaskClient:
    """A customer of their own browser, signed up and logged in."""
    browser = shop_app.test_client()
    form = {"name": name, "email": f"{name.lower()}@example.com", "password": PASSWORD, **more}
    assert browser.post("/signup", data=form).status_code == 302
    return browser


def buy(browser: FlaskClient, *skus: str) -> str:
    for sku in skus:
        browser.post("/basket/add", data={"sku": sku})
    path = browser.post("/orders").headers["Location"].split("?")[0]
    browser.post(f"{path}/payment", data={"method": "ideal"})
    return path.removeprefix("/orders/")


def tell_all(shop: Shop) -> None:
    """Send what waits; everything must be accepted."""
    shop.sender.drain()
    left = shop.store.rows("SELECT path, state, answer FROM outbox WHERE state <> 'done'")
    assert [tuple(row) for row in left] == []


def balances(browser: FlaskClient) -> str:
    page = browser.get("/account/partner-programme").text
    return " ".join(re.findall(r"€ [\d.,]+", page.split("Paid</th>")[1])[:4])


def test_a_sale_through_a_members_link_earns_and_a_refund_takes_its_share_back(
    app: Flask, shop_app: Flask, shop: Shop
) -> None:
    anna = enter(shop_app, "Anna")
    anna.post("/account/bank", data={"iban": "NL91 ABNA 0417 1643 00"})
    joined = anna.post("/account/partner-programme/hosting/join", follow_redirects=True).text
    (path,) = re.findall(r"http://[^/\"]+(/r/anna-c1001/[a-z0-9]{10})", joined)
    landed = app.test_client().get(path).headers["Location"]
    assert landed.startswith("http://shop.example/?ref=")
    tell_all(shop)

    bert = enter(shop_app, "Bert", ref=landed.partition("ref=")[2])
    number = buy(bert, "web-pro", "domain", "studio-s")
    tell_all(shop)
    assert balances(anna) == "€ 0.00 € 27.00 € 0.00 € 0.00"

    bert.post(f"/desk/orders/{number}/lines/3/refund", data={"amount": "90.00"})
    tell_all(shop)
    assert balances(anna) == "€ 0.00 € 13.50 € 0.00 € 0.00"


def test_a_chosen_partner_earns_until_the_customer_ends_it(shop_app: Flask, shop: Shop) -> None:
    api = shop.clients["directory"]
    body = {"code": "klartext", "name": "Klartext Studio", "email": "klartext@example.org"}
    assert api.call("POST", "/referrers", body).status == 201
    carla = enter(shop_app, "Carla")
    numbers = [buy(carla, "studio-l")]
    carla.post("/partners/klartext/choose")
    numbers.append(buy(carla, "studio-l"))
    carla.post("/partners/end")
    numbers.append(buy(carla, "studio-l"))
    tell_all(shop)

    orders = [api.call("GET", f"/orders/{number}").body for number in numbers]
    assert [order["referrer"] for order in orders] == [None, "klartext", None]
    assert [sum(one["amount"] for one in order["commissions"]) for order in orders] == [0, 990, 0]


def test_a_customer_sees_and_ends_the_reward_from_their_account(
    app: Flask, shop_app: Flask, shop: Shop
) -> None:
    api = shop.clients["directory"]
    body = {"code": "klartext", "name": "Klartext Studio", "email": "klartext@example.org"}
    assert api.call("POST", "/referrers", body).status == 201
    flora = enter(shop_app, "Flora", referrer_code="klartext")
    tell_all(shop)

    url = flora.get("/account/rewarded/directory").headers["Location"]
    assert url.startswith(f"{app.extensions['refledger'].settings.public_url}/partner/")
    page = app.test_client()
    path = url.partition("127.0.0.1:8000")[2]
    html = page.get(path).text
    assert "Klartext Studio is rewarded for your orders." in html
    assert "Flora" not in html
    (token,) = re.findall(r'name="csrf_token" value="([^"]+)">\s*<button type="submit" class="danger"', html)
    assert page.post(f"{path}/end", data={"csrf_token": token}).status_code == 302
    assert api.call("GET", "/customers/C1001/partner").body["referrer"] is None


def test_a_coupon_that_only_one_programme_knows_is_accepted_by_both(shop_app: Flask, shop: Shop) -> None:
    enter(shop_app, "Dora", coupon="NOBODYS", referrer_code="nobody")

    tell_all(shop)

    row = shop.store.row("SELECT COUNT(*) AS told FROM outbox")
    assert row is not None
    assert row["told"] == 2


def test_the_rates_that_the_shop_shows_are_those_of_the_programme(shop_app: Flask) -> None:
    page = enter(shop_app, "Emil").get("/account/partner-programme").text
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())

    assert "Web hosting Pro € 180.00 15 % every order" in words
    assert "Virtual server € 24.00 10 % every order for 12 months" in words
    assert "Moving service € 95.00 does not participate" in words
