"""Forms of a person's own login."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField
from wtforms.validators import DataRequired, Email, Length

from app.dashboard.forms.again import AgainForm, code_field
from app.dashboard.forms.base import stripped


class CodeForm(FlaskForm):
    """One code: at the second step of logging in, and to confirm an app."""

    code = code_field()


class AddressForm(AgainForm):
    """Another address for the account."""

    email = EmailField(
        _l("New e-mail address"),
        filters=[stripped],
        validators=[
            DataRequired(_l("Please fill in an e-mail address.")),
            Email(_l("This is not an e-mail address.")),
            Length(max=254, message=_l("This is not an e-mail address.")),
        ],
        render_kw={"autocomplete": "email", "maxlength": 254},
    )
