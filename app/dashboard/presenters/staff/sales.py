"""Commissions and customers, as staff compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Table
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.referrals.words import CommissionKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.dashboard.listings.sales import CommissionOnList
    from app.referrals.models import Program
    from app.referrals.queries.lists import ListedCustomer


def commission_table(rows: Sequence[CommissionOnList], program: Program) -> Table:
    """Commissions with the payout that has each; every one leads to its order, which explains it."""
    return Table(
        title=_("Commissions"),
        show_title=False,
        id="commissions",
        columns=(
            Column(_("Order")),
            Column(_("Product")),
            Column(_("Referrer")),
            Column(_("Customer paid on"), sorts_by="paid"),
            Column(_("State")),
            Column(_("Payable from")),
            Column(_("Amount"), numeric=True, sorts_by="amount"),
            Column(_("Payout")),
        ),
        rows=tuple(_commission(row, program) for row in rows),
        empty=Empty(
            _("No commissions yet"),
            _("As soon as the customer of a referrer has paid for a participating product, it stands here."),
        ),
    )


def _commission(row: CommissionOnList, program: Program) -> tuple[Cell, ...]:
    listed, one = row.listed, row.listed.commission
    bonus = one.kind is CommissionKind.BONUS
    product = listed.product.name if listed.product else listed.line.sku
    return (
        Cell(listed.order.order_id, href=url_for("staff.order", order_id=listed.order.id)),
        Cell(_("Sign-up bonus") if bonus else product),
        Cell(listed.referrer.name, href=url_for("staff.referrer", code=listed.referrer.code), wraps=True),
        Cell(formatting.short_day(formatting.local(one.paid_at, program.timezone))),
        Cell(status=words.commission_state(row.state)),
        Cell(formatting.short_day(one.available_on)),
        Cell(formatting.amount(one.target_minor, program.currency)),
        Cell(row.payout[1].name, href=url_for("staff.run", name=row.payout[1].name), code=True)
        if row.payout
        else Cell(formatting.DASH),
    )


def customer_table(rows: Sequence[ListedCustomer], program: Program) -> Table:
    """Customers with whom each belongs to now."""
    return Table(
        title=_("Customers"),
        show_title=False,
        id="customers",
        columns=(
            Column(_("Customer"), sorts_by="customer"),
            Column(_("First seen"), sorts_by="seen"),
            Column(_("Belongs to")),
            Column(_("How")),
            Column(_("Since")),
            Column(_("Orders"), numeric=True),
        ),
        rows=tuple(_customer(row, program) for row in rows),
        empty=Empty(
            _("No customers yet"),
            _("As soon as the shop reports a signup or an order by the API, its customer stands here."),
        ),
    )


def _customer(row: ListedCustomer, program: Program) -> tuple[Cell, ...]:
    customer, binding, referrer, zone = row.customer, row.binding, row.referrer, program.timezone
    seen = customer.first_seen_at
    return (
        Cell(customer.customer_id, href=url_for("staff.customer", customer_id=customer.id), code=True),
        Cell(formatting.instant(seen, zone) if seen else formatting.DASH),
        Cell(referrer.name, href=url_for("staff.referrer", code=referrer.code), wraps=True)
        if referrer
        else Cell(_("nobody")),
        Cell(words.method(binding.method) if binding else formatting.DASH),
        Cell(formatting.instant(binding.from_at, zone) if binding else formatting.DASH),
        Cell(formatting.number(row.orders)),
    )
