"""Basket, order, payment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for

from examples.shop import sales
from examples.shop.catalogue import METHODS, PRODUCTS
from examples.shop.views.people import customers_only, visitor
from examples.shop.wiring import the_shop

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

pages = Blueprint("purchase", __name__)
MOST_PIECES = 20


@pages.post("/basket/add")
def add() -> Response:
    """Puts one piece more into the basket."""
    sku = request.form.get("sku", "")
    if sku not in PRODUCTS:
        abort(404)
    basket = dict(session.get("basket", {}))
    basket[sku] = min(basket.get(sku, 0) + 1, MOST_PIECES)
    session["basket"] = basket
    flash(f"{PRODUCTS[sku].name} is in your basket.")
    return redirect(url_for("purchase.basket"))


@pages.get("/basket")
def basket() -> str:
    """What is about to be ordered."""
    lines = [(PRODUCTS[sku], pieces) for sku, pieces in session.get("basket", {}).items() if sku in PRODUCTS]
    total = sum(product.price_minor * pieces for product, pieces in lines)
    return render_template("basket.html", lines=lines, total=total)


@pages.post("/basket/empty")
def empty() -> Response:
    """Takes everything out again."""
    session["basket"] = {}
    return redirect(url_for("front.home"))


@pages.post("/orders")
@customers_only
def place() -> Response:
    """Orders the basket."""
    try:
        number = sales.place_order(the_shop().store, _customer_id(), session.get("basket", {}))
    except sales.Refused as refused:
        flash(str(refused))
        return redirect(url_for("purchase.basket"))
    session["basket"] = {}
    the_shop().sender.wake()
    return redirect(url_for("purchase.order", number=number))


@pages.get("/orders/<number>")
@customers_only
def order(number: str) -> str:
    """One order of the customer's own."""
    store = the_shop().store
    row = store.row("SELECT * FROM orders WHERE number = ? AND customer_id = ?", number, _customer_id())
    if row is None:
        abort(404)
    lines = store.rows("SELECT * FROM order_lines WHERE order_id = ? ORDER BY line_id", row["id"])
    return render_template(
        "order.html", order=row, lines=lines, total=sum(line["net_minor"] for line in lines), methods=METHODS
    )


@pages.post("/orders/<number>/payment")
@customers_only
def pay(number: str) -> Response:
    """Plays the payment provider: the order is paid at once."""
    method = request.form.get("method", "")
    if method not in METHODS:
        abort(422)
    sales.pay(the_shop().store, _customer_id(), number, method)
    the_shop().sender.wake()
    flash("Thank you, your payment has arrived.")
    return redirect(url_for("purchase.order", number=number))


@pages.post("/orders/<number>/cancellation")
@customers_only
def cancel(number: str) -> Response:
    """Closes an unpaid order."""
    sales.cancel(the_shop().store, _customer_id(), number)
    the_shop().sender.wake()
    flash("The order is cancelled.")
    return redirect(url_for("purchase.order", number=number))


def _customer_id() -> int:
    row = visitor()
    if row is None:
        abort(401)
    return int(row["id"])
