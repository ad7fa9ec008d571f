"""Re-authentication: the person at the keyboard is still the one who logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort

from app.dashboard.forms.base import text
from app.dashboard.i18n import _
from app.dashboard.passkeys import AGAIN, answered, party
from app.dashboard.throttle import count_code, count_failure, require_patience
from app.identity.login import who
from app.identity.passkeys import PasskeyRefused
from app.identity.second_factor import code_is_right
from app.identity.sessions import stamp_authentication
from app.identity.users import authenticate
from app.kernel import clock
from app.requests import services, session

if TYPE_CHECKING:
    from app.dashboard.forms.again import AgainForm
    from app.identity.sessions import SignedIn


def is_me(form: AgainForm) -> bool:
    """Whether password and code are right; if not, the form says which was wrong. Noted in the session."""
    me, now = who(), clock.now()
    if me is None:
        abort(404)
    if form.passkey_href and form.passkey.data:
        return _passkey_is_mine(form, me)
    require_patience(me.email)
    user = authenticate(session(), email=me.email, password=text(form.password))
    if user is None:
        count_failure(me.email)
        form.password.errors = [_("This is not your password.")]
        return False
    if user.second_factor_at is not None:
        count_code(me.public_id)
        # The app may have been set up after this form was shown: then it asked for no code.
        field = form.code if form.asks_code else form.password
        if not code_is_right(session(), services().keyring, user, text(field), now=now):
            field.errors = [wrong_code()]
            return False
    stamp_authentication(session(), me.session_id, now=now)
    return True


def _passkey_is_mine(form: AgainForm, me: SignedIn) -> bool:
    now = clock.now()
    count_code(me.public_id)
    try:
        asked, answer = answered(text(form.passkey))
        user = party().take_known(session(), asked, answer, purpose=AGAIN, now=now)
    except PasskeyRefused:
        user = None
    if user is None or user.id != me.user_id:
        form.form_errors.append(refused_passkey())
        return False
    stamp_authentication(session(), me.session_id, now=now)
    return True


def refused_passkey() -> str:
    """What stands above a form whose passkey was not accepted."""
    return _("This passkey was not accepted. Please try again.")


def wrong_code() -> str:
    """What stands beside a code that does not fit."""
    return _("This code is not right, or was used already. Wait for the next one.")
