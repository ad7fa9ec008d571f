"""The merchant's desk: refunds, and what has not reached Refledger yet. Open to all, as this is a demo."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for

from examples.shop import sales
from examples.shop.wiring import the_shop

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

pages = Blueprint("desk", __name__, url_prefix="/desk")
SHOWN = 50


@pages.get("/")
def overview() -> str:
    """The latest order lines and the outbox."""
    store = the_shop().store
    lines = store.rows(
        "SELECT order_lines.*, orders.number, orders.status, customers.number AS customer FROM order_lines"
        " JOIN orders ON orders.id = order_id JOIN customers ON customers.id = customer_id"
        " ORDER BY order_id DESC, line_id LIMIT ?",
        SHOWN,
    )
    messages = store.rows("SELECT * FROM outbox ORDER BY id DESC LIMIT ?", SHOWN)
    plays = the_shop().settings.house is not None
    return render_template("desk.html", lines=lines, messages=messages, plays_months=plays)


@pages.post("/orders/<number>/lines/<line_id>/refund")
def refund(number: str, line_id: str) -> Response:
    """Pays back part of a line."""
    try:
        sales.refund_line(the_shop().store, number, line_id, _cents(request.form.get("amount", "")))
        flash(f"Refunded from order {number}.")
    except sales.Refused as refused:
        flash(str(refused))
    the_shop().sender.wake()
    return redirect(url_for("desk.overview"))


def _cents(text: str) -> int:
    """`"12,50"` as 1250; raises `Refused` for anything that is not an amount in euros and cents."""
    try:
        amount = Decimal(text.replace(",", "."))
    except InvalidOperation as error:
        raise sales.Refused("This is not an amount.") from error
    if not amount.is_finite() or amount * 100 != int(amount * 100):
        raise sales.Refused("An amount has at most two decimals.")
    return int(amount * 100)
