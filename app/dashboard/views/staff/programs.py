"""Products and rates, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.staff import ProductForm, SettingsForm
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import programs as presenter
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, staff
from app.identity.queries import names_of_actors
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.kernel.money import Money
from app.referrals import programs
from app.referrals.programs import ProgramSettings
from app.referrals.queries import programs_shown
from app.referrals.queries.rate_table import rate_table
from app.referrals.words import Approval, AttributionModel, ConsentMode
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.referrals.models import Program


@staff.get("/products")
def products() -> ResponseReturnValue:
    """What each product pays now, and the history of rates."""
    return _products_page(ProductForm(formdata=None))


@staff.post("/products")
def set_product() -> ResponseReturnValue:
    """Add a product, or rename the one with this article number."""
    form = ProductForm()
    chosen = chosen_program(all_programs())
    if form.validate_on_submit():
        try:
            programs.set_product(session(), chosen, sku=text(form.sku), name=text(form.name), now=clock.now())
        except InvalidInput as error:
            show_refusal(form, error, _("This cannot be used."))
        else:
            flash(_("The product is saved. It takes part as soon as it has a rate."), "done")
            return redirect(url_for("staff.rate", sku=text(form.sku)))
    return _products_page(form), 422


def _products_page(form: ProductForm) -> str:
    found = all_programs()
    chosen = chosen_program(found)
    now = clock.now()
    shown = programs_shown.shown_to(session(), chosen, programs_shown.NOBODY, now)
    names = {product.id: product for product, _rate in shown.rates}
    may_change = me().may(Action.CHANGE_RATES)
    return page(
        "staff/products.html",
        chosen,
        found,
        products=presenter.product_table(shown, may_change=may_change),
        rates=presenter.rate_table(programs_shown.rate_history(session(), chosen.id), names, chosen, now),
        form=form,
        may_change=may_change,
    )


@staff.get("/products/versions")
def product_versions() -> ResponseReturnValue:
    """What one product has paid, from when to when, and who said so; without a product the programme-wide rate."""
    found = all_programs()
    chosen = chosen_program(found)
    sku = request.args.get("sku")
    product = programs.find_product(session(), chosen, sku) if sku else None
    table = rate_table(session(), chosen, clock.now(), None)
    setters = {version.set_by for level in table.levels for version in level.versions}
    return page(
        "staff/versions.html",
        chosen,
        found,
        title=product.name if product else _("Every other product"),
        steps=presenter.version_steps(table, product, chosen, names_of_actors(session(), setters)),
        nothing=presenter.no_versions(),
        new_href=url_for("staff.rate", sku=sku) if me().may(Action.CHANGE_RATES) else None,
    )


@staff.get("/settings")
def settings() -> ResponseReturnValue:
    """The programme's terms, in a form for who may change them."""
    found = all_programs()
    chosen = chosen_program(found)
    shown = programs_shown.shown_to(session(), chosen, programs_shown.NOBODY, clock.now())
    form = SettingsForm(
        formdata=None,
        name=chosen.name,
        landing_url=chosen.landing_url,
        window_days=shown.terms.window_days,
        hold_days=shown.terms.hold_days,
        attribution=shown.terms.attribution.value,
        minimum_payout=Money(chosen.minimum_payout_minor, chosen.currency).decimal_string(),
        pays_leavers=chosen.pays_leavers,
        payout_day=chosen.payout_day,
        approval=chosen.approval.value,
        consent_mode=chosen.consent_mode.value,
    )
    return _settings_page(chosen, found, form, presenter.settings_facts(chosen, shown.terms))


@staff.post("/settings")
def change_settings() -> ResponseReturnValue:
    """Change the terms, from now on only."""
    found = all_programs()
    chosen = chosen_program(found)
    form = SettingsForm()
    if form.validate_on_submit():
        try:
            programs.change_program(session(), chosen, _wanted(form), actor=actor(), now=clock.now())
        except InvalidInput as error:
            show_refusal(form, error, _("This cannot be used."))
        else:
            flash(_("The settings are saved. What was recorded keeps the terms of its own time."), "done")
            return redirect(url_for("staff.settings"))
    return _settings_page(chosen, found, form, ()), 422


def _wanted(form: SettingsForm) -> ProgramSettings:
    return ProgramSettings(
        name=text(form.name),
        landing_url=form.landing_url.data,
        window_days=form.window_days.data,
        hold_days=form.hold_days.data,
        attribution=AttributionModel(form.attribution.data),
        minimum_payout=text(form.minimum_payout).replace(",", "."),
        pays_leavers=bool(form.pays_leavers.data),
        payout_day=form.payout_day.data,
        approval=Approval(form.approval.data),
        consent_mode=ConsentMode(form.consent_mode.data),
    )


def _settings_page(
    chosen: Program, found: list[Program], form: SettingsForm, facts: tuple[object, ...]
) -> str:
    may_change = me().may(Action.CHANGE_PROGRAM)
    return page("staff/settings.html", chosen, found, form=form, facts=facts, may_change=may_change)
