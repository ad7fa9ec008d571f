"""Banners and texts for a referrer to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template

from app.dashboard.locale import chosen_language
from app.dashboard.presenters import promo as presenter
from app.dashboard.views.home import chosen_membership, home, my_memberships, switch
from app.promo.queries import assets_of, brought_for
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@home.get("/promo")
def promo() -> ResponseReturnValue:
    """Everything that the programme offers, with the referrer's own link inside, and what it brought them."""
    found = my_memberships()
    chosen = chosen_membership(found)
    assets = assets_of(session(), chosen.program.id, offered=True)
    page = presenter.my_page(
        assets,
        brought_for(session(), chosen.referrer.id, assets),
        presenter.Copies(services().links, services().settings.public_url, chosen),
        chosen_language(),
    )
    return render_template("promo/mine.html", page=page, memberships=switch(found, chosen))
