"""Why this amount: the page of one commission, from the click to the bank."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Fact, NavItem, Step, Tone, WhyPage
from app.dashboard.i18n import _
from app.dashboard.presenters import journey, rate_words, sentences
from app.dashboard.presenters.commissions import commission_state, product_name, pseudonym
from app.dashboard.presenters.paid_by import Share, verdict
from app.referrals.words import CommissionKind, RateKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.dashboard.presenters.journey import Outlook
    from app.dashboard.presenters.paid_by import PaidBy
    from app.referrals.models import Commission, Order, Program
    from app.referrals.queries.dashboard import CommissionStory


def why_commission(
    story: CommissionStory,
    labels: Mapping[str, str],
    program: Program,
    payouts: Sequence[PaidBy],
    outlook: Outlook,
) -> WhyPage:
    """The story of one commission."""
    today = outlook.calendar.today
    share = Share.of(story.row.commission, story.row.posted_at)
    return WhyPage(
        title=product_name(story.row),
        sentence=verdict([share], payouts, program.currency, today),
        status=commission_state(story.row, payouts, today),
        steps=tuple(_steps(story, share, program, payouts, outlook)),
        facts=tuple(_facts(story, program)),
        back=NavItem(_("All commissions"), url_for("home.commissions")),
        paragraphs=sentences.of_commission(story, labels, share.taken_by(payouts), program, today),
    )


def _steps(
    story: CommissionStory, share: Share, program: Program, payouts: Sequence[PaidBy], outlook: Outlook
) -> Iterator[Step]:
    order, commission, zone = story.row.order, story.row.commission, program.timezone
    came, bound = None, None
    if story.decision is not None:
        mine = [each for each in story.decision.candidates if each["referrer_id"] == commission.referrer_id]
        came = journey.origin(mine, story.decision.occasion, story.decision.occasion_at)
    if story.binding is not None:
        bound = (story.binding.method, story.binding.from_at)
    yield from journey.beginning(came, bound, zone)
    paid = formatting.amount(story.row.line.net_minor, order.currency)
    yield from journey.ordered(order.status, order.placed_at, commission.paid_at, paid, zone)
    yield Step(
        _("Your commission was reckoned"),
        Tone.DONE,
        formatting.instant(commission.paid_at, zone),
        _how_earned(story, program.currency),
        formatting.signed(commission.earned_minor, program.currency),
    )
    yield from journey.meanwhile(story.refunds, story.holds, zone)
    yield from journey.taken_back([share], program.currency)
    yield from journey.to_the_bank([share], payouts, outlook, program)


def _how_earned(story: CommissionStory, currency: str) -> str:
    commission = story.row.commission
    if commission.kind is CommissionKind.BONUS:
        return _("With their first paid order you earned the sign-up bonus.")
    if commission.uncapped_minor is None:
        return sentences.sum_of(
            story.rate,
            commission.base_minor,
            commission.earned_minor,
            story.row.line.quantity,
            currency,
            commission.tier_from,
        )
    rate = rate_words.rate(story.rate, currency, commission.tier_from)
    full = formatting.amount(commission.uncapped_minor, currency)
    return _("%(rate)s is %(full)s; the most that the programme pays cut it.", rate=rate, full=full)


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
