"""TARGET days, on which euro payments settle; the bank counts them for itself."""

from __future__ import annotations

from datetime import date, timedelta

_SATURDAY = 5


def easter_sunday(year: int) -> date:
    """Easter Sunday in the Gregorian calendar (Meeus, Jones and Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def is_target_day(on: date) -> bool:
    """Whether the TARGET system is open: no weekend, and none of its six holidays."""
    if on.weekday() >= _SATURDAY or (on.month, on.day) in {(1, 1), (5, 1), (12, 25), (12, 26)}:
        return False
    return on - easter_sunday(on.year) not in {timedelta(days=-2), timedelta(days=1)}


def target_day_after(on: date, days: int) -> date:
    """The `days`-th TARGET day after `on`; with 0 the first one not before `on`."""
    day = on
    while not is_target_day(day):
        day += timedelta(days=1)
    for _ in range(days):
        day += timedelta(days=1)
        while not is_target_day(day):
            day += timedelta(days=1)
    return day
