"""The nightly report of click labels, as staff compare it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, NavItem, Table
from app.dashboard.i18n import _
from app.referrals.domain.click_label import ClickLabel
from app.referrals.domain.click_quality import SPANS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from app.referrals.queries.click_quality import QualityRow

_PERCENT = 10_000
"""Parts per million of one percent: shares are shown in whole percent."""


def periods(chosen: int) -> tuple[NavItem, ...]:
    """The spans that a report covers."""
    return tuple(
        NavItem(formatting.days(days), url_for("staff.clicks", days=days), days == chosen) for days in SPANS
    )


def covers(until: date | None, days: int) -> str:
    """Which days the figures are of."""
    if until is None:
        return ""
    if days == 1:
        return _("Clicks of %(day)s.", day=formatting.day(until))
    first = until - timedelta(days=days - 1)
    return _("Clicks from %(first)s to %(last)s.", first=formatting.day(first), last=formatting.day(until))


def quality_table(rows: Sequence[QualityRow]) -> Table:
    """Referrers with the counts of each label, the most suspicious first."""
    return Table(
        title=_("Click quality"),
        show_title=False,
        id="click-quality",
        columns=(
            Column(_("Referrer")),
            Column(_("Clicks"), numeric=True),
            Column(_("Counted"), numeric=True, sorts_by="counted"),
            Column(_("Share counted"), numeric=True),
            Column(_("Repeated"), numeric=True),
            Column(_("Robots"), numeric=True),
            Column(_("Embedded"), numeric=True),
            Column(_("Wrong tag"), numeric=True),
            Column(_("Fetched ahead"), numeric=True),
            Column(_("Previews"), numeric=True),
            Column(_("Suspicion"), numeric=True, sorts_by="suspicion"),
        ),
        rows=tuple(_row(row) for row in rows),
        empty=Empty(
            _("No report yet"),
            _("Every night the clicks of the day before are counted by referrer and label; they stand here."),
        ),
    )


def _row(row: QualityRow) -> tuple[Cell, ...]:
    def count(label: ClickLabel) -> Cell:
        return Cell(formatting.number(row.counts[label]))

    return (
        Cell(row.name, href=url_for("staff.referrer", code=row.code), sub=row.code, wraps=True),
        Cell(formatting.number(row.clicks)),
        count(ClickLabel.COUNTED),
        Cell(_share(row.counted_ppm)),
        count(ClickLabel.DUPLICATE),
        count(ClickLabel.BOT),
        count(ClickLabel.EMBEDDED),
        count(ClickLabel.BAD_TAG),
        count(ClickLabel.PREFETCH),
        count(ClickLabel.HEAD),
        Cell(_share(row.suspicion_ppm)),
    )


def _share(ppm: int) -> str:
    return formatting.percent(ppm // _PERCENT * _PERCENT)
