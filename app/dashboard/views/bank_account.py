"""The referrer's bank account: what is on file, masked, and the form that changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for

from app.dashboard.again import is_me
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.home import BankAccountForm
from app.dashboard.i18n import _
from app.dashboard.presenters import bank_account as presenter
from app.dashboard.views.home import chosen_membership, home, me, my_memberships, switch, today_in
from app.identity.audit import Actor
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.payouts.destinations import GivenAccount, GivenAddress, put_destination
from app.payouts.shown import destinations_of
from app.payouts.words import DestinationSource
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@home.get("/bank-account")
def bank_account() -> ResponseReturnValue:
    """What is on file."""
    return _page(BankAccountForm(formdata=None))


@home.post("/bank-account")
def change_bank_account() -> ResponseReturnValue:
    """Put another account on file; asks for the password, because money goes there."""
    form = BankAccountForm()
    if form.validate_on_submit() and is_me(form) and _kept(form):
        flash(_("Your bank account is saved."), "done")
        return redirect(url_for("home.bank_account"))
    return _page(form), 422


def _kept(form: BankAccountForm) -> bool:
    chosen = chosen_membership(my_memberships())
    try:
        put_destination(
            services().payouts,
            session(),
            chosen.referrer,
            _given(form),
            source=DestinationSource.REFERRER,
            verified=False,
            by=Actor.person(me().public_id),
            now=clock.now(),
        )
    except InvalidInput as error:
        show_refusal(
            form,
            error,
            presenter.refusal(error),
            fields={"/address/country": "country", "/address/town": "town", "/address/street": "street"},
        )
        return False
    return True


def _given(form: BankAccountForm) -> GivenAccount:
    address = GivenAddress(
        town=form.town.data, country=form.country.data, street=form.street.data, postcode=form.postcode.data
    )
    return GivenAccount(text(form.holder), text(form.iban), form.bic.data or None, address)


def _page(form: BankAccountForm) -> str:
    found = my_memberships()
    chosen = chosen_membership(found)
    versions = destinations_of(session(), chosen.referrer.id)
    page = presenter.bank_page(versions, today_in(chosen), chosen.program)
    return render_template(
        "home/bank.html", page=page, form=form, memberships=switch(found, chosen, "home.bank_account")
    )
