"""Instants, days and calendar months in a programme's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.clock import add_months, as_utc, day_start, frozen, local_day, now

AMSTERDAM = "Europe/Amsterdam"
instants = st.integers(0, 3_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


def local(text: str, zone: str = AMSTERDAM, fold: int = 0) -> datetime:
    """A wall-clock time as an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        (0, "2026-01-31 10:00"),
        (1, "2026-02-28 10:00"),
        (2, "2026-03-31 10:00"),
        (3, "2026-04-30 10:00"),
        (11, "2026-12-31 10:00"),
        (12, "2027-01-31 10:00"),
        (25, "2028-02-29 10:00"),
        (240, "2046-01-31 10:00"),
    ],
)
def test_months_from_31_january_are_clipped_to_the_months_end(months: int, expected: str) -> None:
    assert add_months(local("2026-01-31 10:00"), months, AMSTERDAM) == local(expected)


def test_months_from_29_february_end_on_the_28th_of_a_common_year() -> None:
    assert add_months(local("2028-02-29 10:00"), 12, AMSTERDAM) == local("2029-02-28 10:00")


def test_the_wall_clock_time_stays_over_the_change_to_summer_time_and_back() -> None:
    assert add_months(utc("2026-03-10 09:00"), 1, AMSTERDAM) == utc("2026-04-10 08:00")
    assert add_months(utc("2026-10-10 08:00"), 1, AMSTERDAM) == utc("2026-11-10 09:00")


def test_a_wall_clock_time_that_summer_time_skips_is_read_with_the_offset_before() -> None:
    # 29 March 2026, 02:30 does not exist in Amsterdam: read as +01:00 it is 01:30 UTC, shown as 03:30.
    assert add_months(local("2026-02-28 02:30"), 1, AMSTERDAM) == local("2026-03-28 02:30")
    assert add_months(local("2026-01-29 02:30"), 2, AMSTERDAM) == utc("2026-03-29 01:30")


def test_a_wall_clock_time_that_comes_twice_is_the_first_of_the_two() -> None:
    # 25 October 2026, 02:30 comes at 00:30 and at 01:30 UTC.
    assert add_months(local("2026-09-25 02:30"), 1, AMSTERDAM) == utc("2026-10-25 00:30")
    assert add_months(local("2026-10-25 02:30", fold=1), 0, AMSTERDAM) == utc("2026-10-25 00:30")
    assert add_months(local("2026-10-25 02:30", fold=1), 1, AMSTERDAM) == local("2026-11-25 02:30")


def test_the_local_day_decides_about_the_month_and_not_the_day_in_utc() -> None:
    # 31 January 23:30 UTC is 1 February in Amsterdam and 31 January in New York.
    late = utc("2026-01-31 23:30")
    assert add_months(late, 1, AMSTERDAM) == local("2026-03-01 00:30")
    assert add_months(late, 1, "America/New_York") == local("2026-02-28 18:30", "America/New_York")


@given(
    instants,
    st.integers(min_value=0, max_value=240),
    st.sampled_from([AMSTERDAM, "America/New_York", "Asia/Tokyo", "Pacific/Chatham", "Africa/Cairo"]),
)
def test_later_by_months_is_the_same_day_or_the_last_of_its_month(
    at: datetime, months: int, zone: str
) -> None:
    before, after = local_day(at, zone), local_day(add_months(at, months, zone), zone)
    assert (after.year * 12 + after.month) - (before.year * 12 + before.month) == months
    assert after.day == before.day or (
        after.day < before.day and (after + timedelta(days=1)).month != after.month
    )


@given(
    st.lists(
        instants,
        min_size=2,
        max_size=2,
    ),
    st.integers(min_value=1, max_value=240),
)
def test_who_started_days_earlier_never_ends_later(starts: list[datetime], months: int) -> None:
    early, late = sorted(starts)
    if late - early >= timedelta(days=4):
        assert add_months(early, months, AMSTERDAM) <= add_months(late, months, AMSTERDAM)


def test_an_instant_belongs_to_the_day_of_the_programmes_time_zone() -> None:
    assert local_day(utc("2026-06-30 22:00"), AMSTERDAM) == date(2026, 7, 1)
    assert local_day(utc("2026-06-30 21:59:59"), AMSTERDAM) == date(2026, 6, 30)


def test_a_day_starts_at_its_midnight_also_where_that_is_skipped_or_comes_twice() -> None:
    assert day_start(date(2026, 7, 1), AMSTERDAM) == utc("2026-06-30 22:00")
    # In Beirut the clocks go from 00:00 to 01:00 on 29 March 2026; in Havana 01:00 falls back to 00:00.
    assert day_start(date(2026, 3, 29), "Asia/Beirut") == utc("2026-03-28 22:00")
    assert local_day(utc("2026-03-28 22:00"), "Asia/Beirut") == date(2026, 3, 29)
    assert day_start(date(2026, 11, 1), "America/Havana") == utc("2026-11-01 04:00")


def test_the_clock_stands_still_within_a_block_and_goes_on_after_it() -> None:
    then = datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    with frozen(then):
        assert now() == then
        assert now().tzinfo is UTC
        with frozen(utc("2020-01-01")):
            assert now() == utc("2020-01-01")
        assert now() == then
    assert abs(now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_time_without_a_zone_names_no_instant() -> None:
    with pytest.raises(ValueError, match="naive"):
        as_utc(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
