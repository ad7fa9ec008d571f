"""The orders of a referrer's customers: the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, ListPage, NavItem, Table
from app.dashboard.i18n import _
from app.dashboard.presenters import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.referrals.models import OrderLine, Product, Program
    from app.referrals.queries.dashboard import OrderRow


def list_page(rows: Sequence[OrderRow], program: Program, *, more_href: str | None) -> ListPage:
    """Every order, newest first."""
    return ListPage(
        title=_("Orders"),
        text=_("Everything that your customers ordered, also what earns nothing, with the reason."),
        link=NavItem(_("You miss an order or a click? Ask why."), url_for("home.why")),
        table=Table(
            title=_("Orders"),
            show_title=False,
            id="orders",
            folds=True,
            columns=(
                Column(_("Ordered on"), fold=False),
                Column(_("Yours"), numeric=True, fold=False),
                Column(_("Products")),
                Column(_("State"), fold=False),
            ),
            rows=tuple(_row(row, program) for row in rows),
            more_href=more_href,
            empty=Empty(
                _("No orders yet"),
                _("Orders of customers who came by your link stand here as soon as they are placed."),
            ),
        ),
    )


def _row(row: OrderRow, program: Program) -> tuple[Cell, ...]:
    total = sum(commission.target_minor for _line, _product, commission in row.lines if commission)
    return (
        Cell(formatting.short_day(formatting.local(row.order.placed_at, program.timezone))),
        Cell(formatting.amount(total, program.currency), href=url_for("home.order", order_id=row.order.id)),
        Cell(", ".join(_name(line, product) for line, product, _commission in row.lines)),
        Cell(status=words.order_status(row.order.status)),
    )


def _name(line: OrderLine, product: Product | None) -> str:
    return product.name if product else line.sku
