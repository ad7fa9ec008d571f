"""One press on the shop's desk ends a month: run, file, bank, a rejection, a return; in a browser without script."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from examples.shop.settings import ShopSettings
from tests.e2e.test_pages import log_in
from tests.e2e.test_tour import asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.support.house import House

MOST_MS = 60_000
IBANS = ("NL91ABNA0417164300", "DE89370400440532013000", "BE68539007547034")


@pytest.fixture
def reader(browser: Browser) -> Iterator[Page]:
    """Somebody at the desk whose browser runs no script."""
    context = browser.new_context(locale="en-GB", java_script_enabled=False)
    yield context.new_page()
    context.close()


def three_earn(house: House) -> list[str]:
    """Three referrers with a bank account, each of whom earned 18 % of 100.00 just now; their codes."""
    key = ShopSettings.from_env({"VAR_DIR": str(house.var_dir)}).keys["hosting"]
    mark, now, codes = time.time_ns(), datetime.now(UTC).isoformat(), []
    api = httpx.Client(base_url=f"{house.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=20)
    with api:
        for number, iban in enumerate(IBANS):
            code, customer = f"m{mark}-{number}", f"m{mark}-c{number}"
            line = {"line_id": "1", "product": "web-pro", "quantity": 1, "net": 10_000}
            paid = {"currency": "EUR", "status": "paid", "placed_at": now, "paid_at": now, "lines": [line]}
            for method, path, body in (
                ("POST", "/referrers", {"code": code, "name": "Mona Maand", "email": f"{code}@example.org"}),
                (
                    "PUT",
                    f"/referrers/{code}/payout-destination",
                    {"holder": "Mona", "iban": iban, "verified": True},
                ),
                ("POST", "/signups", {"customer_id": customer, "referrer_code": code, "signed_up_at": now}),
                ("POST", "/orders", {"order_id": customer, "customer_id": customer, **paid}),
            ):
                api.request(method, path, json=body).raise_for_status()
            codes.append(code)
    return codes


def test_one_press_ends_the_month_with_a_rejection_and_a_return(
    house: House, reader: Page, page: Page
) -> None:
    codes = three_earn(house)
    before = {run["run"] for run in asked(house, "/api/v1/payout-runs")}
    reader.goto(f"{house.shop_url}/desk/")
    reader.get_by_role("link", name="End the month").click()
    reader.get_by_role("button", name="Hosting partners").dblclick()

    steps = reader.locator("#hosting .steps li")
    expect(steps.nth(0)).to_contain_text("now")
    expect(steps.nth(7)).to_contain_text("to come")
    expect(reader.get_by_role("button", name="Hosting partners")).to_have_count(0)
    expect(steps.nth(7)).to_contain_text("1 rejected, 1 returned", timeout=MOST_MS)
    expect(steps.nth(7)).to_contain_text("invariants hold")
    expect(reader.get_by_role("button", name="End the month once more")).to_have_count(1)

    (run,) = {run["run"] for run in asked(house, "/api/v1/payout-runs")} - before  # two presses, one run
    mine = [each for each in asked(house, "/api/v1/payouts", limit="200") if each["run"] == run]
    states = [payout["state"] for payout in mine]
    assert (states.count("rejected"), states.count("returned")) == (1, 1)
    assert states.count("paid") == len(mine) - 2
    assert set(codes) <= {payout["referrer"] for payout in mine}

    log_in(page, house, "finance1@korenhof.example")
    for step, word in ((4, "refused by the bank"), (6, "sent back by the bank")):
        seen, who = steps.nth(step).get_by_role("link").all()
        page.goto(seen.get_attribute("href") or "")
        expect(page.locator("#payouts .pill").filter(has_text=word)).to_have_count(1)
        page.goto(who.get_attribute("href") or "")
        expect(page.locator("main")).to_contain_text(word)
