"""The second step of logging in: a code of the authenticator app, or a recovery code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from app.dashboard.again import wrong_code
from app.dashboard.entering import half_in, let_in
from app.dashboard.forms.base import text
from app.dashboard.forms.security import CodeForm
from app.dashboard.i18n import _
from app.dashboard.passkeys import passkey_form
from app.dashboard.throttle import count_code
from app.dashboard.views.accounts import accounts
from app.dashboard.views.public import local_target
from app.identity.second_factor import code_is_right
from app.kernel import clock
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@accounts.route("/login/code", methods=["GET", "POST"])
def second_step() -> ResponseReturnValue:
    """Ask for the code, and start the session."""
    user = half_in()
    target = local_target(request.args.get("next"))
    if user is None:
        flash(_("Please log in again: the second step took too long."), "wait")
        return redirect(url_for("accounts.login", next=target))
    form = CodeForm()
    if form.validate_on_submit():
        count_code(user.public_id)
        if code_is_right(session(), services().keyring, user, text(form.code), now=clock.now()):
            return let_in(user, target)
        form.code.errors = [wrong_code()]
    body = render_template("account/second_step.html", form=form, passkey=passkey_form())
    return body, 422 if request.method == "POST" else 200
