"""The overview of a programme: what referrers brought and cost, who brought most, and what a person should look at."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Figure, NavItem, Status, Table, Tone
from app.dashboard.i18n import _
from app.identity.roles import Action
from app.overview.periods import Span

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from app.finance.owed import Owed
    from app.overview.attention import Attention
    from app.overview.brought import Brought
    from app.overview.periods import Compared, Days
    from app.overview.totals import TopReferrer, Totals
    from app.referrals.models import Program

TOP: Final = 8
"""Referrers who are named."""

_PPM: Final = 1_000_000
_PERMILLE: Final = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The overview."""

    title: str
    spans: tuple[NavItem, ...]
    days: str
    money: tuple[Figure, ...]
    funnel: tuple[Figure, ...]
    attention: Table
    top: Table
    note: str


def spans(chosen: Span) -> tuple[NavItem, ...]:
    """The periods to choose from."""
    names = {
        Span.MONTH: _("This month"),
        Span.LAST_MONTH: _("Last month"),
        Span.YEAR: _("12 months"),
    }
    return tuple(
        NavItem(name, url_for("staff.index", period=span.value), span is chosen)
        for span, name in names.items()
    )


def days_words(days: Compared) -> str:
    """Which days are counted, and what they are held against."""
    return _("%(now)s, compared with %(before)s", now=_days(days.now), before=_days(days.before))


def _days(days: Days) -> str:
    return _("%(first)s to %(last)s", first=formatting.day(days.first), last=formatting.day(days.last))


def reckoned_note(until: date | None) -> str:
    """How fresh the figures are."""
    if until is None:
        return ""
    return _(
        "Counted anew every night. A refund of an order paid up to %(day)s shows here tomorrow.",
        day=formatting.day(until),
    )


def money(totals: Totals, owed: Owed, program: Program, may: Callable[[Action], bool]) -> tuple[Figure, ...]:
    """What referrers brought, what it costs, and what is owed now."""
    now, before, currency = totals.now, totals.before, program.currency
    orders = url_for("staff.orders") if may(Action.VIEW_ORDERS) else None
    books = url_for("staff.finance") if may(Action.VIEW_BOOKS) else None
    share = _share(now.commission_minor, now.revenue_minor)
    cost = _change(now.commission_minor, before.commission_minor, currency)
    return (
        Figure(
            _("Revenue by referrers"),
            formatting.amount(now.revenue_minor, currency),
            _change(now.revenue_minor, before.revenue_minor, currency),
            orders,
        ),
        Figure(
            _("Commissions on it"),
            formatting.amount(now.commission_minor, currency),
            _("%(share)s of the revenue; %(change)s", share=share, change=cost) if share else cost,
            orders,
        ),
        Figure(
            _("Owed to referrers now"),
            formatting.amount(owed.total, currency),
            _(
                "%(available)s payable, %(pending)s pending",
                available=formatting.amount(owed.available, currency),
                pending=formatting.amount(owed.pending, currency),
            ),
            books,
        ),
    )


def funnel(now: Brought, before: Brought, may: Callable[[Action], bool]) -> tuple[Figure, ...]:
    """From click to paying customer."""
    people = may(Action.VIEW_REFERRERS)
    steps = (
        (_("Clicks"), now.clicks, before.clicks, None, url_for("staff.clicks") if people else None),
        (
            _("Signups"),
            now.signups,
            before.signups,
            _share(now.signups, now.clicks),
            url_for("staff.referrers") if people else None,
        ),
        (
            _("New paying customers"),
            now.customers,
            before.customers,
            _share(now.customers, now.signups),
            url_for("staff.orders") if may(Action.VIEW_ORDERS) else None,
        ),
    )
    return tuple(
        Figure(
            label,
            formatting.number(count),
            _("%(share)s of the step before; %(change)s", share=share, change=_change(count, earlier))
            if share
            else _change(count, earlier),
            href,
        )
        for label, count, earlier, share, href in steps
    )


def _share(part: int, whole: int) -> str:
    """A share of the whole, to a tenth of a per cent; empty where there is nothing to share."""
    if whole <= 0:
        return ""
    rounded = (Decimal(part) / whole).quantize(_PERMILLE, ROUND_HALF_UP)
    return formatting.percent(int(rounded * _PPM))


def _change(now: int, before: int, currency: str = "") -> str:
    """How it compares: "+12 % from 4,120.00"."""
    shown = formatting.amount(before, currency) if currency else formatting.number(before)
    if now == before:
        return _("as before") if before else _("nothing before either")
    if before <= 0:
        return _("%(before)s before", before=shown)
    change = (Decimal(now - before) / before).quantize(Decimal("0.01"), ROUND_HALF_UP)
    percent = formatting.percent(int(abs(change) * _PPM))
    sign = "+" if change > 0 else "\u2212" if change < 0 else "\u00b1"
    return _("%(change)s from %(before)s", change=f"{sign}{percent}", before=shown)


def top_table(top: tuple[TopReferrer, ...], currency: str) -> Table:
    """Who brought most."""
    return Table(
        title=_("Who brought most"),
        note=_("by revenue"),
        id="top",
        columns=(
            Column(_("Referrer")),
            Column(_("Clicks"), numeric=True),
            Column(_("Signups"), numeric=True),
            Column(_("New customers"), numeric=True),
            Column(_("Revenue"), numeric=True),
            Column(_("Commission"), numeric=True),
        ),
        rows=tuple(
            (
                Cell(each.name or each.code, sub=each.code, href=url_for("staff.referrer", code=each.code)),
                Cell(formatting.number(each.brought.clicks)),
                Cell(formatting.number(each.brought.signups)),
                Cell(formatting.number(each.brought.customers)),
                Cell(formatting.amount(each.brought.revenue_minor, currency)),
                Cell(formatting.amount(each.brought.commission_minor, currency)),
            )
            for each in top
        ),
        empty=Empty(
            _("Nothing came by a referral link yet"),
            _("Referrers stand here as soon as their links are followed on these days."),
        ),
    )


def attention_table(
    found: Attention, scheduler: datetime | None, *, late: bool, timezone: str, may: Callable[[Action], bool]
) -> Table:
    """What a person should look at; what is well is not listed."""
    rows = [
        (_("Commissions under review"), found.held, Tone.HELD, "staff.review", Action.VIEW_ORDERS),
        (_("Conversions far above the others'"), found.outliers, Tone.HELD, "staff.review", Action.VIEW_ORDERS),
        (_("Referrers with suspicious clicks"), found.suspicious, Tone.HELD, "staff.clicks", Action.VIEW_REFERRERS),
        (_("Payouts whose fate nobody knows"), found.unknown, Tone.STOP, "staff.runs", Action.VIEW_PAYOUTS),
        (_("Payouts rejected or returned"), found.failed, Tone.STOP, "staff.runs", Action.VIEW_PAYOUTS),
        (_("Bank records that matched nothing"), found.exceptions, Tone.STOP, "staff.bank", Action.VIEW_PAYOUTS),
        (_("Facts that wait for another one"), found.parked, Tone.WAIT, "staff.facts", Action.VIEW_ORDERS),
        (
            _("Orders that wait for an exchange rate"),
            found.without_rate,
            Tone.WAIT,
            "staff.waiting_orders",
            Action.VIEW_ORDERS,
        ),
    ]  # fmt: skip
    cells = [
        (
            Cell(words, href=url_for(endpoint) if may(action) else None),
            Cell(formatting.number(count)),
            Cell(status=_urgency(tone)),
        )
        for words, count, tone, endpoint, action in rows
        if count
    ]
    if late:
        cells.append((_scheduler_cell(scheduler, timezone), Cell(), Cell(status=_urgency(Tone.STOP))))
    return Table(
        title=_("To look at"),
        id="attention",
        folds=True,
        columns=(Column(_("What")), Column(_("How many"), numeric=True), Column(_("State"))),
        rows=tuple(cells),
        empty=Empty(
            _("Nothing to look at"),
            _("What needs a person stands here: reviews, payouts that came back, bank records."),
        ),
    )


def _scheduler_cell(seen: datetime | None, timezone: str) -> Cell:
    when = (
        _("last seen %(when)s", when=formatting.instant(seen, timezone)) if seen else _("it was never seen")
    )
    return Cell(_("The scheduler does not run: no runs, mails or reports are started"), sub=when)


def _urgency(tone: Tone) -> Status:
    match tone:
        case Tone.HELD:
            return Status(_("somebody decides"), tone)
        case Tone.STOP:
            return Status(_("went wrong"), tone)
        case _:
            return Status(_("waits"), tone)
