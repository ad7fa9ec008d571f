"""Clicks, signups and commission over time: the drawing, the reading of each point, and the table that says the same.

A range can be read by day, by week (ISO 8601, from Monday) or by month, all in the programme's time zone. The steps
divide the same days, so their sums are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Chart, Column, Empty, NavItem, Table
from app.dashboard.i18n import _, ngettext
from app.kernel.money import exponent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.referrals.models import Program
    from app.referrals.queries.activity import Activity

RANGES: Final = (30, 90, 365)
"""Days that the chart can show."""


class By(StrEnum):
    """What one point of the chart stands for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def begins(self, day: date) -> date:
        """The first day of the step that a day lies in."""
        match self:
            case By.DAY:
                return day
            case By.WEEK:
                return day - timedelta(days=day.weekday())
            case By.MONTH:
                return day.replace(day=1)


@dataclass(slots=True)
class Point:
    """What happened from ``first`` to ``last`` (inclusive); ``last`` is cut at the end of the range."""

    first: date
    last: date
    clicks: int = 0
    signups: int = 0
    commission: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened."""
        return not (self.clicks or self.signups or self.commission)


def wanted_days(text: str | None) -> int:
    """The range that an address asks for."""
    return next((days for days in RANGES if str(days) == text), RANGES[0])


def wanted_step(text: str | None) -> By:
    """The step that an address asks for."""
    return next((by for by in By if by == text), By.DAY)


def first_day(today: date, days: int) -> date:
    """The first day of a chart over so many days that ends today."""
    return today - timedelta(days=days - 1)


def periods(chosen: int, by: By) -> tuple[NavItem, ...]:
    """The ranges that the chart can show."""
    return tuple(
        NavItem(formatting.days(days), _address(days, by), current=days == chosen) for days in RANGES
    )


def steps(chosen: By, days: int) -> tuple[NavItem, ...]:
    """By what the chart can be read."""
    labels = {By.DAY: _("By day"), By.WEEK: _("By week"), By.MONTH: _("By month")}
    return tuple(NavItem(labels[by], _address(days, by), current=by is chosen) for by in By)


def _address(days: int, by: By) -> str:
    """Without what goes without saying."""
    return url_for(
        "home.index", days=days if days != RANGES[0] else None, by=by if by is not By.DAY else None
    )


def points(seen: Activity, timezone: str, today: date, days: int, by: By) -> list[Point]:
    """Every step of the range in order, also those in which nothing happened."""
    found: dict[date, Point] = {}
    for offset in range(days - 1, -1, -1):
        day = today - timedelta(days=offset)
        found.setdefault(by.begins(day), Point(day, day)).last = day
    start = first_day(today, days)

    def at(day: date) -> Point | None:
        return found[by.begins(day)] if start <= day <= today else None

    for day, count in seen.clicks.items():
        if point := at(day):
            point.clicks += count
    for hour, count in seen.signups.items():
        if point := at(formatting.local(hour, timezone)):
            point.signups += count
    for hour, minor in seen.commission.items():
        if point := at(formatting.local(hour, timezone)):
            point.commission += minor
    return list(found.values())


def chart(seen: Activity, program: Program, today: date, days: int, by: By) -> Chart:
    """The range as picture, sentence and table."""
    rows = points(seen, program.timezone, today, days, by)
    names = (_("Clicks"), _("Signups"), _("Commission"))
    currency = program.currency
    scale = exponent(currency)
    total = Point(rows[0].first, rows[-1].last)
    for row in rows:
        total.clicks, total.signups = total.clicks + row.clicks, total.signups + row.signups
        total.commission += row.commission
    return Chart(
        data={
            "ticks": [_tick(row, by) for row in rows],
            "readings": [f"{_name(row, by)}: {_counts(row, currency)}" for row in rows],
            "clicks": [row.clicks for row in rows],
            "signups": [row.signups for row in rows],
            # For drawing only: pixels need no cents.
            "commission": [float(Decimal(row.commission).scaleb(-scale)) for row in rows],
            "labels": list(names),
            "currency": currency,
            "locale": str(formatting.language()).replace("_", "-"),
        },
        labels=names,
        summary=_(
            "%(clicks)s, %(signups)s and %(commission)s of commission in the last %(days)s.",
            days=formatting.days(days),
            **_parts(total, currency),
        ),
        table=_numbers(rows, names, currency, by),
    )


def _parts(point: Point, currency: str) -> Mapping[str, str]:
    return {
        "clicks": ngettext("%(num)s click", "%(num)s clicks", point.clicks),
        "signups": ngettext("%(num)s signup", "%(num)s signups", point.signups),
        "commission": formatting.amount(point.commission, currency),
    }


def _counts(point: Point, currency: str) -> str:
    return ", ".join(_parts(point, currency).values())


def _tick(point: Point, by: By) -> str:
    """What stands under the axis."""
    return formatting.short_month(point.first) if by is By.MONTH else formatting.day_of_month(point.first)


def _name(point: Point, by: By) -> str:
    """What a point is called: "2 December 2026", "Week 49, 30 Nov - 6 Dec 2026", "December 2026"."""
    match by:
        case By.DAY:
            return formatting.day(point.first)
        case By.WEEK:
            return f"{_week(point)}, {formatting.span(point.first, point.last)}"
        case By.MONTH:
            return formatting.month(point.first)


def _week(point: Point) -> str:
    return _("Week %(number)s", number=point.first.isocalendar().week)


def _cell(point: Point, by: By) -> Cell:
    match by:
        case By.DAY:
            return Cell(formatting.short_day(point.first))
        case By.WEEK:
            return Cell(_week(point), sub=formatting.span(point.first, point.last))
        case By.MONTH:
            return Cell(formatting.month(point.first))


def _numbers(rows: list[Point], names: tuple[str, str, str], currency: str, by: By) -> Table:
    heading = {By.DAY: _("Day"), By.WEEK: _("Week"), By.MONTH: _("Month")}[by]
    return Table(
        title=_("The numbers"),
        id="numbers",
        show_title=False,
        columns=(Column(heading), *(Column(name, numeric=True) for name in names)),
        rows=tuple(
            (
                _cell(row, by),
                Cell(formatting.number(row.clicks)),
                Cell(formatting.number(row.signups)),
                Cell(formatting.amount(row.commission, currency)),
            )
            for row in reversed(rows)
            if not row.is_empty
        ),
        empty=Empty(_("Nothing happened yet"), _("Days with clicks, signups or commission are listed here.")),
    )


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step from click to customer. ``share`` says how many came this far; ``width`` is its bar's, 0 to 100."""

    label: str
    value: str
    share: str
    width: int


def funnel(seen: Activity) -> tuple[FunnelStep, ...]:
    """Clicks, the signups of the range, and how many of those have paid since."""
    clicks, signups, paying = (sum(each.values()) for each in (seen.clicks, seen.signups, seen.paying))
    most = max(clicks, signups, 1)
    of_clicks = formatting.share(signups, clicks)
    of_signups = formatting.share(paying, signups)
    return (
        FunnelStep(_("Clicks"), formatting.number(clicks), "", clicks * 100 // most),
        FunnelStep(
            _("Signups"),
            formatting.number(signups),
            _("%(share)s of the clicks", share=of_clicks) if of_clicks else "",
            signups * 100 // most,
        ),
        FunnelStep(
            _("Paying customers"),
            formatting.number(paying),
            _("%(share)s of the signups have paid", share=of_signups) if of_signups else "",
            paying * 100 // most,
        ),
    )
