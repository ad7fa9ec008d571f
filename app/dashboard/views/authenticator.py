"""Setting up an authenticator app, taking it away, and the recovery codes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flask import flash, redirect, render_template, url_for

from app.dashboard.again import is_me, wrong_code
from app.dashboard.forms.again import AgainForm
from app.dashboard.forms.base import text
from app.dashboard.forms.security import CodeForm
from app.dashboard.i18n import _
from app.dashboard.presenters import security as presenter
from app.dashboard.presenters.qr import qr_svg
from app.dashboard.throttle import count_code
from app.dashboard.views.accounts import accounts
from app.dashboard.views.security import myself, security_href
from app.dashboard.views.staff.base import me
from app.identity.audit import Actor
from app.identity.second_factor import (
    HasAuthenticator,
    authenticator_of,
    begin_authenticator,
    confirm_authenticator,
    new_recovery_codes,
    provisioning_uri,
    secret_of,
)
from app.identity.second_factor import remove_authenticator as take_away
from app.kernel import clock
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

_ISSUER: Final = "Refledger"
_SHOWN_FOR: Final = timedelta(hours=1)
"""After the password was given. Later the page would show the secret to whoever finds the browser open."""


@accounts.route("/account/authenticator/new", methods=["GET", "POST"])
def new_authenticator() -> ResponseReturnValue:
    """Ask who it is, and make a secret: an app that a thief of the browser sets up would lock its owner out."""
    form = AgainForm()
    if form.validate_on_submit() and is_me(form):
        try:
            begin_authenticator(session(), services().keyring, myself(), now=clock.now())
        except HasAuthenticator:
            flash(_("There is an app already. Remove it first."), "stop")
            return redirect(security_href())
        return redirect(url_for("accounts.authenticator"))
    return ask_again(
        form,
        title=_("Set up an authenticator app"),
        words=_("An app such as Aegis, FreeOTP or your password manager then shows a code for each login."),
        button=_("Go on"),
    )


@accounts.route("/account/authenticator", methods=["GET", "POST"])
def authenticator() -> ResponseReturnValue:
    """Show the secret to the app, and take its first code."""
    form, person, keyring = CodeForm(), myself(), services().keyring
    form.code.description = _("The six digits that the app shows.")
    row = authenticator_of(session(), person.id)
    if row is None or row.confirmed_at is not None or clock.now() - row.created_at > _SHOWN_FOR:
        return redirect(security_href())
    if form.validate_on_submit():
        count_code(person.public_id)
        here, now = me().session_id, clock.now()
        codes = confirm_authenticator(session(), keyring, person, text(form.code), keep=here, now=now)
        if codes is not None:
            services().mail.accounts.tell_factor_changed(session(), person, is_new=True, now=now)
            return shown_once(codes)
        form.code.errors = [wrong_code()]
    secret = secret_of(keyring, row)
    uri = provisioning_uri(secret, account=person.email, issuer=_ISSUER)
    body = render_template(
        "account/authenticator.html",
        form=form,
        qr=qr_svg(uri),
        secret=presenter.in_groups(secret),
        uri=uri,
        back=security_href(),
    )
    return body, 422 if form.is_submitted() else 200


@accounts.route("/account/authenticator/remove", methods=["GET", "POST"])
def remove_authenticator() -> ResponseReturnValue:
    """Take the app away."""
    form = AgainForm()
    if form.validate_on_submit() and is_me(form):
        person, now = myself(), clock.now()
        if take_away(session(), person, actor=Actor.user(person), now=now):
            services().mail.accounts.tell_factor_changed(session(), person, is_new=False, now=now)
            flash(_("The app is removed."), "done")
        return redirect(security_href())
    return ask_again(
        form,
        title=_("Remove the authenticator app"),
        words=_(
            "Its codes open nothing any more. Without another second step your password alone is asked for."
        ),
        button=_("Remove the app"),
    )


@accounts.route("/account/recovery-codes", methods=["GET", "POST"])
def recovery_codes() -> ResponseReturnValue:
    """Make ten new recovery codes in the place of the old ones."""
    person = myself()
    if person.second_factor_at is None:
        return redirect(security_href())
    form = AgainForm()
    if form.validate_on_submit() and is_me(form):
        return shown_once(new_recovery_codes(session(), services().keyring, person, now=clock.now()))
    return ask_again(
        form,
        title=_("New recovery codes"),
        words=_("Each lets you in once when your phone is lost. The codes that you have now stop working."),
        button=_("Make ten codes"),
    )


def shown_once(codes: list[str]) -> ResponseReturnValue:
    """The codes, this once; or the security page where there are none to show."""
    flash(_("Your second step is set up."), "done")
    if not codes:
        return redirect(security_href())
    return render_template("account/recovery_codes.html", codes=codes, back=security_href())


def ask_again(form: AgainForm, *, title: str, words: str, button: str) -> ResponseReturnValue:
    """A page that asks who it is, before something that matters."""
    body = render_template(
        "account/again.html", form=form, title=title, words=words, button=button, back=security_href()
    )
    return body, 422 if form.is_submitted() else 200
