"""The way from a click to the bank, step by step: what happened, what is still to come and when, what stopped it.

The pages of a commission, an order, a payout and of "why not?" all tell it with these steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Step, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.kernel.target_days import target_day_from
from app.payouts.domain.calendar import Period
from app.payouts.domain.state import PayoutState
from app.payouts.words import BlockedReason, OmissionReason
from app.referrals.words import HoldRule, HoldState, OrderStatus, RefundKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from app.dashboard.presenters.next_payout import Calendar
    from app.dashboard.presenters.paid_by import PaidBy, Share
    from app.payouts.models import Payout, PayoutRun
    from app.referrals.models import Program
    from app.referrals.words import BindingMethod


class GivenBack(Protocol):
    """A refund, chargeback or reversal: a row or its explanation."""

    @property
    def kind(self) -> RefundKind:
        """Who took the money back, or gave it again."""

    @property
    def refunded_at(self) -> datetime:
        """When."""


class Check(Protocol):
    """A review and how it ended: a row or its explanation."""

    @property
    def rule(self) -> HoldRule:
        """What it was opened by."""

    @property
    def state(self) -> HoldState:
        """How it stands."""

    @property
    def opened_at(self) -> datetime:
        """Since when."""

    @property
    def closed_at(self) -> datetime | None:
        """Until when; nothing while it is open."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What gave the customer to the reader, and the signup or order at which that was decided."""

    kind: str
    value: str
    at: datetime | None
    occasion: str
    occasion_at: datetime


@dataclass(frozen=True, slots=True)
class Outlook:
    """What decides when money that no payout has taken yet reaches the bank."""

    calendar: Calendar
    minimum_minor: int
    hindrance: OmissionReason | None
    usable_on: date | None
    """From when on the bank account may be paid to: a new one rests for some days."""


def origin(candidates: Iterable[Mapping[str, Any]], occasion: str, occasion_at: datetime) -> Origin | None:
    """The candidate that won, of those that are the reader's."""
    for each in candidates:
        if each["lost"] is None:
            at = datetime.fromisoformat(each["at"]) if each["at"] else None
            return Origin(each["kind"], each["value"], at, occasion, occasion_at)
    return None


def beginning(came: Origin | None, bound: tuple[BindingMethod, datetime] | None, zone: str) -> Iterator[Step]:
    """How the customer came and whose it became."""
    if came is not None:
        title = {
            "click": _("The customer followed your link"),
            "coupon": _("The customer used your coupon %(coupon)s", coupon=came.value),
            "lead": _("You registered the customer as a lead"),
        }.get(came.kind, _("The customer typed your code"))
        yield Step(title, Tone.DONE, formatting.instant(came.at or came.occasion_at, zone))
        if came.occasion == "signup":
            yield Step(_("The customer registered"), Tone.DONE, formatting.instant(came.occasion_at, zone))
    if bound is not None:
        method, since = bound
        text = _("Attributed %(method)s.", method=words.method(method))
        if came is not None and came.occasion_at > since:
            counts = _("Orders count from %(when)s on.", when=formatting.instant(since, zone))
            text = f"{text} {counts}"
        at = max(since, came.occasion_at) if came else since
        yield Step(_("The customer belongs to you"), Tone.DONE, formatting.instant(at, zone), text)


def ordered(
    status: OrderStatus,
    placed_at: datetime,
    closed_at: datetime | None,
    amount: str,
    zone: str,
) -> Iterator[Step]:
    """The order and its payment; ``closed_at`` is when it was paid or cancelled."""
    yield Step(_("The customer ordered"), Tone.DONE, formatting.instant(placed_at, zone))
    when = formatting.instant(closed_at, zone) if closed_at else ""
    match status:
        case OrderStatus.PAID:
            yield Step(_("The customer paid"), Tone.DONE, when, _("%(amount)s without VAT.", amount=amount))
        case OrderStatus.CANCELLED:
            yield Step(_("The order was cancelled"), Tone.STOP, when, words.outcome("cancelled"))
        case OrderStatus.PENDING:
            yield Step(
                _("The customer pays"),
                Tone.WAIT,
                "",
                _("Then your commission is reckoned and its hold period begins."),
                ahead=True,
            )


def meanwhile(refunds: Iterable[GivenBack], holds: Iterable[Check], zone: str) -> list[Step]:
    """What happened to the commission after the payment: money given back and reviews, in the order of time."""
    found: list[tuple[datetime, Step]] = []
    for refund in refunds:
        again = refund.kind is RefundKind.CHARGEBACK_REVERSAL
        step = Step(
            words.refund_kind(refund.kind),
            Tone.DONE if again else Tone.STOP,
            formatting.instant(refund.refunded_at, zone),
            _("Your commission follows what the customer paid in the end."),
        )
        found.append((refund.refunded_at, step))
    for hold in {(each.rule, each.state, each.opened_at, each.closed_at): each for each in holds}.values():
        found.extend(_checked(hold, zone))
    return [step for _at, step in sorted(found, key=itemgetter(0))]


def taken_back(shares: Sequence[Share], currency: str) -> Iterator[Step]:
    """What is left of a commission that was reckoned higher, apart from what a review rejected."""
    taken = sum(share.target - share.earned for share in shares if not share.rejected)
    if taken:
        left = formatting.amount(sum(share.target for share in shares), currency)
        yield Step(
            _("Commission taken back"),
            Tone.STOP,
            text=_("%(amount)s remains.", amount=left),
            amount=formatting.signed(taken, currency),
        )


def _checked(hold: Check, zone: str) -> Iterator[tuple[datetime, Step]]:
    why = words.hold_rule_for_referrer(hold.rule)
    yield hold.opened_at, Step(_("Under review"), Tone.HELD, formatting.instant(hold.opened_at, zone), why)
    if hold.closed_at is None or hold.state is HoldState.OPEN:
        return
    when = formatting.instant(hold.closed_at, zone)
    if hold.state is HoldState.RELEASED:
        yield hold.closed_at, Step(_("Released after the check"), Tone.DONE, when)
        return
    own = hold.rule in {HoldRule.SELF_REFERRAL_EMAIL, HoldRule.SELF_REFERRAL_IBAN}
    text = _("Nothing is paid for it. If you see it differently, contest it below.")
    if own:
        text = " ".join((_("Orders of your own earn no commission."), text))
    yield hold.closed_at, Step(_("Rejected after the check"), Tone.STOP, when, text)


def to_the_bank(
    shares: Sequence[Share], payouts: Sequence[PaidBy], outlook: Outlook, program: Program
) -> Iterator[Step]:
    """From the hold period to the bank; nothing where nothing is left to pay."""
    today = outlook.calendar.today
    live = [share for share in shares if share.target and not share.rejected]
    if not live:
        return
    until = max(share.available_on for share in live)
    if until > today:
        text = _("Until then the customer's payment can still be reversed.")
        yield Step(_("Hold period ends"), Tone.WAIT, formatting.day(until), text, ahead=True)
    else:
        yield Step(_("Hold period over"), Tone.DONE, formatting.day(until))
    seen: set[int] = set()
    for share in live:
        for paid in share.taken_by(payouts):
            if paid.payout.id not in seen:
                seen.add(paid.payout.id)
                yield from _in_a_payout(paid, program)
    waits = [share for share in live if share.paid_with(payouts) is None]
    if waits and not any(share.held for share in live):
        yield from _ahead(max(share.available_on for share in waits), outlook, program.currency)


def _ahead(available_on: date, outlook: Outlook, currency: str) -> Iterator[Step]:
    """The run that will take the money, and the bank's day, as far as they are known."""
    calendar = outlook.calendar
    period = max(Period.of(available_on), calendar.first_period)
    while outlook.usable_on and calendar.runs_on(period) < outlook.usable_on:
        period = period.next()
    title = _("Comes with the payout for %(month)s", month=formatting.month(period.first_day))
    match outlook.hindrance:
        case OmissionReason.SUSPENDED:
            text = _("Payouts wait while your participation is suspended.")
        case OmissionReason.NO_BANK_ACCOUNT:
            text = _("Payouts wait until a bank account is on file.")
        case OmissionReason.ACCOUNT_BLOCKED:
            text = _("Payouts wait for another bank account: this one is blocked.")
        case _:
            text = ""
    if outlook.hindrance:
        yield Step(title, Tone.HELD, "", text, ahead=True)
        return
    if outlook.minimum_minor:
        least = formatting.amount(outlook.minimum_minor, currency)
        text = _("Payouts start at %(minimum)s; less is carried forward to the next one.", minimum=least)
    runs_on = calendar.runs_on(period)
    yield Step(title, Tone.WAIT, formatting.day(runs_on), text, ahead=True)
    yield Step(_("The bank books it"), Tone.WAIT, formatting.day(target_day_from(runs_on)), ahead=True)


def _in_a_payout(paid: PaidBy, program: Program) -> Iterator[Step]:
    payout, run = paid.payout, paid.run
    first, *later = payout_steps(payout, run, program)
    whole = formatting.amount(payout.amount_minor, program.currency)
    yield replace(
        first,
        title=_("In the payout for %(month)s", month=formatting.month(Period.parse(run.period).first_day)),
        text=_("Part of your payout of %(amount)s.", amount=whole),
        amount="",
        href=url_for("home.payout", payout_id=payout.id),
    )
    yield from later


def payout_steps(payout: Payout, run: PayoutRun, program: Program) -> Iterator[Step]:
    """One payout, from its reservation to the bank's answer."""
    zone, amount = program.timezone, formatting.amount(payout.amount_minor, program.currency)

    def at(instant: datetime) -> str:
        return formatting.instant(instant, zone)

    yield Step(_("Reserved for this payout"), Tone.DONE, at(payout.created_at), "", amount)
    if payout.state is PayoutState.CANCELLED:
        text = _("The money is available again and comes with a later payout.")
        yield Step(_("Cancelled"), Tone.STOP, at(payout.changed_at), text)
        return
    if run.approved_at is not None:
        yield Step(_("Approved"), Tone.DONE, at(run.approved_at))
    if run.submitted_at is not None:
        yield Step(_("Handed to the bank"), Tone.DONE, at(run.submitted_at))
    else:
        yield Step(_("Goes to the bank"), Tone.WAIT, ahead=True)
    yield from _bank_said(payout, run, at)


def _bank_said(payout: Payout, run: PayoutRun, at: Callable[[datetime], str]) -> Iterator[Step]:
    again = _("The money is available again and comes with a later payout.")
    if payout.paid_on is not None:
        yield Step(_("Booked by the bank"), Tone.DONE, formatting.day(payout.paid_on))
    match payout.state:
        case PayoutState.REJECTED:
            text = f"{_reason(payout)} {again}".strip()
            yield Step(_("Refused by the bank"), Tone.STOP, at(payout.changed_at), text)
        case PayoutState.RETURNED:
            on = formatting.day(payout.returned_on) if payout.returned_on else at(payout.changed_at)
            yield Step(_("Sent back by the bank"), Tone.STOP, on, f"{_reason(payout)} {again}".strip())
        case PayoutState.UNKNOWN:
            text = _("We are finding out with the bank what became of it.")
            yield Step(words.payout_state(payout.state).word, Tone.HELD, at(payout.changed_at), text)
        case PayoutState.RESERVED | PayoutState.FILED | PayoutState.SUBMITTED:
            on = formatting.day(run.execution_on) if run.execution_on else ""
            tone = Tone.MOVE if payout.state is PayoutState.SUBMITTED else Tone.WAIT
            yield Step(_("The bank books it"), tone, on, ahead=True)
        case _:
            pass


def _reason(payout: Payout) -> str:
    if payout.reason_code in set(BlockedReason):
        said = words.blocked(BlockedReason(payout.reason_code))
        return " ".join((said, _("Please enter another bank account.")))
    return ""
