"""A referrer's payouts: the list, and the way of one from the ledger to the bank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Figure, ListPage, NavItem, Table, WhyPage
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.dashboard.presenters.home import opening_figure
from app.dashboard.presenters.journey import payout_steps
from app.payouts.domain.calendar import Period
from app.payouts.domain.state import PayoutState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.ledger.balances import Balance
    from app.payouts.models import Payout, PayoutRun
    from app.referrals.models import Program


def list_page(
    rows: Sequence[tuple[Payout, PayoutRun]],
    money: Balance,
    opening: int,
    program: Program,
    *,
    more_href: str | None,
) -> ListPage:
    """Every payout, newest first, with what was paid in all."""
    return ListPage(
        title=_("Payouts"),
        text=_("Once a month, everything that is available goes to your bank account."),
        figures=(
            Figure(
                _("Paid in all"),
                formatting.amount(money.paid, program.currency),
                href=url_for("home.statements"),
            ),
            Figure(_("In flight"), formatting.amount(money.in_flight, program.currency)),
            Figure(
                _("Available"),
                formatting.amount(money.available, program.currency),
                href=url_for("home.commissions"),
            ),
            *opening_figure(opening, program.currency),
        ),
        table=Table(
            title=_("Payouts"),
            show_title=False,
            id="payouts",
            folds=True,
            columns=(
                Column(_("Month"), fold=False),
                Column(_("Amount"), numeric=True, fold=False),
                Column(_("Bank day")),
                Column(_("State"), fold=False),
            ),
            rows=tuple(_row(payout, run, program) for payout, run in rows),
            more_href=more_href,
            empty=Empty(
                _("No payout yet"),
                _(
                    "As soon as enough is available it is paid on the programme's payout day, and stands here."
                ),
            ),
        ),
    )


def _row(payout: Payout, run: PayoutRun, program: Program) -> tuple[Cell, ...]:
    day = payout.paid_on or run.execution_on
    return (
        Cell(formatting.month(Period.parse(run.period).first_day)),
        Cell(
            formatting.amount(payout.amount_minor, program.currency),
            href=url_for("home.payout", payout_id=payout.id),
            sub=_vat(payout),
        ),
        Cell(formatting.short_day(day) if day else formatting.DASH),
        Cell(status=words.payout_state(payout.state)),
    )


def _vat(payout: Payout) -> str:
    """What of a payout is VAT; nothing where none is."""
    if not payout.vat_minor:
        return ""
    return f"{_('VAT in it')}: {formatting.amount(payout.vat_minor, payout.currency)}"


def why_payout(payout: Payout, run: PayoutRun, program: Program) -> WhyPage:
    """One payout: what happened to it and what comes next."""
    amount = formatting.amount(payout.amount_minor, program.currency)
    month = formatting.month(Period.parse(run.period).first_day)
    # Every movement of that month, to the cent.
    statement = url_for("home.statement", period=run.period, program=program.slug)
    facts = [
        Fact(_("Amount"), Cell(amount, sub=_vat(payout))),
        Fact(_("For"), Cell(month, href=statement)),
        Fact(_("Reference on your bank statement"), Cell(payout.end_to_end_id, code=True)),
    ]
    if run.execution_on:
        facts.append(Fact(_("Bank day"), Cell(formatting.day(run.execution_on))))
    if payout.reason_code:
        facts.append(Fact(_("The bank's reason"), Cell(payout.reason_code, code=True)))
    return WhyPage(
        title=_("Payout for %(month)s", month=month),
        sentence=_sentence(payout, run, amount),
        status=words.payout_state(payout.state),
        steps=tuple(payout_steps(payout, run, program)),
        facts=tuple(facts),
        back=NavItem(_("All payouts"), url_for("home.payouts")),
        heading=_("What happened"),
    )


def _sentence(payout: Payout, run: PayoutRun, amount: str) -> str:
    match payout.state:
        case PayoutState.PAID:
            day = formatting.day(payout.paid_on) if payout.paid_on else ""
            return _("The bank booked %(amount)s on %(day)s.", amount=amount, day=day)
        case PayoutState.REJECTED | PayoutState.RETURNED:
            return _("%(amount)s came back and is available again for the next payout.", amount=amount)
        case PayoutState.CANCELLED:
            return _("This payout was cancelled; %(amount)s is available again.", amount=amount)
        case PayoutState.UNKNOWN:
            return _("We are finding out with the bank what became of %(amount)s.", amount=amount)
        case _:
            if run.execution_on is None:
                return _("%(amount)s is being prepared for your bank account.", amount=amount)
            return _(
                "%(amount)s is on its way; the bank books it on %(day)s.",
                amount=amount,
                day=formatting.day(run.execution_on),
            )
