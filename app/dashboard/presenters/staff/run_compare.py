"""A run beside the month before it, and what was ever done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Figure, Status, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters.staff.people import details
from app.dashboard.presenters.staff.runs import month_of
from app.payouts.domain.calendar import Period

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.identity.models import AuditEvent
    from app.payouts.compare import Comparison, Difference
    from app.payouts.models import PayoutRun


@dataclass(frozen=True, slots=True)
class ComparePage:
    """A run beside the month before it."""

    title: str
    back: str
    run: str
    figures: tuple[Figure, ...]
    table: Table


def compare_page(run: PayoutRun, found: Comparison | None) -> ComparePage:
    """The page; without figures where there is nothing to compare with."""
    month = month_of(run)
    return ComparePage(
        title=_("%(month)s beside the month before", month=month),
        back=url_for("staff.run", name=run.name),
        run=_("Payout for %(month)s", month=month),
        figures=compared_figures(run, found) if found else (),
        table=compared_table(run, found),
    )


def compared_figures(run: PayoutRun, found: Comparison) -> tuple[Figure, ...]:
    """Both months in numbers."""
    before = formatting.month(Period.parse(found.period).first_day)
    return (
        Figure(
            _("Total"),
            formatting.amount(run.total_minor, run.currency),
            _(
                "%(month)s: %(amount)s",
                month=before,
                amount=formatting.amount(found.before_minor, run.currency),
            ),
        ),
        Figure(
            _("Payouts"),
            formatting.number(run.payout_count),
            _("%(month)s: %(amount)s", month=before, amount=formatting.number(found.before_count)),
        ),
        Figure(_("Paid now, not then"), formatting.number(found.fresh)),
        Figure(_("Paid then, not now"), formatting.number(found.gone)),
        Figure(_("To another account"), formatting.number(found.other_accounts)),
    )


def compared_table(run: PayoutRun, found: Comparison | None) -> Table:
    """The largest differences."""
    return Table(
        title=_("The largest differences"),
        id="differences",
        columns=(
            Column(_("Referrer")),
            Column(_("Before"), numeric=True),
            Column(_("Now"), numeric=True),
            Column(_("Difference"), numeric=True),
            Column(_("Note")),
        ),
        rows=tuple(_difference(each, run) for each in (found.largest if found else ())),
        empty=Empty(_("Nothing differs"), _("Everybody is paid the same as in the month before."))
        if found
        else Empty(_("Nothing to compare with"), _("No earlier month of this programme paid anybody.")),
    )


def _difference(each: Difference, run: PayoutRun) -> tuple[Cell, ...]:
    return (
        Cell(each.referrer.name, href=url_for("staff.referrer", code=each.referrer.code)),
        Cell(formatting.amount(each.before_minor, run.currency)),
        Cell(formatting.amount(each.now_minor, run.currency)),
        Cell(formatting.amount(each.now_minor - each.before_minor, run.currency)),
        _note(each),
    )


def _note(each: Difference) -> Cell:
    if each.other_account:
        return Cell(status=Status(_("another bank account"), Tone.HELD))
    if not each.before_minor:
        return Cell(status=Status(_("new"), Tone.MOVE))
    return Cell(_("not paid now")) if not each.now_minor else Cell("")


def history_table(events: Sequence[AuditEvent], names: Mapping[str, str], timezone: str) -> Table:
    """What was done to a run, newest first, as the audit trail has it."""
    return Table(
        title=_("What was done to this run"),
        id="history",
        columns=(Column(_("When")), Column(_("Who")), Column(_("What")), Column(_("Details"))),
        rows=tuple(
            (
                Cell(formatting.instant(event.at, timezone)),
                Cell(names.get(event.actor, event.actor)),
                Cell(event.action, code=True),
                Cell(details(event.details), wraps=True),
            )
            for event in events
        ),
        empty=Empty(_("Nothing yet"), _("Every move of a run is kept here.")),
    )
