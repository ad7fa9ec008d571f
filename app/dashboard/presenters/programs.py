"""A programme as the public sees it: rates, steps, terms in figures, and the terms that one accepts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import force_locale

from app.dashboard import formatting
from app.dashboard.components import Cell, Empty, Fact, Rate, Step, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.dashboard.presenters.earn import rates

if TYPE_CHECKING:
    from app.referrals.queries.programs_shown import ShownProgram


@dataclass(frozen=True, slots=True)
class ProgramPage:
    """A programme in words."""

    name: str
    slug: str
    summary: str
    href: str
    join_href: str | None
    rates: tuple[Rate, ...]
    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]
    terms: tuple[str, ...]


def no_programs() -> Empty:
    """The front page before there is a programme."""
    return Empty(
        _("No programme yet"), _("As soon as the merchant has set one up, it stands here with its rates.")
    )


def _summary(shown: ShownProgram) -> str:
    minimum = formatting.amount(shown.program.minimum_payout_minor, shown.program.currency)
    day = shown.program.payout_day
    if shown.program.minimum_payout_minor == 0:
        return _("Paid once a month, on day %(day)s, without a minimum.", day=day)
    return _("Paid once a month, on day %(day)s, from %(minimum)s.", day=day, minimum=minimum)


def program_card(shown: ShownProgram) -> ProgramPage:
    """The short form, on the front page."""
    return program_page(shown)


def program_page(shown: ShownProgram) -> ProgramPage:
    """The long form."""
    program = shown.program
    join = url_for("accounts.join", program=program.slug) if program.joinable else None
    return ProgramPage(
        name=program.name,
        slug=program.slug,
        summary=_summary(shown),
        href=url_for("public.program", slug=program.slug),
        join_href=join,
        rates=rates(shown),
        steps=_steps(shown),
        facts=_facts(shown),
        terms=terms_text(shown),
    )


def _steps(shown: ShownProgram) -> tuple[Step, ...]:
    terms = shown.terms
    return (
        Step(_("You share your link"), Tone.MOVE, text=_("In a mail, on your site, printed as a QR code.")),
        Step(
            _("Someone follows it and signs up"),
            Tone.MOVE,
            text=_("Within %(window)s of the click.", window=formatting.days(terms.window_days)),
        ),
        Step(
            _("They order and pay"), Tone.MOVE, text=_("Only paid orders count, without VAT and discounts.")
        ),
        Step(
            _("Your commission waits for the hold period"),
            Tone.WAIT,
            text=_("%(hold)s, in case the payment is reversed.", hold=formatting.days(terms.hold_days))
            if terms.hold_days
            else _("There is none: it is payable at once."),
        ),
        Step(
            _("It is transferred to your bank account"),
            Tone.DONE,
            text=_("Once a month, on day %(day)s.", day=shown.program.payout_day),
        ),
    )


def _facts(shown: ShownProgram) -> tuple[Fact, ...]:
    program, terms = shown.program, shown.terms
    return (
        Fact(_("From click to signup"), Cell(formatting.days(terms.window_days))),
        Fact(_("If several links were followed"), Cell(words.attribution(terms.attribution))),
        Fact(_("Hold period"), Cell(formatting.days(terms.hold_days))),
        *(
            Fact(
                _("Hold period for %(method)s", method=method.replace("_", " ")), Cell(formatting.days(days))
            )
            for method, days in sorted(terms.hold_days_by_method.items())
        ),
        Fact(_("Minimum payout"), Cell(formatting.amount(program.minimum_payout_minor, program.currency))),
        Fact(_("Payout day"), Cell(_("day %(day)s of each month", day=program.payout_day))),
    )


def terms_text(shown: ShownProgram) -> tuple[str, ...]:
    """The terms that a referrer accepts, sentence by sentence."""
    terms, program = shown.terms, shown.program
    return (
        _(
            "Taking part is free and without obligation. You can stop at any time; what you have earned is still paid."
        ),
        _(
            "You earn on what customers brought by you have paid, without VAT, shipping and discounts, at the rates "
            "shown for each product."
        ),
        _(
            "A customer counts as brought by you when they sign up within %(window)s of following your link, or by "
            "your coupon or code.",
            window=formatting.days(terms.window_days),
        ),
        _(
            "A commission is payable %(hold)s after the customer has paid; by direct debit it can take longer.",
            hold=formatting.days(terms.hold_days),
        ),
        _("If the customer gets money back, your commission shrinks in the same proportion."),
        _("Your own orders earn no commission."),
        _(
            "Payouts are made once a month to your bank account from %(minimum)s on; less is carried forward.",
            minimum=formatting.amount(program.minimum_payout_minor, program.currency),
        ),
        _(
            "Rates can change for new customers; customers who came before keep theirs unless you are told otherwise."
        ),
    )


def terms_version(shown: ShownProgram) -> str:
    """Names the text that was accepted: equal text, equal name, whatever language it was read in."""
    with force_locale("en"):
        text = "\n".join(terms_text(shown))
    return "t-" + hashlib.sha256(text.encode()).hexdigest()[:16]
