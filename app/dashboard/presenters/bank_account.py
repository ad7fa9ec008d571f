"""A bank account as it may be shown: its last four characters and when it can be paid to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.components import Cell, Empty, Fact, Status, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.payouts.destinations import COOLING_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from app.kernel.errors import InvalidInput
    from app.payouts.models import PayoutDestination
    from app.referrals.models import Program


@dataclass(frozen=True, slots=True)
class BankPage:
    """The page of the bank account."""

    facts: tuple[Fact, ...]
    notices: tuple[Status, ...]
    empty: Empty
    form_title: str
    change_note: str


def masked(destination: PayoutDestination) -> str:
    """What may be shown of an IBAN: the country and the last four characters."""
    return f"{destination.country}\u2022\u2022 \u2022\u2022\u2022\u2022 {destination.last4}"


def bank_page(versions: Sequence[PayoutDestination], today: date, program: Program) -> BankPage:
    """The newest version and what it means for payouts."""
    current = versions[0] if versions else None
    return BankPage(
        facts=_facts(current, program) if current else (),
        notices=_notices(current, today) if current else (),
        empty=Empty(
            _("No bank account yet"), _("Fill in the form. The first account can be paid to at once.")
        ),
        form_title=_("Change the bank account") if current else _("Add a bank account"),
        change_note=_(
            "We announce the change by mail. A changed account is paid to after %(days)s; a payout before that waits.",
            days=formatting.days(COOLING_DAYS),
        )
        if current
        else _("Your first account can be paid to at once."),
    )


def _facts(current: PayoutDestination, program: Program) -> tuple[Fact, ...]:
    return (
        Fact(_("Account holder"), Cell(current.holder)),
        Fact(_("IBAN"), Cell(masked(current), code=True)),
        Fact(
            _("On file since"), Cell(formatting.day(formatting.local(current.created_at, program.timezone)))
        ),
        Fact(_("Can be paid to from"), Cell(formatting.day(current.usable_on))),
    )


def _notices(current: PayoutDestination, today: date) -> tuple[Status, ...]:
    if current.blocked_reason is not None:
        return (
            Status(words.blocked(current.blocked_reason) + " " + _("Please enter another one."), Tone.STOP),
        )
    if current.usable_on > today:
        day = formatting.day(current.usable_on)
        return (
            Status(_("A changed account rests for safety; it is used from %(day)s on.", day=day), Tone.WAIT),
        )
    return (Status(_("Payouts go to this account."), Tone.DONE),)


def refusal(error: InvalidInput) -> str:
    """Why an account was not taken, in the reader's language."""
    match error.pointer:
        case "/iban":
            return _("This is not a valid IBAN. Please check every digit.")
        case "/bic":
            return _("This is not a valid BIC (8 or 11 characters). It may be left out.")
        case "/holder":
            return _("Banks cannot write this name. Please use letters.")
        case _:
            return _("Banks cannot write this. Please check it.")
