"""The pages in a real browser: joining and copying, every language and width, without script, by keyboard."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import expect

from tests.e2e.test_tour import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Response

    from tests.support.house import House

PASSWORD = "seven green bottles"
DEMO_PASSWORD = "kickback-demo"
REFERRER = "anna@example.com"
STAFF = "finance1@korenhof.example"
OWNER = "owner@korenhof.example"
AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js").read_text()
JSQR = (Path(__file__).parent / "vendor" / "jsqr-1.4.0" / "jsQR.js").read_text()
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
THE_LOOK = {"type": "rule", "values": ["color-contrast", "target-size", "scrollable-region-focusable"]}
"""The rules of axe, and those of them whose verdict another theme or width can change."""
SIZES = """[...new Set([...document.querySelectorAll("main *")]
  .filter(each => each.getClientRects().length
    && [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()))
  .map(each => getComputedStyle(each).fontSize))]"""
"""The sizes of text that a page shows."""

PUBLIC = [
    "/",
    "/programs/hosting",
    "/programs/directory/partners",
    "/programs/directory/partners/studio-noord",
    "/join?program=hosting",
    "/login",
    "/password",
]
MINE = [
    "/dashboard",
    "/dashboard/news",
    "/dashboard/commissions",
    "/dashboard/orders",
    "/dashboard/payouts",
    "/dashboard/links",
    "/dashboard/bank-account",
    "/dashboard/security",
    "/dashboard/team",
    "/dashboard/your-data",
    "/dashboard/mails",
    "/dashboard/terms",
]
OFFICE = [
    "/staff",
    "/staff/products",
    "/staff/referrers",
    "/staff/clicks",
    "/staff/orders",
    "/staff/commissions?sort=-amount&state=pending",
    "/staff/review",
    "/staff/payouts",
    "/staff/bank",
    "/staff/settings",
    "/staff/look",
    "/staff/settings/review",
    "/staff/terms",
    "/staff/audit",
]
OWNERS = [
    "/staff/rates/new",
    "/staff/bonus/new",
    "/staff/referrers/anna/merge?into=bram",
    "/staff/settings/review",
    "/staff/what-if",
    "/staff/what-if?hold_days=3&rate=12%25&kinds=new&kinds=renewal&duration=lifetime&from=2026-01-01&to=2026-12-31",
]
"""Pages that the other staff may not open."""


def log_in(page: Page, house: House, email: str, password: str = DEMO_PASSWORD) -> None:
    page.goto(f"{house.url}/login")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.locator("main form button").click()
    page.wait_for_url(lambda url: "/login" not in url)


def join(page: Page, house: House, name: str) -> str:
    email = f"{name.lower().replace(' ', '.')}{time.time_ns()}@example.org"
    page.goto(f"{house.url}/join?program=hosting")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("checkbox").check()
    page.locator("main form").get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", name="Your referral link")).to_be_visible()
    return email


def violations(page: Page, rules: dict[str, Any] = RULES) -> list[str]:
    """What axe finds. It is injected as a script of the test, not of the page, so the page's policy stays as it is."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {preload: false, resultTypes: ['violations'], runOnly: rules})", rules
    )
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:160]}" for rule in found["violations"]]


def test_a_newcomer_joins_copies_the_link_and_the_qr_code_says_the_same(page: Page, house: House) -> None:
    email = join(page, house, "Ria Nieuw")
    link = page.locator("#link").input_value()
    assert link.startswith(f"{house.url}/r/")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link
    expect(page.get_by_role("button", name="Copy", exact=True)).to_be_visible()

    page.evaluate(JSQR)
    read = page.evaluate(
        """async () => {
          const svg = document.querySelector(".qr svg").cloneNode(true);
          svg.setAttribute("width", "400");
          svg.setAttribute("height", "400");
          const picture = new Image();
          picture.src = "data:image/svg+xml;base64," + btoa(new XMLSerializer().serializeToString(svg));
          await picture.decode();
          const canvas = document.createElement("canvas");
          canvas.width = canvas.height = 400;
          const pen = canvas.getContext("2d");
          pen.fillStyle = "#fff";
          pen.fillRect(0, 0, 400, 400);
          pen.drawImage(picture, 0, 0, 400, 400);
          return jsQR(pen.getImageData(0, 0, 400, 400).data, 400, 400)?.data;
        }"""
    )
    assert read == link

    confirm(page, house, email)
    page.get_by_role("button", name="Log out").click()
    log_in(page, house, email, PASSWORD)
    expect(page.locator("#link")).to_have_value(link)


def confirm(page: Page, house: House, email: str) -> None:
    """Follow the link of the mail that a worker sent to a newcomer, in the browser where they are logged in."""
    row = page.locator("tr", has_text=email)
    eventually(lambda: page.goto(f"{house.url}/dev/mail") and row.count(), seconds=90)
    row.get_by_role("link").click()
    page.get_by_role("article").get_by_role("link").first.click()
    expect(page.get_by_text("Your e-mail address is confirmed.")).to_be_visible()


@pytest.fixture(scope="module")
def states(browser: Browser, house: House) -> dict[str, Any]:
    """Browser profiles: nobody's, the demo's referrer's, its staff's."""
    found: dict[str, Any] = {"": None}
    for who in (REFERRER, STAFF, OWNER):
        context = browser.new_context(locale="en-GB")
        log_in(context.new_page(), house, who)
        found[who] = context.storage_state()
        context.close()
    return found


def watched(page: Page, troubles: list[str]) -> Page:
    """The page, with what its console and scripts complain of added to the list."""

    def heard(said: ConsoleMessage) -> None:
        if said.type == "error":
            troubles.append(f"console: {said.text}")

    page.on("console", heard)
    page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
    return page


def visits(page: Page, house: House) -> list[str]:
    """The first commission, order and run that the demo has, by their addresses."""
    found = []
    for path, link in (
        ("/dashboard/commissions", "a[href^='/dashboard/commissions/']"),
        ("/dashboard/orders", "a[href^='/dashboard/orders/']"),
        ("/dashboard/payouts", "a[href^='/dashboard/payouts/']"),
    ):
        page.goto(house.url + path)
        if page.locator(link).count():
            found.append(page.locator(link).first.get_attribute("href") or path)
    return found


@pytest.mark.parametrize("who", ["", REFERRER, STAFF, OWNER], ids=["public", "referrer", "staff", "owner"])
@pytest.mark.parametrize("language", ["nl", "de", "en"])
def test_every_page_holds_in_every_language_light_and_dark_wide_and_narrow(
    browser: Browser, house: House, states: dict[str, Any], language: str, who: str
) -> None:
    troubles: list[str] = []
    context = browser.new_context(
        locale="en-GB", storage_state=states[who], viewport={"width": 1280, "height": 800}
    )
    page = watched(context.new_page(), troubles)
    page.goto(house.url)
    page.locator(f"footer button[value={language}]").click()
    paths = {"": PUBLIC, REFERRER: MINE, STAFF: OFFICE, OWNER: OWNERS}[who]
    for path in [*paths, *(visits(page, house) if who == REFERRER else [])]:
        answer = page.goto(house.url + path)
        assert answer is not None
        if answer.status != 200:
            troubles.append(f"{path} {language}: {answer.status}")
        if page.locator("html").get_attribute("lang") != language:
            troubles.append(f"{path} {language}: another language")
        for rules, theme, width in looks(language):
            # Without motion, so that no colour is measured on its way to another.
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": 800})
            where = f"{path} {language} {theme} {width}"
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                troubles.append(f"{where}: {wide} px too wide")
            if len(page.evaluate(SIZES)) > 3:
                troubles.append(f"{where}: {page.evaluate(SIZES)} are more than three sizes of text")
            troubles += [f"{where}: {broken}" for broken in violations(page, rules)]
    context.close()
    assert troubles == []


def looks(language: str) -> list[tuple[dict[str, Any], Literal["light", "dark"], int]]:
    """Each language sees both themes and both widths; what no language, theme or width changes is asked once."""
    if language == "en":
        return [(RULES, "dark", 360), (THE_LOOK, "light", 1280)]
    return [(THE_LOOK, "light", 360), (THE_LOOK, "dark", 1280)]


def test_everything_but_charts_and_copying_works_without_script(browser: Browser, house: House) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    join(page, house, "Otto Ohne")
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()
    page.get_by_text("Show the numbers").click()
    expect(page.get_by_text("Nothing happened yet")).to_be_visible()
    page.get_by_role("link", name="Payouts", exact=True).click()
    page.get_by_role("link", name="Bank account", exact=True).click()
    page.get_by_label("Account holder").fill("Otto Ohne")
    page.get_by_label("IBAN", exact=True).fill("DE89 3704 0044 0532 0130 01")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Save the bank account").click()
    expect(page.get_by_text("This is not a valid IBAN. Please check every digit.")).to_be_visible()
    assert page.get_by_label("Account holder").input_value() == "Otto Ohne"
    page.get_by_label("IBAN", exact=True).fill("DE89 3704 0044 0532 0130 00")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Save the bank account").click()
    expect(page.get_by_text("DE\u2022\u2022 \u2022\u2022\u2022\u2022 3000")).to_be_visible()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", name="Bankverbindung", exact=True)).to_be_visible()
    page.get_by_role("button", name="Ausloggen").click()
    expect(page.get_by_role("link", name="Einloggen")).to_be_visible()
    page.go_back()
    assert "/login" in page.url, "the browser kept nothing of the page before"
    expect(page.get_by_text("3000")).to_be_hidden()
    context.close()


def test_a_what_if_is_asked_and_answered_without_script(browser: Browser, house: House) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    log_in(page, house, OWNER)
    page.goto(f"{house.url}/staff/products")
    page.get_by_role("link", name="What would another rate have paid?").click()
    page.get_by_role("button", name="Reckon it").click()
    expect(page.get_by_text("Suppose at least one thing")).to_be_visible()
    page.get_by_label("Commission rate").fill("12,5 %")
    page.get_by_role("button", name="Reckon it").click()
    # Of all the steps that were sent one after the other, the last line is left.
    expect(page.locator(".reckoning .count:visible")).to_have_count(1)
    expect(page.locator(".reckoning .count:visible")).to_contain_text("Reckoned:")
    expect(page.locator(".reckoning progress").last).to_be_hidden()
    assert page.locator(".reckoning progress").count() > 1
    expect(page.locator("#what-if-rows tr").first).to_be_visible()
    page.get_by_text("Change the question").click()
    assert page.get_by_label("Commission rate").input_value() == "12,5 %"
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert download.value.path().read_text().startswith("referrer,currency,was,would_be,difference,")
    context.close()


def test_the_next_rows_of_a_list_are_appended_in_place(page: Page, house: House) -> None:
    log_in(page, house, STAFF)
    page.goto(f"{house.url}/staff/orders")
    rows = page.locator("#orders-rows tr")
    before = rows.count()
    assert before == 50
    page.get_by_role("link", name="Show more").click()
    expect(rows).not_to_have_count(before)
    assert page.url.endswith("/staff/orders")
    links = page.locator("#orders-rows tr th a").evaluate_all("all => all.map(each => each.href)")
    assert len(links) == len(set(links)) > before


def reach(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Press Tab until it has the focus, and see that this is shown."""
    for _ in range(60):
        page.keyboard.press(key)
        if wanted.evaluate("each => each === document.activeElement"):
            break
    shown = wanted.evaluate(
        "each => each === document.activeElement && getComputedStyle(each).outlineStyle === 'solid'"
    )
    assert shown, wanted


def write(page: Page, **words: str) -> None:
    """Fill in fields by their ids, each reached by Tab."""
    for field, text in words.items():
        reach(page, page.locator(f"#{field}"))
        page.keyboard.type(text)


def test_the_keyboard_alone_joins_copies_the_link_and_changes_the_bank_account(
    page: Page, house: House
) -> None:
    page.goto(f"{house.url}/join?program=hosting")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    write(page, name="Tess Taste", email=f"tess{time.time_ns()}@example.org", password=PASSWORD)
    reach(page, page.get_by_role("checkbox"))
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/dashboard" in url)
    button = page.locator("[data-copy=link]")
    reach(page, button)
    page.keyboard.press("Enter")
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#link").input_value()

    for link, key in (("Payouts", "Shift+Tab"), ("Bank account", "Tab")):
        reach(page, page.get_by_role("navigation").get_by_role("link", name=link, exact=True), key)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=link, exact=True, level=1)).to_be_visible()
    write(page, holder="Tess Taste", iban="NL91 ABNA 0417 1643 00", password=PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("NL\u2022\u2022 \u2022\u2022\u2022\u2022 4300")).to_be_visible()


def test_the_first_wrong_field_has_the_focus(context: BrowserContext, house: House) -> None:
    page = context.new_page()  # not the watched one: a browser logs every answer of 422
    page.goto(f"{house.url}/join?program=hosting")
    page.get_by_label("Name", exact=True).fill("Ria")
    page.locator("main form").get_by_role("button", name="Join").click()
    expect(page.locator("#email")).to_be_focused()
    assert page.get_by_label("Name", exact=True).input_value() == "Ria"


def test_the_referrers_home_is_light_to_carry(page: Page, house: House) -> None:
    log_in(page, house, REFERRER)
    sizes: dict[str, int] = {}

    def note(response: Response) -> None:
        if response.status == 200:
            sizes[response.url] = len(gzip.compress(response.body()))

    page.on("response", note)
    page.goto(f"{house.url}/dashboard")
    page.wait_for_load_state("networkidle")
    carried = {url: size for url, size in sizes.items() if not url.endswith(".woff2")}
    assert sum(carried.values()) < 150_000, carried
