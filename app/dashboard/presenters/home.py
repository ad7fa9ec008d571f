"""The referrer's home: one link, one sentence in money, figures, a chart, the newest commissions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import segno
from flask import url_for
from markupsafe import Markup

from app.dashboard import formatting
from app.dashboard.components import Cell, Chart, Column, Empty, Figure, NavItem, Rate, Status, Table, Tone
from app.dashboard.i18n import _, ngettext
from app.dashboard.presenters import rate_words, words
from app.kernel.money import exponent
from app.payouts.domain.state import PayoutState
from app.referrals.words import ReferrerStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.dashboard.presenters.commissions import PaidBy
    from app.dashboard.presenters.next_payout import NextPayout
    from app.ledger.balances import Balance, Bucket
    from app.payouts.models import PayoutDestination
    from app.referrals.models import Program
    from app.referrals.queries.dashboard import Activity, Membership
    from app.referrals.queries.programs_shown import ShownProgram

RANGES: Final = (30, 90, 365)
"""Days that the chart can show."""

NEWEST: Final = 8
"""Commissions that the home shows."""

_OPEN: Final = frozenset(
    {PayoutState.RESERVED, PayoutState.FILED, PayoutState.SUBMITTED, PayoutState.UNKNOWN}
)
_WEEKLY_FROM: Final = 180
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class HomePage:
    """Everything that the referrer's home shows."""

    program: str
    notices: tuple[Status, ...]
    url: str
    link_note: str
    qr: Markup
    sentence: Markup
    waiting: tuple[str, ...]
    figures: tuple[Figure, ...]
    chart: Chart
    periods: tuple[NavItem, ...]
    commissions: Table
    rates: tuple[Rate, ...]


def first_day(today: date, days: int) -> date:
    """The first day of a chart over so many days that ends today."""
    return today - timedelta(days=days - 1)


def qr_svg(url: str) -> Markup:
    """The link as a QR code: inline SVG of presentation attributes alone, so the strict CSP lets it be."""
    code = segno.make(url, error="m", micro=False)
    svg = code.svg_inline(scale=1, border=4, dark="#000", omitsize=True, svgclass=None, lineclass=None)
    return Markup(svg.replace("<svg ", '<svg role="img" aria-label="QR" shape-rendering="crispEdges" ', 1))  # noqa: S704 - made here, from a URL of our own


def link_note(shown: ShownProgram) -> str:
    """What the link does, with the programme's own numbers."""
    window = formatting.days(shown.terms.window_days)
    return _("Whoever follows it and signs up within %(window)s counts as brought by you.", window=window)


def notices(
    membership: Membership, destination: PayoutDestination | None, *, verified: bool, today: date
) -> tuple[Status, ...]:
    """What the referrer should know or do before anything else."""
    found: list[Status] = []
    if membership.referrer.status is ReferrerStatus.SUSPENDED:
        found.append(
            Status(
                _("Your participation is suspended. Your link earns nothing, and open money waits."),
                Tone.STOP,
            )
        )
    if destination is None:
        found.append(Status(_("No bank account is on file yet. Add one to be paid."), Tone.WAIT))
    elif destination.blocked_reason is not None:
        found.append(
            Status(
                words.blocked(destination.blocked_reason) + " " + _("Please enter another one."), Tone.STOP
            )
        )
    elif destination.usable_on > today:
        found.append(
            Status(
                _(
                    "Your new bank account can be paid to from %(day)s on.",
                    day=formatting.day(destination.usable_on),
                ),
                Tone.WAIT,
            )
        )
    if not verified:
        found.append(Status(_("Please confirm your e-mail address: we have sent you a link."), Tone.WAIT))
    return tuple(found)


def sentence(due: NextPayout | None, payouts: Sequence[PaidBy], balance: Balance, program: Program) -> Markup:
    """The one sentence in money."""
    flying = [paid for paid in payouts if paid.payout.state in _OPEN]
    if flying:
        total = sum(paid.payout.amount_minor for paid in flying)
        on = flying[-1].run.execution_on
        amount = formatting.amount(total, program.currency)
        if on is not None:
            return _strong(
                _("%(amount)s is on its way to you, booked by the bank from %(day)s on."), amount, on
            )
        return _strong(_("%(amount)s is being prepared for your bank account."), amount, None)
    if due is not None:
        return _strong(
            _("You receive %(amount)s on %(day)s."),
            formatting.amount(due.amount_minor, program.currency),
            due.on,
        )
    if balance.available < 0:
        amount = formatting.amount(-balance.available, program.currency)
        return _strong(
            _("%(amount)s was taken back and is settled with your next commissions."), amount, None
        )
    if balance.pending + balance.available > 0:
        amount = formatting.amount(balance.pending + balance.available, program.currency)
        return _strong(_("You have %(amount)s so far; it is paid once the minimum is reached."), amount, None)
    return Markup(_("Nothing to pay out yet. Share your link to start."))  # noqa: S704 - our own translated sentence


def _strong(template: str, amount: str, day: date | None) -> Markup:
    # A named placeholder in a Markup template escapes what is put in.
    marked = Markup(template)  # noqa: S704 - our own translated sentence
    values = {
        "amount": Markup("<strong>{}</strong>").format(amount),
        "day": formatting.day(day) if day else "",
    }
    return marked % values


def waiting(
    due: NextPayout | None, buckets: Sequence[Bucket], balance: Balance, program: Program, today: date
) -> tuple[str, ...]:
    """What waits, until when, and why."""
    lines: list[str] = []
    later = [bucket for bucket in buckets if due is None or bucket.available_on > due.period.last_day]
    pending = [bucket for bucket in later if bucket.available_on > today]
    if pending and (due is not None or balance.pending):
        total = sum(bucket.amount_minor for bucket in pending)
        last = max(bucket.available_on for bucket in pending)
        lines.append(
            _(
                "%(amount)s more is in its hold period, the last of it until %(day)s.",
                amount=formatting.amount(total, program.currency),
                day=formatting.day(last),
            )
        )
    if due is None and 0 < balance.available < program.minimum_payout_minor:
        lines.append(
            _(
                "%(amount)s is available. Payouts start at %(minimum)s; until then it is carried forward.",
                amount=formatting.amount(balance.available, program.currency),
                minimum=formatting.amount(program.minimum_payout_minor, program.currency),
            )
        )
    if balance.held:
        lines.append(
            _("%(amount)s is under review.", amount=formatting.amount(balance.held, program.currency))
        )
    return tuple(lines)


def figures(
    balance: Balance, payouts: Sequence[PaidBy], due: NextPayout | None, opening: int
) -> tuple[Figure, ...]:
    """Pending, available, in flight, paid; and under review or brought along where there is something."""
    currency = balance.currency
    last = next((paid for paid in reversed(payouts) if paid.payout.state is PayoutState.PAID), None)
    flying = next((paid for paid in reversed(payouts) if paid.payout.state in _OPEN), None)
    rows = [
        Figure(
            _("Pending"),
            formatting.amount(balance.pending, currency),
            _("in the hold period"),
            url_for("home.commissions"),
        ),
        Figure(
            _("Available"),
            formatting.amount(balance.available, currency),
            _("payout on %(day)s", day=formatting.short_day(due.on)) if due else _("carried forward"),
            url_for("home.commissions"),
        ),
        Figure(
            _("In flight"),
            formatting.amount(balance.in_flight, currency),
            _("bank day %(day)s", day=formatting.short_day(flying.run.execution_on))
            if flying and flying.run.execution_on
            else _("nothing on its way"),
            url_for("home.payouts"),
        ),
        Figure(
            _("Paid"),
            formatting.amount(balance.paid, currency),
            _("last on %(day)s", day=formatting.short_day(last.payout.paid_on))
            if last and last.payout.paid_on
            else _("nothing so far"),
            url_for("home.payouts"),
        ),
    ]
    if balance.held:
        rows.insert(
            2, Figure(_("Under review"), formatting.amount(balance.held, currency), _("someone checks it"))
        )
    return (*rows, *opening_figure(opening, currency))


def opening_figure(opening: int, currency: str) -> tuple[Figure, ...]:
    """What was brought along from another tool, if anything was; the other figures have counted it."""
    if not opening:
        return ()
    amount = formatting.amount(opening, currency)
    return (Figure(_("Opening balance"), amount, _("from the earlier system, counted in the others")),)


def rates(shown: ShownProgram) -> tuple[Rate, ...]:
    """What each product pays; products without a rate are named too."""
    currency = shown.program.currency
    rows = [
        Rate(product.name, rate_words.rate(rate, currency), rate_words.rate_terms(rate, currency))
        for product, rate in shown.rates
    ]
    if shown.everything_else is not None:
        label = _("Every other product") if rows else _("Every product")
        rows.append(
            Rate(
                label,
                rate_words.rate(shown.everything_else, currency),
                rate_words.rate_terms(shown.everything_else, currency),
            )
        )
    return tuple(rows)


def periods(chosen: int) -> tuple[NavItem, ...]:
    """The ranges that the chart can show."""
    return tuple(
        NavItem(formatting.days(days), url_for("home.index", days=days), days == chosen) for days in RANGES
    )


def chart(seen: Activity, program: Program, today: date, days: int) -> Chart:
    """Clicks, signups and commission by day, or by week over a long range."""
    step = _WEEK if days > _WEEKLY_FROM else 1
    starts = [today - timedelta(days=offset) for offset in range(days - 1, -1, -1)]
    index = {day: position // step for position, day in enumerate(starts)}
    labels = starts[::step]
    clicks, signups, commission = ([0] * len(labels) for _column in range(3))
    for day, count in seen.clicks.items():
        _add(clicks, index.get(day), count)
    for hour, count in seen.signups.items():
        _add(signups, index.get(_day(hour, program)), count)
    for hour, minor in seen.commission.items():
        _add(commission, index.get(_day(hour, program)), minor)
    names = (_("Clicks"), _("Signups"), _("Commission"))
    currency = program.currency
    scale = exponent(currency)
    return Chart(
        data={
            "days": [day.isoformat() for day in labels],
            "clicks": clicks,
            "signups": signups,
            # For drawing only: pixels need no cents.
            "commission": [float(Decimal(minor).scaleb(-scale)) for minor in commission],
            "labels": list(names),
            "currency": currency,
            "locale": str(formatting.language()).replace("_", "-"),
        },
        labels=names,
        summary=_(
            "%(clicks)s, %(signups)s and %(commission)s of commission in the last %(days)s.",
            clicks=ngettext("%(num)s click", "%(num)s clicks", sum(clicks)),
            signups=ngettext("%(num)s signup", "%(num)s signups", sum(signups)),
            commission=formatting.amount(sum(commission), currency),
            days=formatting.days(days),
        ),
        table=_numbers(labels, (clicks, signups, commission), names, currency, weekly=step > 1),
    )


def _day(hour: datetime, program: Program) -> date:
    return hour.astimezone(ZoneInfo(program.timezone)).date()


def _add(series: list[int], position: int | None, value: int) -> None:
    if position is not None:
        series[position] += value


def _numbers(
    days: Sequence[date],
    series: tuple[list[int], list[int], list[int]],
    names: tuple[str, str, str],
    currency: str,
    *,
    weekly: bool,
) -> Table:
    rows = [
        (
            Cell(formatting.short_day(day)),
            Cell(formatting.number(clicks)),
            Cell(formatting.number(signups)),
            Cell(formatting.amount(commission, currency)),
        )
        for day, clicks, signups, commission in zip(days, *series, strict=True)
        if clicks or signups or commission
    ]
    return Table(
        title=_("The numbers"),
        id="numbers",
        show_title=False,
        columns=(
            Column(_("Week from") if weekly else _("Day")),
            *(Column(name, numeric=True) for name in names),
        ),
        rows=tuple(reversed(rows)),
        empty=Empty(_("Nothing happened yet"), _("Days with clicks, signups or commission are listed here.")),
    )
