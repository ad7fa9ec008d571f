"""Banners and texts that the merchant offers to referrers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, url_for

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.promo import AssetForm, BannerForm, TextForm
from app.dashboard.i18n import _
from app.dashboard.locale import chosen_language
from app.dashboard.presenters import promo as presenter
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, staff
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.promo import assets
from app.promo.assets import NewAsset
from app.promo.queries import assets_of, brought_in_all
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/promo")
def promo() -> ResponseReturnValue:
    """What is offered, what was, and what each brought."""
    found = all_programs()
    chosen = chosen_program(found)
    there = assets_of(session(), chosen.id)
    may_add = me().may(Action.CHANGE_PROGRAM)
    shown = presenter.staff_page(
        there, brought_in_all(session(), chosen.id, there), chosen_language(), may_add=may_add
    )
    return page("promo/staff.html", chosen, found, page=shown, may_add=may_add)


@staff.route("/promo/banners/new", methods=["GET", "POST"])
def add_banner() -> ResponseReturnValue:
    """Upload a banner; only what the house drew anew is kept."""
    form = BannerForm()
    if form.validate_on_submit():
        assert form.picture.picture is not None  # FileRequired
        chosen = chosen_program(all_programs())
        new = NewAsset(text(form.locale), text(form.title), text(form.to))
        try:
            assets.add_banner(session(), chosen, new, form.picture.picture, actor=actor(), now=clock.now())
        except InvalidInput as error:
            _show(form, error)
        else:
            flash(_("The banner is offered from now on."), "done")
            return redirect(url_for("staff.promo"))
    return _form_page("promo/banner.html", form)


@staff.route("/promo/texts/new", methods=["GET", "POST"])
def add_text() -> ResponseReturnValue:
    """Write a text."""
    form = TextForm()
    if form.validate_on_submit():
        chosen = chosen_program(all_programs())
        new = NewAsset(text(form.locale), text(form.title), text(form.to))
        try:
            assets.add_text(session(), chosen, new, text(form.words), actor=actor(), now=clock.now())
        except InvalidInput as error:
            _show(form, error)
        else:
            flash(_("The text is offered from now on."), "done")
            return redirect(url_for("staff.promo"))
    return _form_page("promo/text.html", form)


@staff.post("/promo/<int(max=2147483647):asset_id>/retire")
def retire_asset(asset_id: int) -> ResponseReturnValue:
    """Offer it no more."""
    assets.retire(session(), chosen_program(all_programs()), asset_id, actor=actor(), now=clock.now())
    flash(_("It is no longer offered. Where it already stands it stays, and goes on counting."), "done")
    return redirect(url_for("staff.promo"))


@staff.post("/promo/<int(max=2147483647):asset_id>/offer")
def offer_asset(asset_id: int) -> ResponseReturnValue:
    """Offer it again."""
    assets.offer_again(session(), chosen_program(all_programs()), asset_id, actor=actor(), now=clock.now())
    flash(_("It is offered again."), "done")
    return redirect(url_for("staff.promo"))


def _show(form: AssetForm, error: InvalidInput) -> None:
    words = (
        _("Only a path of the shop, or an https address on one of its hosts.")
        if error.pointer == "/to"
        else _("This cannot be used.")
    )
    show_refusal(form, error, words)


def _form_page(template: str, form: AssetForm) -> ResponseReturnValue:
    found = all_programs()
    body = page(template, chosen_program(found), found, form=form)
    return (body, 422) if form.is_submitted() else body
