"""The account that pays, and the numbers by which the books are handed on, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Table
from app.dashboard.forms.handing_on import ACCOUNT_WORDS
from app.dashboard.i18n import _
from app.dashboard.presenters.staff.programs import debtor
from app.finance.words import ACCOUNTS

if TYPE_CHECKING:
    from app.finance.settings import Bookkeeping
    from app.referrals.models import Program


def payment_facts(program: Program) -> tuple[Fact, ...]:
    """How payouts are paid now."""
    return (
        Fact(_("Paid from"), Cell(debtor(program))),
        Fact(_("Kind of file"), Cell(program.rail.upper())),
        Fact(_("Instant payments"), Cell(formatting.yes_no(program.instant))),
    )


def book_facts(kept: Bookkeeping) -> tuple[Fact, ...]:
    """The numbers that the tax adviser knows."""
    return (
        Fact(_("Chart of accounts"), Cell(kept.chart.value.upper())),
        Fact(_("Tax adviser's number"), Cell(str(kept.adviser or formatting.DASH))),
        Fact(_("Client's number"), Cell(str(kept.client or formatting.DASH))),
        Fact(_("Month in which the financial year begins"), Cell(str(kept.year_begins))),
    )


def account_table(kept: Bookkeeping) -> Table:
    """Every ledger account with its number, and the chart's where it differs."""
    chart = ACCOUNTS[kept.chart]
    return Table(
        title=_("Account numbers in force"),
        id="accounts",
        columns=(
            Column(_("Account")),
            Column(_("Number"), numeric=True),
            Column(_("Of the chart"), numeric=True),
        ),
        rows=tuple(
            (Cell(str(words)), Cell(kept.accounts[name], code=True), Cell(chart[name], code=True))
            for name, words in ACCOUNT_WORDS.items()
        ),
        empty=Empty("", ""),
    )
