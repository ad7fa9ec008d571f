"""The partner directory: customers of the marketing software choose who helps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from examples.shop import membership, sales
from examples.shop.catalogue import PARTNERS
from examples.shop.settings import DIRECTORY
from examples.shop.views.people import customers_only, visitor
from examples.shop.wiring import the_shop

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

pages = Blueprint("partners", __name__, url_prefix="/partners")


@pages.get("/")
def directory() -> str:
    """All partners."""
    return render_template(
        "partners.html",
        partners=list(PARTNERS.values()),
        chosen=_chosen(),
        public=f"{the_shop().settings.refledger_url}/framed/{DIRECTORY}/programs/{DIRECTORY}/partners",
    )


@pages.get("/directory")
@customers_only
def open_directory() -> str | Response | tuple[str, int]:
    """Opens the directory with the customer known there, as a page or (``?frame=1``) in this shop's own page."""
    customer, frame = visitor(), request.args.get("frame") == "1"
    if customer is None:
        abort(404)
    url = membership.directory(the_shop().clients[DIRECTORY], customer["number"], frame=frame)
    if url is not None:
        return redirect(url)
    if frame:
        return render_template("unreachable.html"), 503
    flash("The directory cannot be reached right now. Please try again in a minute.")
    return redirect(url_for("partners.directory"))


@pages.post("/<code>/choose")
@customers_only
def choose(code: str) -> Response:
    """Makes this partner the customer's first contact."""
    customer = visitor()
    if code not in PARTNERS or customer is None:
        abort(404)
    sales.choose_partner(the_shop().store, customer["id"], code)
    the_shop().sender.wake()
    flash(f"{PARTNERS[code].name} is now your partner.")
    return redirect(url_for("partners.directory"))


@pages.post("/end")
@customers_only
def end() -> Response:
    """Ends the partnership."""
    customer = visitor()
    if customer is None:
        abort(404)
    sales.end_partner(the_shop().store, customer["id"])
    the_shop().sender.wake()
    flash("You have no partner any more.")
    return redirect(url_for("partners.directory"))


def _chosen() -> str | None:
    customer = visitor()
    if customer is None:
        return None
    return membership.partner_of(the_shop().clients[DIRECTORY], customer["number"])
