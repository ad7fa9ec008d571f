"""A programme as the public sees it: rates, steps, terms in figures, and the terms that one accepts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import force_locale

from app.dashboard import formatting
from app.dashboard.components import Cell, Empty, Fact, Rate
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.dashboard.presenters.earn import rates
from app.referrals.words import AttributionModel

if TYPE_CHECKING:
    from app.referrals.queries.programs_shown import ShownProgram


@dataclass(frozen=True, slots=True)
class HowStep:
    """One of the steps from a link to money."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """What people ask, and the answer from the programme's own figures."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class ProgramPage:
    """A programme in words."""

    name: str
    slug: str
    summary: str
    href: str
    join_href: str | None
    rates: tuple[Rate, ...]
    steps: tuple[HowStep, ...]
    facts: tuple[Fact, ...]
    terms: tuple[str, ...]
    questions: tuple[Question, ...]


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
        questions=_questions(shown),
    )


def _steps(shown: ShownProgram) -> tuple[HowStep, ...]:
    """Three steps: what you do, what the customer does, what you receive."""
    program, terms = shown.program, shown.terms
    hold = formatting.days(terms.hold_days)
    return (
        HowStep(
            _("Share your link"),
            _("In a mail, on your site, or printed as a QR code. You have it as soon as you join."),
        ),
        HowStep(
            _("Someone orders and pays"),
            _(
                "Who signs up within %(window)s of following it counts as brought by you. You do not have to sell or "
                "support anything.",
                window=formatting.days(terms.window_days),
            ),
        ),
        HowStep(
            _("You are paid by bank transfer"),
            _(
                "On day %(day)s of each month, for everything that has waited %(hold)s since its payment.",
                day=program.payout_day,
                hold=hold,
            )
            if terms.hold_days
            else _("On day %(day)s of each month, for everything paid until then.", day=program.payout_day),
        ),
    )


def _questions(shown: ShownProgram) -> tuple[Question, ...]:
    program, terms = shown.program, shown.terms
    minimum = formatting.amount(program.minimum_payout_minor, program.currency)
    less = (
        _("Nothing is too little: there is no minimum.")
        if program.minimum_payout_minor == 0
        else _("Payouts begin at %(minimum)s. Less is carried forward to the next month.", minimum=minimum)
    )
    return (
        Question(
            _("When do I have the money?"),
            _(
                "A commission is payable %(hold)s after the customer has paid, and is transferred on the next payout "
                "day, day %(day)s of the month. Your pages say the date of each one.",
                hold=formatting.days(terms.hold_days),
                day=program.payout_day,
            )
            if terms.hold_days
            else _(
                "On the payout day after the customer has paid, day %(day)s of the month. Your pages say the date of "
                "each one.",
                day=program.payout_day,
            ),
        ),
        Question(_("What if it is only a little?"), less),
        Question(
            _("What if the customer gets their money back?"),
            _(
                "Your commission shrinks in the same proportion. If you have been paid already, the next payout is "
                "smaller by it."
            ),
        ),
        Question(
            _("What if they followed several links?"),
            _which(shown) + " " + _("A coupon or a code of yours counts before any link."),
        ),
        Question(
            _("What do I see of the customers?"),
            _(
                "Product, day and amount of each order, and a number in place of their name. They see that you are "
                "rewarded, and can end it."
            ),
        ),
        Question(_("Do my own orders count?"), _("No. They earn no commission.")),
        Question(
            _("What does it cost, and how do I stop?"),
            _("It is free. You can stop on any day; what you have earned by then is still paid."),
        ),
    )


def _which(shown: ShownProgram) -> str:
    if shown.terms.attribution is AttributionModel.FIRST_CLICK:
        return _("The first link that they followed counts.")
    return _("The last link that they followed counts.")


def _facts(shown: ShownProgram) -> tuple[Fact, ...]:
    program, terms = shown.program, shown.terms
    return (
        Fact(_("From click to signup"), Cell(formatting.days(terms.window_days))),
        Fact(_("If several links were followed"), Cell(words.attribution(terms.attribution))),
        Fact(_("Hold period"), Cell(formatting.days(terms.hold_days) if terms.hold_days else _("none"))),
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
        )
        if terms.hold_days
        else _("A commission is payable once the customer has paid; by direct debit it can take longer."),
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
