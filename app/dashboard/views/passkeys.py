"""Passkeys: logging in with one, making, naming and removing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, flash, jsonify, redirect, render_template, request, url_for

from app.dashboard.again import is_me, refused_passkey
from app.dashboard.entering import let_in
from app.dashboard.forms.again import AgainForm
from app.dashboard.forms.base import text
from app.dashboard.forms.passkeys import NewPasskeyForm, PasskeyForm, PasskeyNameForm
from app.dashboard.i18n import _
from app.dashboard.passkeys import AGAIN, LOGIN, answered, party, remember_asked
from app.dashboard.presenters import security as presenter
from app.dashboard.throttle import count_failure, require_patience
from app.dashboard.views.accounts import accounts
from app.dashboard.views.authenticator import ask_again, shown_once
from app.dashboard.views.public import local_target
from app.dashboard.views.security import myself, security_href
from app.dashboard.views.staff.base import me
from app.identity.audit import Actor
from app.identity.passkeys import PasskeyRefused, TooManyPasskeys, keep_passkey, passkey_of, rename_passkey
from app.identity.passkeys import remove_passkey as take_away
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.identity.models import Passkey


@accounts.post("/login/passkey/options")
def passkey_login_options() -> ResponseReturnValue:
    """What a device is asked at the login."""
    return _options(LOGIN)


@accounts.post("/account/passkeys/again")
def passkey_again_options() -> ResponseReturnValue:
    """What a device is asked where somebody proves again who they are."""
    return _options(AGAIN)


@accounts.post("/login/passkey")
def passkey_login() -> ResponseReturnValue:
    """Log in with a passkey: it was unlocked by its owner, so nothing else is asked."""
    form, now = PasskeyForm(), clock.now()
    target = local_target(request.args.get("next"))
    require_patience("passkey")
    if form.validate_on_submit():
        try:
            asked, answer = answered(text(form.passkey))
            user = party().take_known(session(), asked, answer, purpose=LOGIN, now=now)
        except PasskeyRefused:
            count_failure("passkey")
        else:
            return let_in(user, target)
    flash(refused_passkey(), "stop")
    return redirect(url_for("accounts.login", next=target))


@accounts.post("/account/passkeys/options")
def passkey_new_options() -> ResponseReturnValue:
    """What a device needs for a new passkey."""
    _require_fresh()
    try:
        options, asked = party().ask_new(session(), myself(), clock.now())
    except TooManyPasskeys:
        abort(409)
    remember_asked(asked)
    return jsonify(options)


@accounts.route("/account/passkeys/new", methods=["GET", "POST"])
def new_passkey() -> ResponseReturnValue:
    """Ask who it is where that was longer ago, then have the device make one."""
    if not party().usable:
        abort(404)
    if not me().fresh(clock.now()):
        again = AgainForm()
        if again.validate_on_submit() and is_me(again):
            return redirect(url_for("accounts.new_passkey"))
        return ask_again(
            again,
            title=_("New passkey"),
            words=_("First show that it is you: whoever has a passkey of yours can log in."),
            button=_("Go on"),
        )
    form = NewPasskeyForm()
    if form.validate_on_submit():
        answer = _made(form)
        if answer is not None:
            return answer
    body = render_template(
        "account/new_passkey.html",
        form=form,
        options=url_for("accounts.passkey_new_options"),
        back=security_href(),
    )
    return body, 422 if form.is_submitted() else 200


@accounts.route("/account/passkeys/<passkey_id>", methods=["GET", "POST"])
def passkey(passkey_id: str) -> ResponseReturnValue:
    """Give a passkey another name."""
    row, form = _mine(passkey_id), PasskeyNameForm()
    if form.validate_on_submit():
        try:
            rename_passkey(row, text(form.name))
        except InvalidInput:
            form.name.errors = [_("This cannot be used.")]
        else:
            flash(_("The name is saved."), "done")
            return redirect(security_href())
    elif not form.is_submitted():
        form.name.data = row.name
    body = render_template(
        "account/passkey.html", form=form, page=presenter.passkey_row(row), back=security_href()
    )
    return body, 422 if form.is_submitted() else 200


@accounts.route("/account/passkeys/<passkey_id>/remove", methods=["GET", "POST"])
def remove_passkey(passkey_id: str) -> ResponseReturnValue:
    """Take a passkey away."""
    row, form = _mine(passkey_id), AgainForm()
    if form.validate_on_submit() and is_me(form):
        person, now = myself(), clock.now()
        take_away(session(), person, row, actor=Actor.user(person), now=now)
        services().mail.accounts.tell_factor_changed(session(), person, is_new=False, now=now)
        flash(_("The passkey is removed."), "done")
        return redirect(security_href())
    return ask_again(
        form,
        title=_("Remove the passkey %(name)s", name=row.name),
        words=_("It opens nothing any more. Delete it on the device as well."),
        button=_("Remove the passkey"),
    )


def _options(purpose: str) -> ResponseReturnValue:
    if not party().usable:
        abort(404)
    options, asked = party().ask_known(clock.now(), purpose)
    remember_asked(asked)
    return jsonify(options)


def _made(form: NewPasskeyForm) -> ResponseReturnValue | None:
    """Keep what the device made; ``None`` with the reason on the form."""
    person, now = myself(), clock.now()
    try:
        with session().begin_nested():
            asked, answer = answered(text(form.passkey))
            made = party().take_new(session(), asked, answer, now=now)
            here = me().session_id
            codes = keep_passkey(
                session(), services().keyring, person, made, text(form.name), keep=here, now=now
            )
    except PasskeyRefused:
        form.form_errors.append(refused_passkey())
        return None
    except InvalidInput:
        form.name.errors = [_("This cannot be used.")]
        return None
    services().mail.accounts.tell_factor_changed(session(), person, is_new=True, now=now)
    return shown_once(codes)


def _mine(passkey_id: str) -> Passkey:
    row = passkey_of(session(), me().user_id, passkey_id)
    if row is None:
        abort(404)
    return row


def _require_fresh() -> None:
    """A browser that was left open must not gain a key of its own."""
    if not me().fresh(clock.now()):
        abort(403)
