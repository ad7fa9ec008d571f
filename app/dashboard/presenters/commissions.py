"""The referrer's commissions: the state of each, the list, and the story that its why-page tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, ListPage, NavItem, Status, Step, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters import rate_words, sentences, words
from app.payouts.domain.state import PayoutState
from app.referrals.words import CommissionKind, HoldState, RateKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.dashboard.presenters.sentences import Paragraph
    from app.payouts.models import Payout, PayoutRun
    from app.referrals.models import Commission, Hold, Order, Program
    from app.referrals.queries.dashboard import CommissionRow, CommissionStory

_GONE = frozenset({PayoutState.REJECTED, PayoutState.RETURNED, PayoutState.CANCELLED})


@dataclass(frozen=True, slots=True)
class PaidBy:
    """A payout of the referrer with its run, oldest first in lists of them."""

    payout: Payout
    run: PayoutRun


@dataclass(frozen=True, slots=True)
class WhyPage:
    """The page that says what became of one commission or order."""

    title: str
    sentence: str
    status: Status
    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]
    back: NavItem
    paragraphs: tuple[Paragraph, ...] = ()


def payout_of(row: CommissionRow, payouts: Sequence[PaidBy]) -> PaidBy | None:
    """The payout that took this commission along: the first that stood after its posting and covers its date.

    A reservation takes all matured money at once, so the dates decide (DESIGN.md 7).
    """
    if row.posted_at is None:
        return None
    for paid in payouts:
        covers = row.commission.available_on <= paid.run.until_on and row.posted_at <= paid.payout.created_at
        if covers and paid.payout.state not in _GONE:
            return paid
    return None


def commission_state(row: CommissionRow, payouts: Sequence[PaidBy], today: date) -> Status:
    """Where this commission's money stands, in one word."""
    commission = row.commission
    if commission.rejected:
        return Status(_("rejected"), Tone.STOP)
    if commission.held_minor:
        return Status(_("under review"), Tone.HELD)
    if commission.target_minor == 0:
        return (
            Status(_("taken back"), Tone.STOP) if commission.earned_minor else Status(_("nothing"), Tone.CALM)
        )
    if commission.available_on > today:
        return Status(_("pending"), Tone.WAIT)
    paid = payout_of(row, payouts)
    if paid is None:
        return Status(_("available"), Tone.DONE)
    if paid.payout.state is PayoutState.PAID:
        return Status(_("paid out"), Tone.DONE)
    return Status(_("in flight"), Tone.MOVE)


def _how_earned(story: CommissionStory, currency: str) -> str:
    commission = story.row.commission
    if commission.kind is CommissionKind.BONUS:
        return _("With their first paid order you earned the sign-up bonus.")
    rate = rate_words.rate(story.rate, currency, commission.tier_from)
    if commission.uncapped_minor is None:
        return _("You earned %(rate)s.", rate=rate)
    full = formatting.amount(commission.uncapped_minor, currency)
    return _("%(rate)s is %(full)s; the most that the programme pays cut it.", rate=rate, full=full)


def _product(row: CommissionRow) -> str:
    if row.commission.kind is CommissionKind.BONUS:
        return _("Sign-up bonus")
    return row.product.name if row.product else row.line.sku


def commission_table(
    rows: Sequence[CommissionRow],
    program: Program,
    payouts: Sequence[PaidBy],
    today: date,
    *,
    more_href: str | None,
    title: str = "",
    inline: bool = True,
) -> Table:
    """The list of commissions; every amount leads to its why-page."""
    return Table(
        title=title or _("Commissions"),
        show_title=bool(title),
        inline=inline,
        id="commissions",
        folds=True,
        columns=(
            Column(_("Product"), fold=False),
            Column(_("Amount"), numeric=True, fold=False),
            Column(_("Customer paid on")),
            Column(_("State"), fold=False),
            Column(_("Payable from")),
        ),
        rows=tuple(_row(row, program, payouts, today) for row in rows),
        more_href=more_href,
        empty=Empty(
            _("No commissions yet"),
            _(
                "Share your link. As soon as a new customer has paid for a participating product, it stands here."
            ),
        ),
    )


def list_page(table: Table) -> ListPage:
    """The page of all commissions."""
    return ListPage(
        title=_("Commissions"),
        text=_("What your customers' paid orders earn you. Every amount leads to its explanation."),
        link=NavItem(_("You miss an order or a click? Ask why."), url_for("home.why")),
        table=table,
    )


def _row(row: CommissionRow, program: Program, payouts: Sequence[PaidBy], today: date) -> tuple[Cell, ...]:
    commission = row.commission
    return (
        Cell(_product(row)),
        Cell(
            formatting.amount(commission.target_minor, program.currency),
            href=url_for("home.commission", commission_id=commission.id),
        ),
        Cell(formatting.short_day(formatting.local(commission.paid_at, program.timezone))),
        Cell(status=commission_state(row, payouts, today)),
        Cell(formatting.short_day(commission.available_on)),
    )


def why_commission(
    story: CommissionStory,
    labels: Mapping[str, str],
    program: Program,
    payouts: Sequence[PaidBy],
    today: date,
) -> WhyPage:
    """The story of one commission, from the click to the bank."""
    row = story.row
    amount = formatting.amount(row.commission.target_minor, program.currency)
    status = commission_state(row, payouts, today)
    return WhyPage(
        title=_product(row),
        sentence=_sentence(story, payouts, today, amount),
        status=status,
        steps=tuple(_steps(story, program, payouts, today)),
        facts=tuple(_facts(story, program)),
        back=NavItem(_("All commissions"), url_for("home.commissions")),
        paragraphs=sentences.of_commission(story, labels, _took_it(story, payouts), program, today),
    )


def _took_it(story: CommissionStory, payouts: Sequence[PaidBy]) -> list[PaidBy]:
    """The payouts that took it along, up to the first one that stands."""
    taken: list[PaidBy] = []
    for paid in payouts:
        covers = story.row.posted_at is not None and story.row.posted_at <= paid.payout.created_at
        if covers and story.row.commission.available_on <= paid.run.until_on:
            taken.append(paid)
            if paid.payout.state not in _GONE:
                break
    return taken


def _sentence(story: CommissionStory, payouts: Sequence[PaidBy], today: date, amount: str) -> str:
    commission = story.row.commission
    paid = payout_of(story.row, payouts)
    if commission.rejected:
        return _("You receive nothing for this order: after a check it was rejected.")
    if commission.held_minor:
        return _("%(amount)s waits while someone checks this order.", amount=amount)
    if commission.uncapped_minor is not None and not commission.earned_minor:
        return _("You receive nothing for this: the most that the programme pays was reached before.")
    if commission.target_minor == 0:
        return _("You receive nothing for this order: the customer got the money back.")
    if paid is not None and paid.payout.state is PayoutState.PAID and paid.payout.paid_on:
        return _(
            "You received %(amount)s on %(day)s.", amount=amount, day=formatting.day(paid.payout.paid_on)
        )
    if paid is not None:
        return _("%(amount)s is on its way to your bank account.", amount=amount)
    if commission.available_on > today:
        return _(
            "You receive %(amount)s with the first payout after %(day)s.",
            amount=amount,
            day=formatting.day(commission.available_on),
        )
    return _("%(amount)s is available and comes with the next payout.", amount=amount)


def _steps(story: CommissionStory, program: Program, payouts: Sequence[PaidBy], today: date) -> list[Step]:
    order, commission = story.row.order, story.row.commission
    zone, currency = program.timezone, program.currency
    steps: list[Step] = []
    if story.binding is not None:
        steps.append(
            Step(
                _("The customer belongs to you"),
                Tone.DONE,
                formatting.instant(story.binding.from_at, zone),
                _("Attributed %(method)s.", method=words.method(story.binding.method)),
            )
        )
    steps.append(Step(_("The customer ordered"), Tone.DONE, formatting.instant(order.placed_at, zone)))
    steps.append(
        Step(
            _("The customer paid"),
            Tone.DONE,
            formatting.instant(commission.paid_at, zone),
            _how_earned(story, currency),
            formatting.signed(commission.earned_minor, currency),
        )
    )
    steps.extend(
        Step(
            words.refund_kind(refund.kind),
            Tone.DONE if refund.kind == "chargeback_reversal" else Tone.STOP,
            formatting.instant(refund.refunded_at, zone),
            _("Your commission follows what the customer paid in the end."),
        )
        for refund in story.refunds
    )
    if commission.earned_minor != commission.target_minor and not commission.rejected:
        taken = commission.target_minor - commission.earned_minor
        steps.append(
            Step(
                _("Commission taken back"),
                Tone.STOP,
                text=_("%(amount)s remains.", amount=formatting.amount(commission.target_minor, currency)),
                amount=formatting.signed(taken, currency),
            )
        )
    for hold in story.holds:
        steps.extend(_hold_steps(hold, zone))
    steps.extend(_money_steps(story, program, payouts, today))
    return steps


def _hold_steps(hold: Hold, zone: str) -> list[Step]:
    opened = Step(
        _("Under review"),
        Tone.HELD,
        formatting.instant(hold.opened_at, zone),
        words.hold_rule_for_referrer(hold.rule),
    )
    if hold.state is HoldState.OPEN or hold.closed_at is None:
        return [opened]
    if hold.state is HoldState.RELEASED:
        return [
            opened,
            Step(_("Released after the check"), Tone.DONE, formatting.instant(hold.closed_at, zone)),
        ]
    return [
        opened,
        Step(
            _("Rejected after the check"),
            Tone.STOP,
            formatting.instant(hold.closed_at, zone),
            _("Orders of your own earn no commission. Ask the programme's staff if this is wrong."),
        ),
    ]


def _money_steps(
    story: CommissionStory, program: Program, payouts: Sequence[PaidBy], today: date
) -> list[Step]:
    commission = story.row.commission
    if commission.rejected or commission.target_minor == 0:
        return []
    waiting = commission.available_on > today
    day = formatting.day(commission.available_on)
    steps = [
        Step(
            _("Hold period ends") if waiting else _("Hold period over"),
            Tone.WAIT if waiting else Tone.DONE,
            day,
            _("Until then the customer's payment can still be reversed.") if waiting else "",
        )
    ]
    steps.extend(payout_step(paid, program) for paid in _took_it(story, payouts))
    if len(steps) == 1 and not waiting and not commission.held_minor:
        steps.append(Step(_("Comes with the next payout"), Tone.WAIT))
    return steps


def payout_step(paid: PaidBy, program: Program) -> Step:
    """A payout as one event of a story."""
    state = words.payout_state(paid.payout.state)
    day = paid.payout.returned_on or paid.payout.paid_on
    when = formatting.day(day) if day else formatting.instant(paid.payout.changed_at, program.timezone)
    return Step(
        _("Payout %(state)s", state=state.word),
        state.tone,
        when,
        _(
            "Part of your payout of %(amount)s.",
            amount=formatting.amount(paid.payout.amount_minor, program.currency),
        ),
    )


def _facts(story: CommissionStory, program: Program) -> list[Fact]:
    commission, line, rate = story.row.commission, story.row.line, story.rate
    currency = program.currency
    order = story.row.order
    facts: list[Fact] = []
    if commission.kind is CommissionKind.KICKBACK:
        paid = formatting.amount(line.net_minor, order.currency)
        facts.append(Fact(_("Customer paid, without VAT"), Cell(paid)))
        facts += _exchange_facts(order, commission, currency)
    if line.refunded_minor:
        facts.append(Fact(_("Given back"), Cell(formatting.signed(-line.refunded_minor, order.currency))))
    if rate.kind is RateKind.FLAT:
        facts.append(Fact(_("Quantity"), Cell(formatting.number(line.quantity))))
    facts += [
        Fact(_("Commission rate"), Cell(rate_words.rate(rate, currency, commission.tier_from))),
        Fact(_("Applies to"), Cell(rate_words.rate_terms(rate, currency))),
        Fact(
            _("Rate in force since"),
            Cell(formatting.short_day(formatting.local(rate.valid_from, program.timezone))),
        )
        if rate.valid_from.year > 1970  # noqa: PLR2004 - the first version holds from the beginning
        else Fact(_("Rate in force since"), Cell(_("the beginning"))),
        Fact(_("Earned, rounded to the cent"), Cell(formatting.amount(commission.earned_minor, currency))),
        Fact(_("Yours"), Cell(formatting.amount(commission.target_minor, currency))),
        Fact(_("Payable from"), Cell(formatting.day(commission.available_on))),
        Fact(_("Customer"), Cell(pseudonym(story.customer.id), code=True)),
    ]
    return facts


def _exchange_facts(order: Order, commission: Commission, currency: str) -> list[Fact]:
    """What converts an order of another currency: the European Central Bank's rates of a day."""
    if order.exchange is None:
        return []
    day = formatting.day(date.fromisoformat(order.exchange["on"]))
    rates = ", ".join(f"1 EUR = {rate} {code}" for code, rate in order.exchange["per_euro"].items())
    return [
        Fact(_("Exchange rate of the European Central Bank"), Cell(rates, sub=day)),
        Fact(_("Converted"), Cell(formatting.amount(commission.base_minor, currency))),
    ]


def pseudonym(customer_id: int) -> str:
    """What a referrer calls a customer: the same customer always the same, and nobody's name."""
    return f"C-{customer_id:05d}"
