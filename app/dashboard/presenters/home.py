"""The referrer's home: one link, one sentence in money, figures, the next payout, a chart, the newest commissions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Chart, Figure, NavItem, Rate, Status, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.dashboard.presenters.payout_card import OPEN
from app.payouts.domain.state import PayoutState
from app.referrals.words import ReferrerStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from markupsafe import Markup

    from app.dashboard.presenters.chart import FunnelStep
    from app.dashboard.presenters.news import NewsCard
    from app.dashboard.presenters.next_payout import NextPayout
    from app.dashboard.presenters.paid_by import PaidBy
    from app.dashboard.presenters.payout_card import PayoutCard
    from app.dashboard.presenters.share import ShareLink
    from app.ledger.balances import Holdings
    from app.payouts.models import PayoutDestination
    from app.referrals.queries.dashboard import Membership
    from app.referrals.queries.programs_shown import ShownProgram

NEWEST: Final = 8
"""Commissions that the home shows."""


@dataclass(frozen=True, slots=True)
class Link:
    """The referral link with all that one can do with it."""

    url: str
    note: str
    qr: Markup
    downloads: tuple[NavItem, ...]
    share: tuple[ShareLink, ...]


@dataclass(frozen=True, slots=True)
class HomePage:
    """Everything that the referrer's home shows."""

    program: str
    notices: tuple[Status, ...]
    link: Link
    sentence: Markup
    figures: tuple[Figure, ...]
    payout: PayoutCard
    chart: Chart
    periods: tuple[NavItem, ...]
    steps: tuple[NavItem, ...]
    commissions: Table
    rates: tuple[Rate, ...]
    funnel: tuple[FunnelStep, ...]
    news: NewsCard


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


def figures(holdings: Holdings, payouts: Sequence[PaidBy], due: NextPayout | None) -> tuple[Figure, ...]:
    """Pending, available, in flight, paid; and under review or brought along where there is something."""
    balance = holdings.balance
    currency = balance.currency
    last = next((paid for paid in reversed(payouts) if paid.payout.state is PayoutState.PAID), None)
    flying = next((paid for paid in reversed(payouts) if paid.payout.state in OPEN), None)
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
            2,
            Figure(
                _("Under review"),
                formatting.amount(balance.held, currency),
                _("someone checks it"),
                url_for("home.commissions"),
            ),
        )
    return (*rows, *opening_figure(holdings.opening_minor, currency))


def opening_figure(opening: int, currency: str) -> tuple[Figure, ...]:
    """What was brought along from another tool, if anything was; the other figures have counted it."""
    if not opening:
        return ()
    amount = formatting.amount(opening, currency)
    return (Figure(_("Opening balance"), amount, _("from the earlier system, counted in the others")),)
