"""Who is visiting: sign up, log in, log out."""

from __future__ import annotations

import re
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for

from examples.shop import referral, sales
from examples.shop.wiring import the_shop

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from werkzeug.wrappers import Response

pages = Blueprint("people", __name__)
P = ParamSpec("P")
R = TypeVar("R")
SHORTEST_PASSWORD = 8
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def visitor() -> sqlite3.Row | None:
    """The customer who is logged in, or None."""
    if "visitor" not in g:
        customer_id = session.get("customer")
        g.visitor = (
            the_shop().store.row("SELECT * FROM customers WHERE id = ?", customer_id) if customer_id else None
        )
    row: sqlite3.Row | None = g.visitor
    return row


def customers_only(view: Callable[P, R]) -> Callable[P, R | Response]:
    """Sends visitors without a login to the login page first."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        if visitor() is None:
            return redirect(url_for("people.log_in", back=request.path))
        return view(*args, **kwargs)

    return guarded


def page_context() -> dict[str, Any]:
    """What the layout shows on every page."""
    return {"visitor": visitor(), "basket_count": sum(session.get("basket", {}).values())}


@pages.route("/signup", methods=["GET", "POST"])
def sign_up() -> str | Response | tuple[str, int]:
    """Makes an account, together with whatever says who recommended the shop."""
    if request.method == "GET":
        return render_template("signup.html", form={}, error=None)
    form = {name: request.form.get(name, "").strip() for name in ("name", "email", "coupon", "referrer_code")}
    password = request.form.get("password", "")
    error = _fault(form["name"], form["email"], password)
    if error is None:
        try:
            customer = sales.NewCustomer(**form, password=password, clicks=referral.clicks())
            return _enter(sales.sign_up(the_shop().store, customer))
        except sales.Refused as refused:
            error = str(refused)
    return render_template("signup.html", form=form, error=error), 422


def _fault(name: str, email: str, password: str) -> str | None:
    if not name:
        return "Please tell us your name."
    if not _EMAIL.fullmatch(email):
        return "This is not an e-mail address."
    if len(password) < SHORTEST_PASSWORD:
        return f"A password needs at least {SHORTEST_PASSWORD} characters."
    return None


@pages.route("/login", methods=["GET", "POST"])
def log_in() -> str | Response | tuple[str, int]:
    """Opens the customer area."""
    if request.method == "GET":
        return render_template("login.html", error=None)
    try:
        return _enter(
            sales.log_in(the_shop().store, request.form.get("email", ""), request.form.get("password", ""))
        )
    except sales.Refused as refused:
        return render_template("login.html", error=str(refused)), 422


def _enter(customer_id: int) -> Response:
    basket = session.get("basket", {})
    session.clear()
    session["customer"], session["basket"] = customer_id, basket
    the_shop().sender.wake()
    flash("Welcome.")
    wanted = request.values.get("back", "")
    inside = wanted.startswith(("/account", "/basket", "/partners")) and "\\" not in wanted
    return redirect(
        wanted if inside else url_for("purchase.basket") if basket else url_for("account.overview")
    )


@pages.post("/logout")
def log_out() -> Response:
    """Closes the customer area; the basket stays."""
    session.pop("customer", None)
    return redirect(url_for("front.home"))
