"""The pages that ask before something is said of a file, or a payout, of which nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Fact
from app.dashboard.i18n import _
from app.dashboard.presenters.staff.runs import ReasonPage, month_of

if TYPE_CHECKING:
    from app.payouts.models import Payout, PayoutFile, PayoutRun
    from app.referrals.models import Referrer

Asked: TypeAlias = ReasonPage


def losing(run: PayoutRun, file: PayoutFile) -> Asked:
    """Before a file's outcome counts as unknown."""
    return _page(
        run,
        title=_("Nobody knows whether the bank has this file"),
        text=_(
            "Say so when an upload ended without an answer. Its payouts become “unknown”: nothing of them is sent "
            "again and their money stays reserved, until the bank's answers or a person say what became of them."
        ),
        button=_("Mark the outcome as unknown"),
        facts=_file_facts(run, file),
    )


def dismissing(run: PayoutRun, file: PayoutFile) -> Asked:
    """Before the money of a lost file is given back."""
    return _page(
        run,
        title=_("The bank never got this file"),
        text=_(
            "Only after the bank has confirmed it: the money of its unknown payouts becomes available again and is "
            "paid by a later run, in new payouts. If the bank has the file after all, everybody in it is paid twice."
        ),
        button=_("Give the money back"),
        facts=_file_facts(run, file),
    )


def deciding(run: PayoutRun, payout: Payout, referrer: Referrer) -> Asked:
    """Before a person says what became of a payout."""
    return _page(
        run,
        title=_("What became of the payout to %(name)s", name=referrer.name),
        text=_(
            "Ask the bank first. Said to be paid, it is settled; said not to be paid, its money becomes available "
            "again and a later run pays it anew."
        ),
        button=_("Write it down"),
        facts=(
            Fact(_("Amount"), Cell(formatting.amount(payout.amount_minor, payout.currency))),
            Fact(_("Reference"), Cell(payout.end_to_end_id, code=True)),
        ),
    )


def _page(run: PayoutRun, *, title: str, text: str, button: str, facts: tuple[Fact, ...]) -> Asked:
    return ReasonPage(
        title=title,
        text=text,
        back=url_for("staff.run", name=run.name),
        run=_("Payout for %(month)s", month=month_of(run)),
        button=button,
        facts=facts,
    )


def _file_facts(run: PayoutRun, file: PayoutFile) -> tuple[Fact, ...]:
    return (
        Fact(_("File"), Cell(file.name, code=True)),
        Fact(_("Payments"), Cell(formatting.number(file.payment_count))),
        Fact(_("Sum"), Cell(formatting.amount(file.control_sum_minor, run.currency))),
    )
