"""The tour of the README in a real browser: link, shop, order, dashboard, payout file, bank, paid."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import expect

from examples.bank.__main__ import answer_file
from examples.bank.rulings import Shares
from examples.shop.settings import ShopSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.support.house import House

pytestmark = pytest.mark.usefixtures("house")
FINANCE = "finance1@korenhof.example"
PASSWORD = "a long enough password"
T = TypeVar("T")
PERSON = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
"""A headless browser says that it is one, and its clicks would not count."""


def eventually(what: Callable[[], T], seconds: float = 30) -> T:
    """The first true answer of `what`: jobs and the shop's outbox work on their own time."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.25)
    return answer


def flask_json(house: House, *arguments: str) -> dict[str, Any]:
    done = house.flask(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def asked(house: House, path: str, **params: str) -> list[dict[str, Any]]:
    """What the API lists of the hosting programme, newest first; the shop's key opens it."""
    key = ShopSettings.from_env({"VAR_DIR": str(house.var_dir)}).keys["hosting"]
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.get(house.url + path, params=params, headers=headers, timeout=20)
    items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return items


def join_as_referrer(page: Page, house: House, name: str, email: str) -> str:
    """Join on the public page, copy the link, put a bank account on file; the link as the clipboard has it."""
    page.goto(f"{house.url}/join?program=hosting")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("checkbox").check()
    page.locator("main form").get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", name="Your referral link")).to_be_visible()
    page.get_by_role("button", name="Copy").first.click()
    link = str(eventually(lambda: page.evaluate("navigator.clipboard.readText()")))
    assert link == page.get_by_role("textbox", name="Your referral link").input_value()
    page.goto(f"{house.url}/dashboard/bank-account")
    page.get_by_label("Account holder").fill(name)
    page.get_by_label("IBAN", exact=True).fill("NL91 ABNA 0417 1643 00")
    if page.get_by_label(re.compile("password", re.IGNORECASE)).count():
        page.get_by_label(re.compile("password", re.IGNORECASE)).fill(PASSWORD)
    page.get_by_role("button", name="Save the bank account").click()
    expect(page.get_by_text("4300").first).to_be_visible()
    return link


def become_customer(page: Page, house: House, name: str, email: str) -> None:
    page.goto(f"{house.shop_url}/signup")
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def buy_through(page: Page, link: str, email: str) -> None:
    """Follow the link without cookies, refuse to be remembered, sign up, buy one product of each kind, pay."""
    page.goto(link)
    expect(page.get_by_text("Someone recommended us to you")).to_be_visible()
    page.get_by_role("button", name="No", exact=True).click()
    assert "ref=" in page.url
    page.get_by_role("button", name="Add to basket: Web hosting Pro").click()
    page.get_by_role("link", name="Hosting", exact=True).click()
    page.get_by_role("button", name="Add to basket: Domain name").click()
    page.get_by_role("link", name="Sign up to order").click()
    page.get_by_label("Name").fill("Nora Neu")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.get_by_role("button", name="Place order").click()
    page.get_by_label("Pay by").select_option("ideal")
    page.get_by_role("button", name="Pay € 189.00").click()
    expect(page.get_by_text("your payment has arrived")).to_be_visible()


def pay_out(house: House, tmp_path: Path) -> dict[str, Any]:
    """Rehearse the month's end: run, wait for the worker's verified files, hand them to the bank, read its answer."""
    today = datetime.now(UTC).astimezone(ZoneInfo("Europe/Amsterdam"))
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1).date()
    run = flask_json(
        house,
        *("payouts", "run", "--program", "hosting", "--period", f"{today:%Y-%m}", "--by", FINANCE),
        *("--again", "--as-of", f"{next_month.isoformat()}T06:00:00+01:00"),
    )["run"]

    def built() -> bool:
        return any(one["run"] == run for one in asked(house, "/api/v1/payout-runs", state="built"))

    # Approval is automatic here: the worker takes the frozen run to its files by itself.
    eventually(built, seconds=150)
    flask_json(house, "payouts", "export", run, "--out", str(tmp_path))
    flask_json(house, "payouts", "submit", run, "--by", FINANCE)
    (file,) = tmp_path.glob("*.xml")
    answers = answer_file(file, house.var_dir / "bank", Shares(reject=0, returned=0))
    names = [str(house.var_dir / "bank" / answer.name) for answer in answers]
    read = flask_json(house, "payouts", "feedback", *names)
    assert [one["exceptions"] for one in read["files"]] == [0] * len(names)
    return flask_json(house, "payouts", "show", run)


def test_the_whole_tour_from_a_copied_link_to_money_in_the_bank(
    page: Page, house: House, browser: Browser, tmp_path: Path
) -> None:
    mark = f"{time.time_ns()}"
    link = join_as_referrer(page, house, "Tessa Tour", f"tessa{mark}@example.org")

    stranger = browser.new_context(locale="en-GB", user_agent=PERSON)
    buy_through(stranger.new_page(), link, f"nora{mark}@example.net")
    stranger.close()

    def numbers() -> list[list[str]]:
        """The chart's table: day, clicks, signups, commission."""
        page.goto(f"{house.url}/dashboard")
        page.get_by_text("Show the numbers").click()
        rows = page.locator("details table tbody tr").all()
        return [row.locator("td, th").all_inner_texts()[1:] for row in rows]

    eventually(lambda: numbers() == [["1", "1", "€32.40"]])
    row = page.get_by_role("row").filter(has_text="Web hosting Pro").filter(has_text="€32.40")
    expect(row).to_contain_text(f"{datetime.now(UTC):%b %Y}")
    row.get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text("18%")

    page.goto(f"{house.url}/dashboard/orders")
    page.locator("main table").get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text("Domain name")
    expect(page.locator("main")).to_contain_text("does not participate")

    run = pay_out(house, tmp_path)
    mine = next(payout for payout in run["payouts"] if payout["referrer"] in link)
    assert mine["state"] == "paid"
    page.goto(f"{house.url}/dashboard/payouts")
    expect(page.locator("main")).to_contain_text("€32.40")
    expect(page.locator("main")).to_contain_text("paid")
    assert house.flask("ledger", "check").returncode == 0


def test_a_customer_joins_in_the_shop_with_the_bank_account_on_file(page: Page, house: House) -> None:
    email = f"karel{time.time_ns()}@example.org"
    become_customer(page, house, "Karel Klant", email)
    page.get_by_role("link", name="Partner programme").click()
    expect(page.get_by_role("row").filter(has_text="Web hosting Pro")).to_contain_text("18 %")
    expect(page.get_by_role("row").filter(has_text="Domain name")).to_contain_text("does not participate")
    page.get_by_role("link", name="First tell us your bank account").click()
    page.get_by_label("IBAN").fill("NL91 ABNA 0417 1643 00")
    page.get_by_role("button", name="Keep this account").click()
    page.get_by_role("button", name="Join").click()

    expect(page.get_by_text("Paid to the account ending in 4300")).to_be_visible()
    page.get_by_role("button", name="Copy").click()
    link = eventually(lambda: str(page.evaluate("navigator.clipboard.readText()")))
    assert link.startswith(f"{house.url}/r/karel-klant-c")
    page.goto(link)
    assert page.url.startswith(f"{house.shop_url}/?ref=")

    eventually(lambda: page.goto(f"{house.url}/dev/mail") and page.get_by_text(email).count(), seconds=90)
    page.get_by_role("row").filter(has_text=email).get_by_role("link").click()
    page.locator("article").get_by_role("link").first.click()
    page.get_by_label(re.compile("password", re.IGNORECASE)).fill(PASSWORD)
    page.get_by_role("button", name="Save the password").click()
    page.goto(f"{house.url}/dashboard")
    expect(page.get_by_role("textbox", name="Your referral link")).to_have_value(link)


def test_a_chosen_partner_earns_ten_percent_until_the_customer_ends_it(page: Page, house: House) -> None:
    def earned() -> int:
        """How many orders of today earned Studio Noord the ten percent of the large package."""
        page.goto(f"{house.url}/dashboard/orders")
        today = page.get_by_role("row").filter(has_text=f"{datetime.now(UTC):%b %Y}")
        return today.filter(has_text="Newsletter Studio L").filter(has_text="€9.90").count()

    page.goto(f"{house.url}/login")
    page.get_by_label("E-mail").fill("studio-noord@example.org")
    page.get_by_label("Password", exact=True).fill("kickback-demo")
    page.locator("main form").get_by_role("button").click()
    expect(page.get_by_role("heading", name="Your referral link")).to_be_visible()
    before = earned()
    become_customer(page, house, "Doris Direkt", f"doris{time.time_ns()}@example.org")
    page.get_by_role("link", name="Partners", exact=True).click()
    page.get_by_role("button", name="Choose Studio Noord").click()
    expect(page.get_by_text("Studio Noord is now your partner")).to_be_visible()
    buy_software(page)
    page.get_by_role("link", name="Partners", exact=True).click()
    page.get_by_role("button", name="End with Studio Noord").click()
    buy_software(page)

    eventually(lambda: everything_is_told(page, house))
    assert earned() == before + 1


def everything_is_told(page: Page, house: House) -> bool:
    page.goto(f"{house.shop_url}/desk/")
    return page.get_by_role("cell", name="waiting", exact=True).count() == 0


def buy_software(page: Page) -> None:
    page.get_by_role("link", name="Newsletter Studio", exact=True).click()
    page.get_by_role("button", name="Add to basket: Newsletter Studio L").click()
    page.get_by_role("button", name="Place order").click()
    page.get_by_role("button", name="Pay € 99.00").click()
    expect(page.get_by_text("your payment has arrived")).to_be_visible()


def test_the_bank_has_settled_the_demos_months_to_the_end(house: House) -> None:
    for state in ("paid", "rejected", "returned"):
        found = asked(house, "/api/v1/payouts", state=state, limit="1")
        assert [payout["state"] for payout in found] == [state]
