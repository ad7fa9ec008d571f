"""The days on which the euro settlement system works."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

_SATURDAY: Final = 5
_FIXED_CLOSED: Final = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm of Meeus, Jones and Butcher)."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_centuries, rest = divmod(century, 4)
    moon = (8 * century + 13) // 25
    epact = (19 * golden + century - leap_centuries - moon + 15) % 30
    leaps, years = divmod(of_century, 4)
    weekday = (32 + 2 * rest + 2 * leaps - epact - years) % 7
    correction = (golden + 11 * epact + 19 * weekday) // 433
    month = (epact + weekday - 7 * correction + 90) // 25
    return date(year, month, (epact + weekday - 7 * correction + 33 * month + 19) % 32)


def is_target_day(day: date) -> bool:
    """Whether the euro settlement system works that day.

    It rests on weekends, 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December.
    """
    if day.weekday() >= _SATURDAY or (day.month, day.day) in _FIXED_CLOSED:
        return False
    easter = easter_sunday(day.year)
    return day not in {easter - timedelta(days=2), easter + timedelta(days=1)}


def target_day_from(day: date) -> date:
    """The first settlement day on or after ``day``: 25 December 2026 gives 28 December."""
    while not is_target_day(day):
        day += timedelta(days=1)
    return day
