"""Forms that a device answers."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from app.dashboard.forms.base import stripped


class PasskeyForm(FlaskForm):
    """What the device answered."""

    passkey = HiddenField(
        validators=[DataRequired(_l("Your browser cannot use passkeys, or scripts are off."))]
    )


class PasskeyNameForm(FlaskForm):
    """What a person calls a passkey."""

    name = StringField(
        _l("Name"),
        description=_l("Such as the device that it is on."),
        filters=[stripped],
        validators=[
            DataRequired(_l("Please fill in a name.")),
            Length(max=80, message=_l("A name has at most 80 characters.")),
        ],
        render_kw={"autocomplete": "off", "maxlength": 80},
    )


class NewPasskeyForm(PasskeyForm, PasskeyNameForm):
    """A new passkey, and what it is called."""
