"""The orders of a referrer's customers: what each line earned, and if nothing, why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, ListPage, NavItem, Status, Table
from app.dashboard.i18n import _
from app.dashboard.presenters import sentences, words
from app.dashboard.presenters.commissions import pseudonym

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.referrals.models import Order, OrderLine, Product, Program
    from app.referrals.queries.dashboard import OrderRow
    from app.referrals.queries.explanation import ExplainedLine, Explanation


@dataclass(frozen=True, slots=True)
class OrderPage:
    """The page of one order, as its referrer sees it."""

    title: str
    status: Status
    lines: Table
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    back: NavItem


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


def why_order(told: Explanation, order: Order, referrer: str, program: Program) -> OrderPage:
    """One order, line by line; ``referrer`` is the reader's code."""
    facts = [
        Fact(_("Customer"), Cell(pseudonym(order.customer_id), code=True)),
        Fact(_("Ordered"), Cell(formatting.instant(order.placed_at, program.timezone))),
    ]
    if order.paid_at is not None:
        facts.append(
            Fact(_("Paid by the customer"), Cell(formatting.instant(order.paid_at, program.timezone)))
        )
    return OrderPage(
        title=_("Order of %(day)s", day=formatting.day(formatting.local(order.placed_at, program.timezone))),
        status=words.order_status(order.status),
        lines=Table(
            title=_("What each product earned"),
            id="lines",
            folds=True,
            columns=(
                Column(_("Product"), fold=False),
                Column(_("Yours"), numeric=True, fold=False),
                Column(_("Customer paid, without VAT"), numeric=True),
                Column(_("State"), fold=False),
            ),
            rows=tuple(_line(line, referrer, program, order.currency) for line in told.lines),
            empty=Empty(_("No lines"), _("The merchant sent this order without lines.")),
        ),
        sentences=tuple(sentences.of_line(line, referrer, program, told.paid_at) for line in told.lines),
        facts=tuple(facts),
        back=NavItem(_("All orders"), url_for("home.orders")),
    )


def _line(line: ExplainedLine, referrer: str, program: Program, currency: str) -> tuple[Cell, ...]:
    mine = [each for each in line.commissions if each.referrer == referrer]
    return (
        Cell(line.name or line.product),
        Cell(
            formatting.amount(sum(each.target for each in mine), program.currency),
            href=url_for("home.commission", commission_id=mine[0].id) if mine else None,
        ),
        Cell(formatting.amount(line.net, currency)),
        Cell(status=words.outcome_status(line.outcome)),
    )
