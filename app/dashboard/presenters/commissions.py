"""The referrer's commissions: the state of each, and the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, ListPage, NavItem, Status, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters.paid_by import Share
from app.payouts.domain.state import PayoutState
from app.referrals.words import CommissionKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from app.dashboard.presenters.paid_by import PaidBy
    from app.referrals.models import Program
    from app.referrals.queries.dashboard import CommissionRow


def commission_state(row: CommissionRow, payouts: Sequence[PaidBy], today: date) -> Status:
    """Where this commission's money stands, in one word."""
    commission = row.commission
    if commission.rejected:
        return Status(_("rejected"), Tone.STOP)
    if commission.held_minor:
        return Status(_("under review"), Tone.HELD)
    if commission.target_minor == 0:
        return (
            Status(_("taken back"), Tone.STOP) if commission.earned_minor else Status(_("nothing"), Tone.CALM)
        )
    if commission.available_on > today:
        return Status(_("pending"), Tone.WAIT)
    paid = Share.of(commission, row.posted_at).paid_with(payouts)
    if paid is None:
        return Status(_("available"), Tone.DONE)
    if paid.payout.state is PayoutState.PAID:
        return Status(_("paid out"), Tone.DONE)
    return Status(_("in flight"), Tone.MOVE)


def product_name(row: CommissionRow) -> str:
    """What it was earned with."""
    if row.commission.kind is CommissionKind.BONUS:
        return _("Sign-up bonus")
    return row.product.name if row.product else row.line.sku


def commission_table(
    rows: Sequence[CommissionRow],
    program: Program,
    payouts: Sequence[PaidBy],
    today: date,
    *,
    more_href: str | None,
    title: str = "",
    inline: bool = True,
    export_href: str | None = None,
) -> Table:
    """The list of commissions; every amount leads to its why-page."""
    return Table(
        title=title or _("Commissions"),
        show_title=bool(title),
        inline=inline,
        id="commissions",
        folds=True,
        columns=(
            Column(_("Product"), fold=False),
            Column(_("Amount"), numeric=True, fold=False),
            Column(_("Customer paid on")),
            Column(_("State"), fold=False),
            Column(_("Payable from")),
        ),
        rows=tuple(_row(row, program, payouts, today) for row in rows),
        more_href=more_href,
        export_href=export_href if rows else None,
        empty=Empty(
            _("No commissions yet"),
            _(
                "Share your link. As soon as a new customer has paid for a participating product, it stands here."
            ),
        ),
    )


def list_page(table: Table) -> ListPage:
    """The page of all commissions."""
    return ListPage(
        title=_("Commissions"),
        text=_("What your customers' paid orders earn you. Every amount leads to its explanation."),
        link=NavItem(_("You miss an order or a click? Ask why."), url_for("home.why")),
        table=table,
    )


def _row(row: CommissionRow, program: Program, payouts: Sequence[PaidBy], today: date) -> tuple[Cell, ...]:
    commission = row.commission
    return (
        Cell(product_name(row)),
        Cell(
            formatting.amount(commission.target_minor, program.currency),
            href=url_for("home.commission", commission_id=commission.id),
        ),
        Cell(formatting.short_day(formatting.local(commission.paid_at, program.timezone))),
        Cell(status=commission_state(row, payouts, today)),
        Cell(formatting.short_day(commission.available_on)),
    )


def pseudonym(customer_id: int) -> str:
    """What a referrer calls a customer: the same customer always the same, and nobody's name."""
    return f"C-{customer_id:05d}"
