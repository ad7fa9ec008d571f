"""The customer area: orders, bank account, partner programme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from stdnum import iban
from stdnum.exceptions import ValidationError

from examples.shop import membership, sales
from examples.shop.settings import DIRECTORY, HOSTING
from examples.shop.views.people import customers_only, visitor
from examples.shop.wiring import the_shop

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

pages = Blueprint("account", __name__, url_prefix="/account")
PROGRAMMES = {HOSTING: "Partner programme", DIRECTORY: "Partner directory"}


@pages.get("/")
@customers_only
def overview() -> str:
    """The customer's orders."""
    orders = the_shop().store.rows(
        "SELECT orders.*, SUM(net_minor) AS total_minor FROM orders JOIN order_lines ON order_id = orders.id"
        " WHERE customer_id = ? GROUP BY orders.id ORDER BY orders.id DESC",
        _customer_id(),
    )
    return render_template("account.html", orders=orders)


@pages.route("/bank", methods=["GET", "POST"])
@customers_only
def bank() -> str | Response | tuple[str, int]:
    """The bank account from which the customer pays by direct debit."""
    if request.method == "GET":
        return render_template("bank.html", error=None)
    try:
        number = str(iban.validate(request.form.get("iban", "")))
    except ValidationError:
        return render_template("bank.html", error="This is not a valid IBAN. Please check it."), 422
    with the_shop().store.transaction() as connection:
        connection.execute("UPDATE customers SET iban = ? WHERE id = ?", (number, _customer_id()))
    flash("Your bank account is on file.")
    return redirect(url_for("account.programme", programme=HOSTING))


@pages.get("/partner-programme", defaults={"programme": HOSTING})
@pages.get("/partner-programme/<programme>")
@customers_only
def programme(programme: str) -> str:
    """What each product pays, and the button that joins; for a member the URL and the balance."""
    if programme not in PROGRAMMES:
        abort(404)
    shop = the_shop()
    page = membership.programme_page(shop.store, shop.clients[programme], programme, _customer_id())
    return render_template(
        "programme.html",
        page=page,
        programme=programme,
        title=PROGRAMMES[programme],
        refledger=shop.settings.refledger_url,
    )


@pages.post("/partner-programme/<programme>/join")
@customers_only
def join(programme: str) -> Response:
    """Joins the programme with the known bank account."""
    if programme not in PROGRAMMES:
        abort(404)
    shop = the_shop()
    try:
        membership.join(shop.store, shop.clients[programme], programme, _customer_id())
        flash("Welcome to the programme. Your link is ready.")
    except sales.Refused as refused:
        flash(str(refused))
    return redirect(url_for("account.programme", programme=programme))


@pages.get("/partner-programme/<programme>/dashboard")
@customers_only
def dashboard(programme: str) -> str | Response | tuple[str, int]:
    """Opens the member's dashboard signed in, as a page or (``?frame=1``) in this shop's own page."""
    if programme not in PROGRAMMES:
        abort(404)
    shop, frame = the_shop(), request.args.get("frame") == "1"
    row = membership.membership_of(shop.store, programme, _customer_id())
    if row is None:
        abort(404)
    url = membership.dashboard(shop.clients[programme], row["code"], frame=frame)
    if url is not None:
        return redirect(url)
    if frame:
        return render_template("unreachable.html"), 503
    flash("Your dashboard cannot be reached right now. Please try again in a minute.")
    return redirect(url_for("account.programme", programme=programme))


@pages.get("/rewarded/<programme>")
@customers_only
def rewarded(programme: str) -> Response:
    """Sends the customer to the page that says who is rewarded for them, and what that person sees."""
    customer = visitor()
    if programme not in PROGRAMMES or customer is None:
        abort(404)
    url = membership.partner_page(the_shop().clients[programme], customer["number"])
    if url is None:
        flash("This page cannot be reached right now. Please try again in a minute.")
        return redirect(url_for("account.overview"))
    return redirect(url)


def _customer_id() -> int:
    row = visitor()
    if row is None:
        abort(401)
    return int(row["id"])
