"""The next payout: the sentence in money, and the card that says how much, when, and what waits for what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flask import url_for
from markupsafe import Markup

from app.dashboard import formatting
from app.dashboard.components import Cell, Fact, Status, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters.bank_account import masked
from app.payouts.domain.state import PayoutState
from app.payouts.words import OmissionReason
from app.referrals.words import ReferrerStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from app.dashboard.presenters.next_payout import Calendar, NextPayout
    from app.dashboard.presenters.paid_by import PaidBy
    from app.ledger.balances import Holdings
    from app.payouts.models import PayoutDestination
    from app.referrals.models import Program, Referrer
    from app.referrals.queries.programs_shown import ShownProgram

OPEN: Final = frozenset({PayoutState.RESERVED, PayoutState.FILED, PayoutState.SUBMITTED, PayoutState.UNKNOWN})
"""Payouts whose money the bank has neither booked nor given back."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides what a referrer is paid next."""

    program: Program
    referrer: Referrer
    holdings: Holdings
    payouts: Sequence[PaidBy]
    destination: PayoutDestination | None
    due: NextPayout | None
    calendar: Calendar

    @property
    def hindrance(self) -> OmissionReason | None:
        """Why a run would pass this referrer over, whatever there is to pay."""
        return hindrance(self.referrer, self.destination)

    def amount(self, minor: int) -> str:
        """Money of this programme, written."""
        return formatting.amount(minor, self.program.currency)


def hindrance(referrer: Referrer, destination: PayoutDestination | None) -> OmissionReason | None:
    """Why a run would pass a referrer over who has this bank account on file."""
    if referrer.status is ReferrerStatus.SUSPENDED:
        return OmissionReason.SUSPENDED
    if destination is None:
        return OmissionReason.NO_BANK_ACCOUNT
    return None if destination.blocked_at is None else OmissionReason.ACCOUNT_BLOCKED


@dataclass(frozen=True, slots=True)
class PayoutCard:
    """How much comes, when and where to; and what waits, each with its reason."""

    facts: tuple[Fact, ...]
    waits: tuple[Status, ...]


def sentence(case: Situation) -> Markup:
    """The one sentence in money."""
    balance, due = case.holdings.balance, case.due
    flying = [paid for paid in case.payouts if paid.payout.state in OPEN]
    if flying:
        amount = case.amount(sum(paid.payout.amount_minor for paid in flying))
        on = flying[-1].run.execution_on
        if on is not None:
            return _strong(
                _("%(amount)s is on its way to you, booked by the bank from %(day)s on."), amount, on
            )
        return _strong(_("%(amount)s is being prepared for your bank account."), amount, None)
    if due is not None:
        amount = case.amount(due.amount_minor)
        match case.hindrance:
            case None:
                return _strong(_("You receive %(amount)s on %(day)s."), amount, due.on)
            case OmissionReason.SUSPENDED:
                return _strong(_("%(amount)s waits while your participation is suspended."), amount, None)
            case _:
                return _strong(_("%(amount)s waits for a bank account that it can be paid to."), amount, None)
    if balance.available < 0:
        amount = case.amount(-balance.available)
        return _strong(
            _("%(amount)s was taken back and is settled with your next commissions."), amount, None
        )
    if balance.pending + balance.available > 0:
        amount = case.amount(balance.pending + balance.available)
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


def payout_card(case: Situation, shown: ShownProgram) -> PayoutCard:
    """The card of one membership."""
    return PayoutCard(tuple(_facts(case, shown)), tuple(_waits(case)))


def _facts(case: Situation, shown: ShownProgram) -> list[Fact]:
    due, account = case.due, case.destination
    comes = due is not None and case.hindrance is None
    facts = [Fact(_("Amount"), Cell(case.amount(due.amount_minor) if due and comes else _("nothing yet")))]
    if due and comes:
        until = formatting.day(due.period.last_day)
        facts.append(
            Fact(
                _("At your bank on"),
                Cell(formatting.day(due.on), sub=_("for what is payable until %(day)s", day=until)),
            )
        )
    if account is not None:
        facts.append(Fact(_("To your account"), Cell(masked(account), href=url_for("home.bank_account"))))
    if case.referrer.status is ReferrerStatus.ACTIVE:
        facts.append(_sale_of_today(case, shown))
    return facts


def _sale_of_today(case: Situation, shown: ShownProgram) -> Fact:
    """When the money for an order that is paid today reaches the bank."""
    terms, today = shown.terms, case.calendar.today
    days = terms.hold_days
    notes = [
        _("after a hold period of %(days)s", days=formatting.days(days)) if days else _("no hold period")
    ]
    if case.program.minimum_payout_minor:
        minimum = case.amount(case.program.minimum_payout_minor)
        notes.append(_("once %(minimum)s or more is payable", minimum=minimum))
    on = case.calendar.bank_day(today + timedelta(days=days))
    return Fact(_("A sale of today"), Cell(formatting.day(on), sub="; ".join(notes)))


def _waits(case: Situation) -> list[Status]:
    """What does not come with the next payout, and what it waits for."""
    balance, due = case.holdings.balance, case.due
    waits: list[Status] = []
    match case.hindrance:
        case OmissionReason.SUSPENDED:
            waits.append(Status(_("Payouts wait while your participation is suspended."), Tone.STOP))
        case OmissionReason.NO_BANK_ACCOUNT:
            waits.append(Status(_("Payouts wait until a bank account is on file."), Tone.STOP))
        case OmissionReason.ACCOUNT_BLOCKED:
            waits.append(Status(_("Payouts wait for another bank account: this one is blocked."), Tone.STOP))
        case _:
            pass
    rests = [
        bucket
        for bucket in case.holdings.buckets
        if bucket.available_on > (due.period.last_day if due else case.calendar.today)
    ]
    if rests and (due is not None or balance.pending):
        total = sum(bucket.amount_minor for bucket in rests)
        waits.append(
            Status(
                _(
                    "%(amount)s is in its hold period, the last of it until %(day)s.",
                    amount=case.amount(total),
                    day=formatting.day(max(bucket.available_on for bucket in rests)),
                ),
                Tone.WAIT,
            )
        )
    minimum = case.program.minimum_payout_minor
    if due is None and 0 < balance.available < minimum:
        waits.append(
            Status(
                _(
                    "%(amount)s is available. Payouts start at %(minimum)s; until then it is carried forward.",
                    amount=case.amount(balance.available),
                    minimum=case.amount(minimum),
                ),
                Tone.WAIT,
            )
        )
    if balance.held:
        waits.append(Status(_("%(amount)s is under review.", amount=case.amount(balance.held)), Tone.HELD))
    return waits
