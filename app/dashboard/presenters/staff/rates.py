"""The rate table, and the orders that wait for an exchange rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Status, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters import rate_words
from app.kernel.clock import BEGINNING
from app.referrals.domain.exchange import exchange_day
from app.referrals.words import CommissionKind, RateScope

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from app.referrals.domain.rates import Rate
    from app.referrals.models import Order, Program, Referrer
    from app.referrals.queries.rate_table import DatedRate, Level, RateTable


def holding_table(table: RateTable, program: Program) -> Table:
    """What each product pays of a customer who comes and pays at that instant."""
    currency = program.currency
    rows = [
        (
            Cell(product.name, sub=product.sku)
            if product
            else Cell(_("Every other product"), sub=_("programme-wide")),
            Cell(rate_words.rate(rate, currency)),
            Cell(rate_words.rate_terms(rate, currency)),
            Cell(_level_of(rate)),
        )
        for product, rate in table.holds
    ]
    bonus = table.bonus
    rows.append(
        (
            Cell(_("Sign-up bonus")),
            Cell(rate_words.rate(bonus, currency)),
            Cell(rate_words.bonus_terms(bonus)),
            Cell(_level_of(bonus)),
        )
    )
    return Table(
        title=_("What held then"),
        note=_(
            "For a customer who came and paid at that moment. Those who came earlier keep what held for them."
        ),
        id="holds",
        columns=(
            Column(_("Product")),
            Column(_("Commission rate"), numeric=True),
            Column(_("Applies to")),
            Column(_("Set for")),
        ),
        rows=tuple(rows),
        empty=Empty("", ""),
    )


def _level_of(rate: Rate | None) -> str:
    if rate is None:
        return ""
    match rate.referrer_id is not None, rate.product_id is not None:
        case True, True:
            return _("this referrer and product")
        case True, False:
            return _("this referrer")
        case False, True:
            return _("this product")
        case _:
            return _("the programme")


def timeline_tables(
    table: RateTable, program: Program, referrer: Referrer | None, at: datetime
) -> tuple[Table, ...]:
    """The versions of each level, newest first."""
    return tuple(
        Table(
            title=_level_name(level, referrer),
            id=f"level-{number}",
            columns=(
                Column(_("Commission rate"), numeric=True),
                Column(_("Applies to")),
                Column(_("From")),
                Column(_("Until")),
                Column(_("For")),
                Column(_("Set by")),
            ),
            rows=tuple(_version(each, program, at) for each in reversed(level.versions)),
            empty=Empty("", ""),
        )
        for number, level in enumerate(table.levels)
    )


def _level_name(level: Level, referrer: Referrer | None) -> str:
    if level.product:
        name = level.product.name
    else:
        name = _("Sign-up bonus") if level.pays is CommissionKind.BONUS else _("Every other product")
    if level.own and referrer:
        return _("%(product)s, for %(name)s", product=name, name=referrer.name)
    return name


def _version(version: DatedRate, program: Program, at: datetime) -> tuple[Cell, ...]:
    rate, zone = version.rate, program.timezone
    begun = rate.valid_from == BEGINNING
    since = _("the beginning") if begun else formatting.instant(rate.valid_from, zone)
    status = Status(_("in force"), Tone.DONE) if version.is_in_force(at) else None
    return (
        Cell(rate_words.rate(rate, program.currency), status=status),
        Cell(rate_words.rate_terms(rate, program.currency)),
        Cell(since),
        Cell(formatting.instant(version.until, zone) if version.until else ""),
        Cell(_("new customers") if rate.scope is RateScope.NEW_CUSTOMERS else _("every order")),
        Cell(version.set_by),
    )


def waiting_table(orders: Iterable[Order], program: Program) -> Table:
    """The paid orders in other currencies whose day's exchange rate is not imported."""
    return Table(
        title=_("Orders that wait for an exchange rate"),
        id="waiting",
        columns=(
            Column(_("Order"), sorts_by="order"),
            Column(_("Currency")),
            Column(_("Customer paid on")),
            Column(_("Waits for the rate of")),
        ),
        rows=tuple(_waiting(order, program) for order in orders),
        empty=Empty(
            _("No order waits"),
            _("Orders in other currencies stand here until the exchange rate of their day is imported."),
        ),
    )


def _waiting(order: Order, program: Program) -> tuple[Cell, ...]:
    paid_at = order.paid_at
    return (
        Cell(order.order_id, href=url_for("staff.order", order_id=order.id)),
        Cell(order.currency),
        Cell(formatting.instant(paid_at, program.timezone) if paid_at else ""),
        Cell(formatting.day(exchange_day(paid_at, program.timezone)) if paid_at else ""),
    )
