"""The demo shop: what it remembers of a recommendation, and what it tells Refledger."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from examples.shop.settings import ShopSettings

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from examples.shop.wiring import Shop
    from tests.examples.conftest import PaperRefledger

CUSTOMER = {"name": "Änne Vos", "email": "Anne@example.com", "password": "correct horse"}


def sign_up(browser: FlaskClient, **more: str) -> None:
    assert browser.post("/signup", data=CUSTOMER | more).status_code == 302


def buy(browser: FlaskClient, *skus: str) -> str:
    for sku in skus:
        browser.post("/basket/add", data={"sku": sku})
    return browser.post("/orders").headers["Location"].split("?")[0].removeprefix("/orders/")


def test_before_consent_the_click_id_travels_in_urls_and_no_cookie_holds_it(browser: FlaskClient) -> None:
    page = browser.get("/?ref=click-1")

    assert "/signup?ref=click-1" in page.text
    assert not any("click-1" in cookie for cookie in page.headers.getlist("Set-Cookie"))
    assert 'name="ref" value="click-1"' in re.sub(r"\s+", " ", browser.get("/signup?ref=click-1").text)


def test_after_consent_a_cookie_holds_the_click_id_and_urls_are_clean(browser: FlaskClient) -> None:
    answer = browser.post("/consent", data={"answer": "yes", "ref": "click-1", "back": "/"})

    assert answer.headers["Location"] == "/"
    assert "?ref=" not in browser.get("/").text
    cookie = browser.get_cookie("shop_clicks")
    assert cookie is not None
    assert (cookie.value, cookie.http_only) == ("click-1", True)


def test_after_a_refusal_the_question_is_not_asked_again_and_nothing_is_kept(browser: FlaskClient) -> None:
    browser.post("/consent", data={"answer": "no", "ref": "click-1", "back": "/"})

    assert "recommended us" not in browser.get("/?ref=click-1").text
    assert browser.get_cookie("shop_clicks") is None


def test_the_last_five_clicks_are_remembered_newest_last(
    browser: FlaskClient, shop: Shop, refledger: PaperRefledger
) -> None:
    browser.post("/consent", data={"answer": "yes", "ref": "click-1", "back": "/"})
    for number in (2, 3, 4, 5, 6, 2):
        browser.get(f"/?ref=click-{number}")
    sign_up(browser)
    shop.sender.drain()

    assert refledger.body("/signups")["click_ids"] == ["click-3", "click-4", "click-5", "click-6", "click-2"]


@pytest.mark.parametrize("ref", ["", "x" * 81, "a b", "<script>", "a.b", "ref=1"])
def test_what_cannot_be_a_click_id_is_not_carried(browser: FlaskClient, ref: str) -> None:
    page = browser.get("/", query_string={"ref": ref})

    assert page.status_code == 200
    assert "recommended us" not in page.text
    assert "?ref=" not in page.text


def test_a_signup_is_told_to_both_programmes_with_every_candidate(
    browser: FlaskClient, shop: Shop, refledger: PaperRefledger
) -> None:
    sign_up(browser, ref="click-1", coupon="SPRING", referrer_code="anna")
    shop.sender.drain()

    assert [call.key for call in refledger.calls] == ["key-h", "key-d"]
    body = refledger.body("/signups")
    assert body["click_ids"] == ["click-1"]
    assert (body["coupon"], body["referrer_code"], body["email"]) == ("SPRING", "anna", "anne@example.com")


def test_each_programme_is_told_of_its_own_lines_only(
    browser: FlaskClient, shop: Shop, refledger: PaperRefledger
) -> None:
    sign_up(browser)
    buy(browser, "web-pro", "domain", "domain", "studio-s")
    shop.sender.drain()

    told = {call.key: call.body for call in refledger.calls if call.path == "/orders"}
    assert [(line["product"], line["quantity"], line["net"]) for line in told["key-h"]["lines"]] == [
        ("domain", 2, 1800),
        ("web-pro", 1, 18000),
    ]
    assert [line["product"] for line in told["key-d"]["lines"]] == ["studio-s"]


def test_a_product_bought_before_is_a_renewal(
    browser: FlaskClient, shop: Shop, refledger: PaperRefledger
) -> None:
    sign_up(browser)
    first = buy(browser, "web-pro")
    browser.post(f"/orders/{first}/payment", data={"method": "ideal"})
    buy(browser, "web-pro", "domain")
    shop.sender.drain()

    assert {line["product"]: line["kind"] for line in refledger.body("/orders")["lines"]} == {
        "web-pro": "renewal",
        "domain": "new",
    }


def test_an_order_paid_twice_is_told_once_and_a_paid_order_cannot_be_cancelled(
    browser: FlaskClient, shop: Shop, refledger: PaperRefledger
) -> None:
    sign_up(browser)
    number = buy(browser, "web-pro")
    for _ in range(2):
        browser.post(f"/orders/{number}/payment", data={"method": "card"})
    browser.post(f"/orders/{number}/cancellation")
    shop.sender.drain()

    assert refledger.paths("key-h")[2:] == [f"POST /orders/{number}/payment"]


@pytest.mark.parametrize("amount", ["180.01", "0", "-1", "1.005", "ten", "NaN", "Infinity", ""])
def test_a_refund_that_cannot_be_is_refused_and_nothing_is_told(
    browser: FlaskClient, shop: Shop, refledger: PaperRefledger, amount: str
) -> None:
    sign_up(browser)
    number = buy(browser, "web-pro")
    browser.post(f"/orders/{number}/payment", data={"method": "card"})

    browser.post(f"/desk/orders/{number}/lines/1/refund", data={"amount": amount})
    shop.sender.drain()

    assert not any("refunds" in path for path in refledger.paths("key-h"))


def test_partial_refunds_end_at_what_was_paid(
    browser: FlaskClient, shop: Shop, refledger: PaperRefledger
) -> None:
    sign_up(browser)
    number = buy(browser, "web-pro")
    browser.post(f"/orders/{number}/payment", data={"method": "card"})
    for amount in ("100.00", "80,00", "0.01"):
        browser.post(f"/desk/orders/{number}/lines/1/refund", data={"amount": amount})
    shop.sender.drain()

    refunds = [call.body for call in refledger.calls if call.path.endswith("/refunds")]
    assert [refund["lines"][0]["net"] for refund in refunds] == [10000, 8000]
    assert len({refund["refund_id"] for refund in refunds}) == 2


def test_the_page_of_ones_partner_is_asked_for_when_it_is_opened(
    browser: FlaskClient, refledger: PaperRefledger
) -> None:
    sign_up(browser)
    refledger.bodies["/customers/C1001/partner-link"] = {"url": "http://refledger.example/partner/x"}
    assert (
        browser.get("/account/rewarded/hosting").headers["Location"] == "http://refledger.example/partner/x"
    )
    refledger.failures = [503]
    answer = browser.get("/account/rewarded/hosting", follow_redirects=True)
    assert "cannot be reached right now" in answer.text
    assert browser.get("/account/rewarded/nowhere").status_code == 404


def test_facts_wait_while_refledger_is_away_and_are_sent_when_it_is_back(
    browser: FlaskClient, shop: Shop, refledger: PaperRefledger
) -> None:
    refledger.failures = [503, 503]
    sign_up(browser)
    shop.sender.drain()

    assert refledger.paths("key-h").count("POST /signups") >= 2
    assert [row["state"] for row in shop.store.rows("SELECT state FROM outbox")] == ["done", "done"]
    assert shop.sender.drain() == 0


def test_a_fact_never_overtakes_an_older_one_of_the_same_customer(
    browser: FlaskClient, shop: Shop, refledger: PaperRefledger
) -> None:
    sign_up(browser)
    shop.sender.drain()
    refledger.calls.clear()
    refledger.failures = [500, 429, 500]
    browser.post("/partners/klartext/choose")
    browser.post("/partners/end")
    shop.sender.drain()

    *chosen, ended = refledger.paths("key-d")
    assert chosen == ["PUT /customers/C1001/partner"] * 4
    assert ended.startswith("DELETE /customers/C1001/partner?ended_at=20")


def test_a_refused_fact_is_kept_for_people_and_holds_nothing_up(
    browser: FlaskClient, shop: Shop, refledger: PaperRefledger
) -> None:
    refledger.failures = [422]
    sign_up(browser)
    buy(browser, "domain")
    shop.sender.drain()

    states = [row["state"] for row in shop.store.rows("SELECT state FROM outbox ORDER BY id")]
    assert states == ["refused", "done", "done"]
    assert "422 No" in browser.get("/desk/").text


def test_joining_hands_over_the_known_bank_account_and_shows_the_link(
    browser: FlaskClient, refledger: PaperRefledger
) -> None:
    sign_up(browser)
    browser.post("/account/bank", data={"iban": "nl91 abna 0417 1643 00"})
    link = "https://refledger.example/r/anne-vos-c1001/abcdefghjk"
    refledger.bodies["/referrers"] = {"code": "anne-vos-c1001", "status": "active", "referral_url": link}
    refledger.bodies["/referrers/anne-vos-c1001/payout-destination"] = {
        "last4": "4300",
        "usable_on": "2026-11-22",
    }
    refledger.failures = [200, 503]

    first = browser.post("/account/partner-programme/hosting/join", follow_redirects=True)
    again = browser.post("/account/partner-programme/hosting/join", follow_redirects=True)

    assert "Nothing is lost" in first.text
    assert link in again.text
    assert refledger.body("/referrers")["code"] == "anne-vos-c1001"
    account = refledger.body("/referrers/anne-vos-c1001/payout-destination")
    assert account == {"holder": "Änne Vos", "iban": "NL91ABNA0417164300", "verified": True}


def test_the_rates_are_shown_before_joining(browser: FlaskClient, refledger: PaperRefledger) -> None:
    sign_up(browser)
    every = ["addon", "new", "renewal", "upgrade"]
    refledger.bodies["/program"] = {
        "rates": [
            {"product": "web-pro", "rate": "15%", "duration": "lifetime", "kinds": every},
            {"product": "web-start", "rate": "20%", "duration": "lifetime", "kinds": ["new"]},
            {"product": "mailbox", "rate": "5.00", "duration": "first_order", "kinds": every},
            {"product": "migration", "rate": "none", "duration": "lifetime", "kinds": every},
        ]
    }

    page = " ".join(re.sub(r"<[^>]+>", " ", browser.get("/account/partner-programme").text).split())

    assert "Web hosting Pro € 180.00 15 % every order" in page
    assert "Web hosting Start € 60.00 20 % every order, not renewals" in page
    assert "Mailbox € 24.00 € 5.00 each the first order" in page
    assert "Domain name € 9.00 does not participate" in page
    assert "Moving service € 95.00 does not participate" in page


@pytest.mark.parametrize("iban", ["", "NL91ABNA0417164301", "not an iban"])
def test_a_wrong_iban_is_refused_beside_the_field(browser: FlaskClient, iban: str) -> None:
    sign_up(browser)

    answer = browser.post("/account/bank", data={"iban": iban})

    assert answer.status_code == 422
    assert "not a valid IBAN" in answer.text


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"email": "nobody"}, {"password": "short"}, {"email": "anne@example.com"}]
)
def test_a_signup_that_cannot_be_says_why_and_changes_nothing(
    browser: FlaskClient, shop: Shop, wrong: dict[str, str]
) -> None:
    sign_up(browser)
    browser.post("/logout")
    form = CUSTOMER | {"email": "other@example.com"} | wrong

    answer = browser.post("/signup", data=form)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert len(shop.store.rows("SELECT 1 FROM customers")) == 1


def test_another_customer_cannot_see_or_pay_an_order(
    shop_app: Flask, browser: FlaskClient, shop: Shop
) -> None:
    sign_up(browser)
    number = buy(browser, "domain")
    stranger = shop_app.test_client()
    sign_up(stranger, email="eve@example.com")

    assert stranger.get(f"/orders/{number}").status_code == 404
    stranger.post(f"/orders/{number}/payment", data={"method": "card"})
    row = shop.store.row("SELECT status FROM orders")
    assert row is not None
    assert row["status"] == "pending"


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/account/\\evil.example", "/desk/"]
)
def test_logging_in_leads_nowhere_else(browser: FlaskClient, back: str) -> None:
    sign_up(browser)
    browser.post("/logout")

    answer = browser.post("/login", data=CUSTOMER | {"back": back})

    assert answer.headers["Location"] == "/account/"


def test_settings_come_from_the_environment_else_from_the_kept_file(tmp_path: Path) -> None:
    (tmp_path / "shop.env").write_text("REFLEDGER_KEY_HOSTING=kept\nREFLEDGER_KEY_DIRECTORY=kept\n")

    settings = ShopSettings.from_env(
        {"VAR_DIR": str(tmp_path), "REFLEDGER_KEY_DIRECTORY": "given", "SHOP_PORT": "8123"}
    )

    assert settings.keys == {"hosting": "kept", "directory": "given"}
    assert settings.port == 8123
    assert settings.secret == ShopSettings.from_env({"VAR_DIR": str(tmp_path)}).secret
