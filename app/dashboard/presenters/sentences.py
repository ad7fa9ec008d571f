"""Why, in plain sentences: whose customer it is, how the sum came about, when it is paid. The one place that says it.

What is said to a referrer names nobody else: not the customer, not another referrer, not what a check looked at.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.dashboard import formatting
from app.dashboard.components import Paragraph
from app.dashboard.i18n import _, ngettext
from app.dashboard.presenters import rate_words, words
from app.dashboard.presenters.tier_words import tier_sentences
from app.kernel.clock import local_day
from app.payouts.domain.state import PayoutState
from app.referrals.domain.calculation import hold_period, rounding
from app.referrals.domain.commission import Outcome
from app.referrals.rate_parts import amount_at
from app.referrals.words import AttributionModel, BindingMethod, CommissionKind, HoldState, RateKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from app.dashboard.presenters.paid_by import PaidBy
    from app.referrals.domain.rates import Rate
    from app.referrals.models import Decision, Hold, Program, RateVersion, Refund
    from app.referrals.queries.dashboard import CommissionStory
    from app.referrals.queries.explanation import ExplainedLine


def of_commission(
    story: CommissionStory,
    labels: Mapping[str, str],
    payouts: Sequence[PaidBy],
    program: Program,
    today: date,
) -> tuple[Paragraph, ...]:
    """Everything about one commission. ``payouts`` are those that took it along, oldest first."""
    return (
        Paragraph(_("Whose customer it is"), tuple(_whose(story, labels, program.timezone))),
        Paragraph(_("How much"), tuple(_how_much(story, program))),
        Paragraph(_("When"), tuple(_when(story, payouts, program, today))),
    )


def _whose(story: CommissionStory, labels: Mapping[str, str], zone: str) -> Iterator[str]:
    decision, mine = story.decision, story.row.commission.referrer_id
    if decision is None:
        return
    for candidate in decision.candidates:
        if candidate["referrer_id"] == mine and candidate["lost"] is None:
            yield _spoke_for_you(candidate, zone)
            yield from _label(labels.get(candidate["value"]))
    if not decision.candidates:
        yield _decided_otherwise(decision, zone)
    yield from _rule(decision.rule)
    for candidate in decision.candidates:
        if candidate["referrer_id"] == mine and candidate["lost"] is not None:
            yield own_candidate_lost(candidate, zone)


def _spoke_for_you(candidate: Mapping[str, Any], zone: str) -> str:
    when = _instant(candidate["at"], zone)
    match candidate["kind"]:
        case "click":
            return _("The customer followed your link on %(when)s and registered afterwards.", when=when)
        case "coupon":
            return _("The customer used your coupon %(coupon)s.", coupon=candidate["value"])
        case "lead":
            return _("You had registered the customer as a lead on %(when)s.", when=when)
        case _:
            return _("The customer typed your code when registering.")


def _label(label: str | None) -> Iterator[str]:
    if label is not None and label != "counted":
        yield _(
            "This click is not in your count of clicks (%(label)s); the customer is yours all the same.",
            label=words.click_label(label),
        )


def _decided_otherwise(decision: Decision, zone: str) -> str:
    when = formatting.instant(decision.occasion_at, zone)
    if decision.method is BindingMethod.STAFF:
        return _(
            "Staff of the programme decided that the customer belongs to you from %(when)s on.", when=when
        )
    return _("The customer chose you as partner on %(when)s.", when=when)


def _rule(rule: str) -> Iterator[str]:
    """What "last_click/1 window 30d" means."""
    name, _slash, rest = rule.partition("/")
    version, _window, days = rest.partition(" window ")
    if name in set(AttributionModel) and days:
        yield _(
            "The rule: %(model)s, if it is less than %(days)s old at the registration (rule version %(version)s).",
            model=words.attribution(AttributionModel(name)),
            days=formatting.days(int(days.rstrip("d"))),
            version=version,
        )


def own_candidate_lost(candidate: Mapping[str, Any], zone: str) -> str:
    """Why something that spoke for the reader did not count; says nothing of who did."""
    reason = words.lost(candidate["lost"])
    when = _instant(candidate["at"], zone)
    match candidate["kind"]:
        case "click":
            return _("Your click of %(when)s did not count. %(reason)s", when=when, reason=reason)
        case "coupon":
            return _(
                "Your coupon %(coupon)s did not count. %(reason)s", coupon=candidate["value"], reason=reason
            )
        case "lead":
            return _("Your lead of %(when)s did not count. %(reason)s", when=when, reason=reason)
        case _:
            return _("Your code did not count. %(reason)s", reason=reason)


def _how_much(story: CommissionStory, program: Program) -> Iterator[str]:
    commission, line, rate, currency = story.row.commission, story.row.line, story.rate, program.currency
    if commission.kind is CommissionKind.BONUS:
        amount = formatting.amount(commission.earned_minor, currency)
        yield _("A sign-up bonus of %(amount)s, for the first order that the customer paid.", amount=amount)
        return
    tier = commission.tier_from
    if story.tier is not None:
        paid_on = local_day(commission.paid_at, program.timezone)
        yield from tier_sentences(rate, story.tier, tier, currency, paid_on)
    if commission.uncapped_minor is None:
        yield sum_of(rate, commission.base_minor, commission.earned_minor, line.quantity, currency, tier)
    else:
        yield sum_of(rate, commission.base_minor, commission.uncapped_minor, line.quantity, currency, tier)
        capped = formatting.amount(commission.earned_minor, currency)
        yield _("The rate has a cap, which leaves %(amount)s.", amount=capped)
    yield _where_from(rate, program.timezone)
    yield from _given_back(story.refunds, line.line_id, story.row.order.currency, program.timezone)
    if commission.rejected:
        yield _("After a check it was rejected, so nothing is left of it.")
    elif commission.target_minor != commission.earned_minor:
        left, target = commission.base_minor - line.refunded_minor, commission.target_minor
        # What was given back of an order of another currency is in that one.
        plain = formatting.amount(target, currency)
        foreign = story.row.order.exchange is not None
        sum_ = plain if foreign else sum_of(rate, left, target, line.quantity, currency, tier)
        yield _("What is left: %(sum)s", sum=sum_)


def sum_of(
    rate: RateVersion | Rate,
    base: int,
    came_to: int,
    quantity: int,
    currency: str,
    tier_from: int | None = None,
) -> str:
    """A line's sum: rate (of its tier), base, what it is exactly, and what it was rounded to."""
    pays = rate_words.rate(rate, currency, tier_from)
    amount, paid = formatting.amount(came_to, currency), formatting.amount(base, currency)
    if rate.kind is RateKind.FLAT:
        return ngettext(
            "%(rate)s for %(num)s piece, never more than the customer paid (%(paid)s), is %(amount)s.",
            "%(rate)s for each of %(num)s pieces, never more than the customer paid (%(paid)s), is %(amount)s.",
            quantity,
            rate=pays,
            paid=paid,
            amount=amount,
        )
    shown = rounding(base, amount_at(rate, tier_from))
    if shown.rounded != came_to:
        return _("From %(paid)s that the customer paid it came to %(amount)s.", paid=paid, amount=amount)
    if shown.exact == came_to:
        return _("%(rate)s of %(paid)s is %(amount)s.", rate=pays, paid=paid, amount=amount)
    return _(
        "%(rate)s of %(paid)s is exactly %(exact)s, rounded half up once: %(amount)s.",
        rate=pays,
        paid=paid,
        exact=formatting.exact_amount(shown.exact, currency),
        amount=amount,
    )


def _where_from(rate: RateVersion | Rate, zone: str) -> str:
    """Which rate version it was: for whom, for what, since when."""
    match rate.referrer_id is not None, rate.product_id is not None:
        case True, True:
            level = _("This rate was agreed with you for this product")
        case True, False:
            level = _("This rate was agreed with you for all products")
        case False, True:
            level = _("This rate holds for this product")
        case _:
            level = _("This rate holds for the whole programme")
    if rate.valid_from.year <= 1970:  # noqa: PLR2004 - the first version holds from the beginning
        return _("%(level)s, from the beginning.", level=level)
    since = formatting.day(formatting.local(rate.valid_from, zone))
    return _("%(level)s, since %(day)s.", level=level, day=since)


def _given_back(refunds: Sequence[Refund], line_id: str, currency: str, zone: str) -> Iterator[str]:
    for refund in refunds:
        if not refund.full and line_id not in refund.lines:
            continue
        day = formatting.day(formatting.local(refund.refunded_at, zone))
        what = words.refund_kind(refund.kind)
        if refund.full:
            yield _("%(what)s on %(day)s, for the whole order.", what=what, day=day)
        else:
            amount = formatting.amount(refund.lines[line_id], currency)
            yield _("%(what)s on %(day)s: %(amount)s.", what=what, day=day, amount=amount)


def _when(story: CommissionStory, payouts: Sequence[PaidBy], program: Program, today: date) -> Iterator[str]:
    commission, zone = story.row.commission, program.timezone
    hold = hold_period(local_day(commission.paid_at, zone), commission.available_on)
    values = {
        "paid": formatting.day(hold.paid_on),
        "days": formatting.days(hold.days),
        "until": formatting.day(hold.until),
    }
    if hold.until > today:
        yield _("The customer paid on %(paid)s. The hold period is %(days)s and ends on %(until)s.", **values)
    else:
        yield _(
            "The customer paid on %(paid)s. The hold period was %(days)s and ended on %(until)s.", **values
        )
    for hold_row in story.holds:
        yield from _check(hold_row, zone)
    for paid in payouts:
        yield _payout(paid, program)


def _check(hold: Hold, zone: str) -> Iterator[str]:
    day = formatting.day(formatting.local(hold.opened_at, zone))
    yield _("Taken under review on %(day)s. %(why)s", day=day, why=words.hold_rule_for_referrer(hold.rule))
    if hold.closed_at is None or hold.state is HoldState.OPEN:
        return
    closed = formatting.day(formatting.local(hold.closed_at, zone))
    if hold.state is HoldState.RELEASED:
        yield _("Released on %(day)s.", day=closed)
    else:
        yield _("Rejected on %(day)s.", day=closed)


def _payout(paid: PaidBy, program: Program) -> str:
    payout = paid.payout
    values = {
        "amount": formatting.amount(payout.amount_minor, program.currency),
        "month": formatting.month(paid.run.until_on),
    }
    if payout.state is PayoutState.PAID and payout.paid_on:
        day = formatting.day(payout.paid_on)
        return _(
            "It went with your payout of %(amount)s for %(month)s; the bank booked it on %(day)s.",
            **values,
            day=day,
        )
    if payout.state is PayoutState.RETURNED and payout.returned_on:
        day = formatting.day(payout.returned_on)
        return _(
            "It went with your payout of %(amount)s for %(month)s; the receiving bank sent it back on %(day)s.",
            **values,
            day=day,
        )
    state = words.payout_state(payout.state).word
    return _("It is in your payout of %(amount)s for %(month)s: %(state)s.", **values, state=state)


def of_line(line: ExplainedLine, referrer: str, program: Program, paid_at: datetime | None) -> str:
    """One order line of the reader's customer: its sum, or why there is none."""
    name = line.name or line.product
    mine = (each for each in line.commissions if each.referrer == referrer)
    earned = next((each for each in mine if each.kind is CommissionKind.KICKBACK), None)
    if line.outcome is Outcome.EARNS and earned is not None:
        said = sum_of(
            earned.rate, earned.base, earned.earned, line.quantity, program.currency, earned.tier_from
        )
        if earned.target != earned.earned:
            left = formatting.amount(earned.target, program.currency)
            said = f"{said} {_('%(amount)s remains.', amount=left)}"
        if earned.tier is not None and paid_at is not None:
            paid_on = local_day(paid_at, program.timezone)
            tiers = tier_sentences(earned.rate, earned.tier, earned.tier_from, program.currency, paid_on)
            said = " ".join([said, *tiers])
        return _("%(product)s: %(sentence)s", product=name, sentence=said)
    said = words.outcome(line.outcome)
    if line.deciding is not None:
        said = f"{said} {_where_from(line.deciding, program.timezone)}"
    return _("%(product)s: %(sentence)s", product=name, sentence=said)


def _instant(at: str | None, zone: str) -> str:
    return formatting.instant(datetime.fromisoformat(at), zone) if at else ""
