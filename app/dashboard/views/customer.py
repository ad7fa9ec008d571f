"""The page that a shop's customer opens from the shop: who is rewarded for them, and the end of it. No login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, url_for

from app.dashboard.i18n import _
from app.dashboard.presenters import partner_page as presenter
from app.kernel import clock
from app.privacy.partner_links import PartnerLinkRefused
from app.privacy.partner_page import end_partnership, partnership
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

customer = Blueprint("customer", __name__)


@customer.get("/partner/<token>")
def partner(token: str) -> ResponseReturnValue:
    """Who is rewarded, and what they see."""
    now = clock.now()
    try:
        found = partnership(session(), services().partner_links.read(token, now), now)
    except PartnerLinkRefused:
        return render_template("customer/partner.html", page=None), 410
    return render_template("customer/partner.html", page=presenter.partner_page(found), token=token)


@customer.post("/partner/<token>/end")
def end_partner(token: str) -> ResponseReturnValue:
    """End it from now on; pressing twice changes nothing more."""
    now = clock.now()
    try:
        whose = services().partner_links.read(token, now)
        end_partnership(services().referrals, session(), whose, now)
    except PartnerLinkRefused:
        return render_template("customer/partner.html", page=None), 410
    flash(_("It is ended. From now on nobody is rewarded for your orders."), "done")
    return redirect(url_for("customer.partner", token=token))
