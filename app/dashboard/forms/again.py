"""Who asks for something that matters proves again who they are: by the password, and by a code where they have one."""

from __future__ import annotations

from flask import url_for
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from app.dashboard.forms.base import stripped
from app.dashboard.passkeys import has_passkey
from app.identity.login import who


def code_field() -> StringField:
    """Six digits of an app, or a recovery code."""
    return StringField(
        _l("Code"),
        description=_l("Six digits from your authenticator app, or a recovery code."),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in a code.")), Length(max=40)],
        render_kw={
            "autocomplete": "one-time-code",
            "autocapitalize": "none",
            "spellcheck": "false",
            "maxlength": 40,
        },
    )


class AgainForm(FlaskForm):
    """The password once more; ``code`` is gone where the person has no second factor. A passkey does for both.

    Several may stand on one page: each is made with a prefix of its own.
    """

    password = PasswordField(
        _l("Your password"),
        validators=[DataRequired(_l("Please fill in your password.")), Length(max=1024)],
        render_kw={"autocomplete": "current-password"},
    )
    code = code_field()
    passkey = HiddenField()
    """What the device answered, in the place of password and code."""

    def __init__(self, *args: object, **values: object) -> None:
        super().__init__(*args, **values)
        me = who()
        self.asks_code = me is not None and me.second_factor
        self.passkey_href = (
            url_for("accounts.passkey_again_options") if self.asks_code and has_passkey() else ""
        )
        if self.passkey_href and self.passkey.data:
            self.password.validators = self.code.validators = ()
        if not self.asks_code:
            del self.code
