"""Why this order: what each of its products earned, and if nothing, why; from the click to the bank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, NavItem, Step, Table, Tone, WhyPage
from app.dashboard.i18n import _
from app.dashboard.presenters import journey, sentences, words
from app.dashboard.presenters.commissions import pseudonym
from app.dashboard.presenters.paid_by import Share, verdict
from app.referrals.domain.commission import Outcome
from app.referrals.words import CommissionKind, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from app.dashboard.presenters.journey import Origin, Outlook
    from app.dashboard.presenters.paid_by import PaidBy
    from app.referrals.models import Order, Program
    from app.referrals.queries.explanation import ExplainedCommission, ExplainedLine, Explanation
    from app.referrals.words import BindingMethod


def why_order(
    told: Explanation, order: Order, program: Program, payouts: Sequence[PaidBy], outlook: Outlook
) -> WhyPage:
    """One order, as it was told to its referrer and to nobody else."""
    zone = program.timezone
    mine = [each for line in told.lines for each in line.commissions]
    return WhyPage(
        title=_("Order of %(day)s", day=formatting.day(formatting.local(order.placed_at, zone))),
        sentence=_sentence(told, mine, program, payouts, outlook),
        status=words.order_status(order.status),
        steps=tuple(_steps(told, mine, program, payouts, outlook)),
        facts=tuple(_facts(order, mine, program)),
        back=NavItem(_("All orders"), url_for("home.orders")),
        lines=_lines(told, program, order.currency),
    )


def share_of(earned: ExplainedCommission) -> Share:
    """The money of a commission as the story of its order tells it."""
    return Share(
        earned.earned,
        earned.target,
        earned.held,
        earned.rejected,
        earned.uncapped is not None,
        earned.available_on,
        earned.posted_at,
    )


def _sentence(
    told: Explanation,
    mine: Sequence[ExplainedCommission],
    program: Program,
    payouts: Sequence[PaidBy],
    outlook: Outlook,
) -> str:
    match told.status:
        case OrderStatus.PENDING:
            return _("The customer has not paid yet. Once they have, it says here what you earn.")
        case OrderStatus.CANCELLED:
            return _("You receive nothing for this order: it was cancelled before it was paid.")
        case OrderStatus.PAID:
            pass
    if any(line.outcome is Outcome.WAITING_RATE for line in told.lines):
        return words.outcome(Outcome.WAITING_RATE)
    return verdict([share_of(each) for each in mine], payouts, program.currency, outlook.calendar.today)


def _steps(
    told: Explanation,
    mine: Sequence[ExplainedCommission],
    program: Program,
    payouts: Sequence[PaidBy],
    outlook: Outlook,
) -> Iterator[Step]:
    zone = program.timezone
    yield from journey.beginning(_origin(told), _bound(told), zone)
    paid = formatting.amount(sum(line.net for line in told.lines), told.currency)
    yield from journey.ordered(told.status, told.placed_at, told.paid_at or told.cancelled_at, paid, zone)
    shares = [share_of(each) for each in mine]
    if told.paid_at is not None:
        yield _reckoned(told, shares, told.paid_at, program)
    yield from journey.meanwhile(told.refunds, (hold for each in mine for hold in each.holds), zone)
    yield from journey.taken_back(shares, program.currency)
    yield from journey.to_the_bank(shares, payouts, outlook, program)


def _origin(told: Explanation) -> Origin | None:
    """What won the customer for the reader, in the latest decision that did; the earlier ones it replaced."""
    for decision in reversed(told.decisions):
        if decision.referrer is not None and decision.at <= told.placed_at:
            mine = [
                {"kind": each.kind, "value": each.value, "at": each.at, "lost": each.lost}
                for each in decision.candidates
                if each.referrer == decision.referrer
            ]
            return journey.origin(mine, decision.occasion, decision.at)
    return None


def _bound(told: Explanation) -> tuple[BindingMethod, datetime] | None:
    held = [each for each in told.bindings if each.from_at <= told.placed_at]
    return (held[-1].method, held[-1].from_at) if held else None


def _reckoned(told: Explanation, shares: Sequence[Share], paid_at: datetime, program: Program) -> Step:
    said = tuple(sentences.of_line(line, told.referrer or "", program, told.paid_at) for line in told.lines)
    when = formatting.instant(paid_at, program.timezone)
    if any(line.outcome is Outcome.WAITING_RATE for line in told.lines):
        return Step(_("Your commission is still to be reckoned"), Tone.WAIT, points=said, ahead=True)
    if not shares:
        return Step(_("Nothing in it earns a commission"), Tone.CALM, when, points=said)
    bonus = sum(
        each.earned for line in told.lines for each in line.commissions if each.kind is CommissionKind.BONUS
    )
    if bonus:
        amount = formatting.amount(bonus, program.currency)
        said = (
            *said,
            _("A sign-up bonus of %(amount)s, for the first order that the customer paid.", amount=amount),
        )
    total = formatting.signed(sum(share.earned for share in shares), program.currency)
    return Step(_("Your commission was reckoned"), Tone.DONE, when, amount=total, points=said)


def _facts(order: Order, mine: Sequence[ExplainedCommission], program: Program) -> Iterator[Fact]:
    yield Fact(_("Customer"), Cell(pseudonym(order.customer_id), code=True))
    yield Fact(_("Ordered"), Cell(formatting.instant(order.placed_at, program.timezone)))
    if order.paid_at is not None:
        yield Fact(_("Paid by the customer"), Cell(formatting.instant(order.paid_at, program.timezone)))
    yield Fact(_("Yours"), Cell(formatting.amount(sum(each.target for each in mine), program.currency)))


def _lines(told: Explanation, program: Program, currency: str) -> Table:
    return Table(
        title=_("What each product earned"),
        id="lines",
        folds=True,
        columns=(
            Column(_("Product"), fold=False),
            Column(_("Yours"), numeric=True, fold=False),
            Column(_("Customer paid, without VAT"), numeric=True),
            Column(_("State"), fold=False),
        ),
        rows=tuple(_line(line, program, currency) for line in told.lines),
        empty=Empty(_("No lines"), _("The merchant sent this order without lines.")),
    )


def _line(line: ExplainedLine, program: Program, currency: str) -> tuple[Cell, ...]:
    mine = line.commissions
    return (
        Cell(line.name or line.product),
        Cell(
            formatting.amount(sum(each.target for each in mine), program.currency),
            href=url_for("home.commission", commission_id=mine[0].id) if mine else None,
        ),
        Cell(formatting.amount(line.net, currency)),
        Cell(status=words.outcome_status(line.outcome)),
    )
