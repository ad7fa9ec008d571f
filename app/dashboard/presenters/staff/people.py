"""Referrers as staff see them, the review list, and the audit trail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Figure, Status, Table
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.dashboard.presenters.bank_account import masked
from app.dashboard.presenters.home import opening_figure
from app.referrals.words import ReferrerStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.identity.models import AuditEvent
    from app.ledger.balances import Balance
    from app.payouts.models import PayoutDestination
    from app.referrals.models import Program, Referrer


@dataclass(frozen=True, slots=True)
class ReferrerPage:
    """One referrer."""

    name: str
    code: str
    status: Status
    figures: tuple[Figure, ...]
    facts: tuple[Fact, ...]
    rates: tuple[str, ...]
    orders: Table
    payouts: Table
    can_suspend: bool
    can_reinstate: bool
    correct_href: str | None = None
    """Where name and address are corrected; ``None`` where there is nobody, or somebody else has to."""
    write_off_href: str | None = None
    """Where a debt is forgiven; ``None`` where nothing is owed, or somebody else has to."""
    merge_href: str | None = None
    """Where two who are one person are merged; ``None`` where somebody else has to, or there is nothing to merge."""


def referrer_table(rows: Sequence[tuple[Referrer, Balance]], program: Program) -> Table:
    """Referrers with their money."""
    return Table(
        title=_("Referrers"),
        show_title=False,
        id="referrers",
        columns=(
            Column(_("Name"), sorts_by="name"),
            Column(_("Code"), sorts_by="code"),
            Column(_("State")),
            Column(_("Joined"), sorts_by="joined"),
            Column(_("Earned"), numeric=True),
            Column(_("Pending"), numeric=True),
            Column(_("Available"), numeric=True),
            Column(_("Paid"), numeric=True),
        ),
        rows=tuple(
            (
                Cell(row.name, href=url_for("staff.referrer", code=row.code), wraps=True),
                Cell(row.code, code=True),
                Cell(status=words.referrer_status(row.status)),
                Cell(formatting.short_day(formatting.local(row.joined_at, program.timezone))),
                Cell(formatting.amount(money.earned, program.currency)),
                Cell(formatting.amount(money.pending, program.currency)),
                Cell(formatting.amount(money.available, program.currency)),
                Cell(formatting.amount(money.paid, program.currency)),
            )
            for row, money in rows
        ),
        empty=Empty(
            _("No referrers yet"), _("Share the address of the programme page; whoever joins stands here.")
        ),
    )


def figures(money: Balance, opening: int) -> tuple[Figure, ...]:
    """All figures of one referrer; they add up."""
    currency = money.currency
    return (
        Figure(_("Earned"), formatting.amount(money.earned, currency), _("before refunds")),
        Figure(_("Taken back"), formatting.amount(money.clawed_back, currency)),
        Figure(_("Pending"), formatting.amount(money.pending, currency)),
        Figure(_("Available"), formatting.amount(money.available, currency)),
        Figure(_("Under review"), formatting.amount(money.held, currency)),
        Figure(_("In flight"), formatting.amount(money.in_flight, currency)),
        Figure(_("Paid"), formatting.amount(money.paid, currency)),
        *opening_figure(opening, currency),
    )


def referrer_facts(
    referrer: Referrer,
    program: Program,
    account: PayoutDestination | None,
    shared_with: Sequence[str],
    survivor: Referrer | None = None,
) -> tuple[Fact, ...]:
    """Who it is and where money goes; the IBAN masked, and who else of the programme has the same one."""
    bank = _("none on file")
    if account is not None:
        bank = f"{account.holder}, {masked(account)}"
        if account.blocked_reason is not None:
            bank += f" ({words.blocked(account.blocked_reason)})"
    return (
        Fact(_("E-mail address"), Cell(referrer.email)),
        Fact(_("Joined"), Cell(formatting.instant(referrer.joined_at, program.timezone))),
        Fact(_("Terms accepted"), Cell(referrer.terms_version or _("by the merchant's system"))),
        Fact(_("Bank account"), Cell(bank)),
        *((_merged_into(survivor),) if survivor else ()),
        *((Fact(_("The same account as"), Cell(", ".join(shared_with), code=True)),) if shared_with else ()),
    )


def _merged_into(survivor: Referrer) -> Fact:
    href = url_for("staff.referrer", code=survivor.code)
    return Fact(_("Merged into"), Cell(survivor.name, href=href, sub=survivor.code))


def may_suspend(referrer: Referrer) -> bool:
    """Whether there is something to suspend."""
    return referrer.status is ReferrerStatus.ACTIVE


def may_reinstate(referrer: Referrer) -> bool:
    """Whether there is something to undo."""
    return referrer.status is ReferrerStatus.SUSPENDED


def audit_table(rows: Sequence[tuple[AuditEvent, str]], timezone: str) -> Table:
    """Who did what."""
    return Table(
        title=_("Audit trail"),
        show_title=False,
        id="audit",
        columns=(
            Column(_("When"), sorts_by="when"),
            Column(_("Who")),
            Column(_("What")),
            Column(_("To what")),
            Column(_("Details")),
        ),
        rows=tuple(
            (
                Cell(formatting.instant(event.at, timezone)),
                Cell(who),
                Cell(event.action, code=True),
                Cell(event.subject, wraps=True),
                Cell(details(event.details), wraps=True),
            )
            for event, who in rows
        ),
        empty=Empty(
            _("Nothing yet"), _("Every change of a rate, a status, a bank account or a run is kept here.")
        ),
    )


def details(given: Mapping[str, object]) -> str:
    """The facts of a change, as short as they are kept: "rate: 10%, scope: all"."""
    return ", ".join(f"{key}: {_plain(value)}" for key, value in given.items())


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
