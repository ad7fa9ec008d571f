"""The referrer's home in a real browser: nothing moves once it is drawn, and the chart is read by the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.test_pages import REFERRER, log_in

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from tests.support.house import House

WATCH_SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver(list => list.getEntries().forEach(each => {
    if (!each.hadRecentInput) window.shifted += each.value;
  })).observe({type: "layout-shift", buffered: true});
"""


def test_the_home_is_painted_before_its_scripts_and_nothing_moves_after(
    context: BrowserContext, house: House
) -> None:
    page = context.new_page()  # not the watched one: a script that never comes is an error in its console
    log_in(page, house, REFERRER)
    page.route("**/*.js?*", lambda route: route.abort())
    page.route("**/*.js", lambda route: route.abort())
    page.goto(f"{house.url}/dashboard")
    expect(page.locator("#link")).to_be_visible()
    painted = "performance.getEntriesByName('first-contentful-paint').length"
    page.wait_for_function(painted)
    page.unroute_all()

    page.add_init_script(WATCH_SHIFTS)
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{house.url}/dashboard")
        page.wait_for_load_state("networkidle")
        page.wait_for_selector("#chart canvas")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
        assert page.evaluate("window.shifted") < 0.01, width


def test_the_chart_is_read_point_by_point_with_the_arrow_keys(page: Page, house: House) -> None:
    log_in(page, house, REFERRER)
    page.goto(f"{house.url}/dashboard?days=90&by=week")
    chart = page.get_by_role("slider")
    reading = page.locator("#chart-reading")
    rows = page.locator("#numbers-rows tr")
    chart.focus()
    page.keyboard.press("Home")
    first = chart.get_attribute("aria-valuetext") or ""
    assert first == reading.inner_text()
    assert chart.get_attribute("aria-valuenow") == "0"
    page.keyboard.press("ArrowLeft")
    assert chart.get_attribute("aria-valuenow") == "0"
    seen = [first]
    for _ in range(int(chart.get_attribute("aria-valuemax") or 0)):
        page.keyboard.press("ArrowRight")
        seen.append(chart.get_attribute("aria-valuetext") or "")
        assert seen[-1] == reading.inner_text()
    assert len(set(seen)) == len(seen)
    assert len(seen) in {13, 14}  # ninety days begin anywhere in a week
    # Each row of the table is one of the points that were read.
    page.get_by_text("Show the numbers").click()
    for row in rows.all():
        week = row.get_by_role("rowheader").inner_text().split("\n")[0]
        amount = row.get_by_role("cell").last.inner_text()
        assert [each for each in seen if each.startswith(f"{week},") and each.endswith(amount)], week
