"""The chart of the referrer's home: days, ISO weeks and months hold the same; the funnel beneath it."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.dashboard.presenters.chart import RANGES, By, points
from app.referrals.queries.activity import Activity
from tests.builders import at, line
from tests.support.examples import examples
from tests.web.pages.test_home import days_ago, sell

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

ZOE = "zoe@example.org"
TODAY = date(2026, 11, 22)
ZONES = ("Europe/Amsterdam", "America/St_Johns", "Pacific/Auckland", "UTC")


def totals(seen: Activity, zone: str, days: int, by: By) -> tuple[int, int, int]:
    rows = points(seen, zone, TODAY, days, by)
    return (
        sum(row.clicks for row in rows),
        sum(row.signups for row in rows),
        sum(row.commission for row in rows),
    )


@settings(max_examples=examples(40), deadline=None)
@given(
    moments=st.lists(st.tuples(st.integers(0, 24 * max(RANGES)), st.integers(1, 99_999)), max_size=8),
    zone=st.sampled_from(ZONES),
    days=st.sampled_from(RANGES),
)
@example(moments=[(24 * 29, 100), (24 * 30, 5_000), (0, 7)], zone="UTC", days=30)
def test_days_weeks_and_months_sum_to_the_same(moments: list[tuple[int, int]], zone: str, days: int) -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    hours = {noon - timedelta(hours=ago): minor for ago, minor in moments}
    seen = Activity({hour.date(): minor for hour, minor in hours.items()}, hours, {}, hours)
    start = TODAY - timedelta(days=days - 1)
    by_day = totals(seen, zone, days, By.DAY)
    assert by_day == totals(seen, zone, days, By.WEEK) == totals(seen, zone, days, By.MONTH)
    assert by_day[2] == sum(
        minor for hour, minor in hours.items() if start <= hour.astimezone(ZoneInfo(zone)).date() <= TODAY
    )


def test_weeks_begin_on_monday_and_carry_their_iso_number_across_the_year() -> None:
    rows = points(Activity(), "Europe/Amsterdam", date(2027, 1, 6), 30, By.WEEK)
    assert [(row.first, row.last) for row in rows][-2:] == [
        (date(2026, 12, 28), date(2027, 1, 3)),
        (date(2027, 1, 4), date(2027, 1, 6)),
    ]
    assert [row.first.isocalendar().week for row in rows] == [50, 51, 52, 53, 1]
    assert rows[0].first == date(2026, 12, 8)  # the range begins on a Tuesday: its week is cut there


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2026-10-24 22:30", "Europe/Amsterdam", date(2026, 10, 25)),  # the night before the clock goes back
        ("2026-10-25 23:30", "Europe/Amsterdam", date(2026, 10, 26)),  # and the next one, an hour later
        ("2026-10-25 22:30", "Europe/Amsterdam", date(2026, 10, 25)),
        ("2026-11-01 02:00", "America/St_Johns", date(2026, 10, 31)),
        ("2026-10-31 11:30", "Pacific/Auckland", date(2026, 11, 1)),
    ],
)
def test_an_hour_counts_on_the_programmes_day_and_in_its_week_and_month(
    instant: str, zone: str, day: date
) -> None:
    seen = Activity(commission={at(instant).replace(minute=0): 100})
    for by in By:
        (row,) = [row for row in points(seen, zone, TODAY, 30, by) if row.commission]
        assert row.first <= day <= row.last
        assert by.begins(row.first) == by.begins(day)


def shown_rows(site: Site, query: str) -> list[list[str]]:
    """The table beneath the chart."""
    html = site.browser(ZOE).get(f"/dashboard?{query}").text
    body = html[html.index('id="numbers-rows"') :]
    rows = body[: body.index("</tbody>")].split("<tr")[1:]
    cells = [re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL) for row in rows]
    return [[unescape(re.sub(r"<[^>]+>|\s+", " ", cell)).strip() for cell in row] for row in cells]


def test_the_table_beneath_the_chart_follows_its_steps_and_links_keep_the_range(site: Site) -> None:
    with site.world() as world:
        sell(world, "o1", "c1", age=3, net=10_000)
        sell(world, "o2", "c2", age=40, net=7_000)
        sell(world, "o3", "c3", age=75, net=1_234)
    for by in ("day", "week", "month"):
        rows = shown_rows(site, f"days=90&by={by}")
        assert sum(int(row[3].removeprefix("€").replace(".", "")) for row in rows) == 1_823
        assert sum(int(row[2]) for row in rows) == 3
    assert re.fullmatch(r"Week \d+ .+20\d\d", shown_rows(site, "days=90&by=week")[0][0])
    html = unescape(site.browser(ZOE).get("/dashboard?days=90&by=week").text)
    for address in (
        "/dashboard?by=week",
        "/dashboard?days=365&by=week",
        "/dashboard?days=90",
        "/dashboard?days=90&by=month",
    ):
        assert f'href="{address}"' in html
    assert html.partition("<main")[2].count('aria-current="true"') == 2


def test_every_point_is_told_in_words_for_the_keyboard(quick_site: Site) -> None:
    with quick_site.world() as world:
        sell(world, age=3)
    html = quick_site.browser(ZOE).get("/dashboard").text
    found = re.search(r'<script type="application/json" id="chart-data"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert len(data["readings"]) == len(data["ticks"]) == len(data["clicks"]) == 30
    told = [each.replace("\xa0", " ") for each in data["readings"] if "€10.00" in each]
    assert len(told) == 1
    assert re.fullmatch(r"\d+ \w+ 20\d\d: 0 clicks, [01] signups?, €10\.00", told[0])
    assert "Point at the chart, or go through it with the arrow keys." in html


def test_the_funnel_says_how_many_of_the_signups_have_paid(site: Site) -> None:
    with site.world() as world:
        sell(world, "o1", "c1", age=3)
        world.bind("zoe", "c2", days_ago(5))
        world.bind("zoe", "c3", days_ago(6))
        world.order("o4", line(), customer="c3", placed=days_ago(2), paid=None)
    page = site.browser(ZOE).text("/dashboard")
    assert "Clicks 3 Signups 3 100% of the clicks Paying customers 1 33.3% of the signups have paid" in page
