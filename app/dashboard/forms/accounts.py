"""Joining, logging in, passwords."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Email, Length, Optional, Regexp

from app.dashboard.forms.base import stripped

MAX_PASSWORD = 200
"""Longer than anybody types; bounds the work of hashing."""


class LoginForm(FlaskForm):
    """Address and password."""

    email = EmailField(
        _l("E-mail address"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in your e-mail address."))],
        render_kw={"autocomplete": "username", "maxlength": 254},
    )
    password = PasswordField(
        _l("Password"),
        validators=[DataRequired(_l("Please fill in your password.")), Length(max=MAX_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )


class JoinAgainForm(FlaskForm):
    """Joining a further programme with the account one has."""

    program = HiddenField()
    name = StringField(
        _l("Name"),
        filters=[stripped],
        description=_l("Your own or your company's, as it stands on your bank account."),
        validators=[
            DataRequired(_l("Please fill in a name.")),
            Length(max=140, message=_l("A name has at most 140 characters.")),
        ],
        render_kw={"autocomplete": "name", "maxlength": 140},
    )
    code = StringField(
        _l("Name in your link (optional)"),
        filters=[stripped, lambda value: value.lower() if value else value],
        description=_l("3 to 32 small letters, digits and dashes. Left empty, we make one."),
        validators=[
            Optional(),
            Regexp(r"\A[a-z0-9-]{3,32}\Z", message=_l("Use 3 to 32 small letters, digits and dashes.")),
        ],
        render_kw={"autocomplete": "off", "maxlength": 32, "autocapitalize": "none", "spellcheck": "false"},
    )
    accept = BooleanField(
        _l("I accept these terms."), validators=[DataRequired(_l("Please accept the terms to take part."))]
    )


class JoinForm(JoinAgainForm):
    """Joining a programme with a new account."""

    email = EmailField(
        _l("E-mail address"),
        filters=[stripped],
        validators=[
            DataRequired(_l("Please fill in your e-mail address.")),
            Email(_l("This is not an e-mail address.")),
            Length(max=254, message=_l("This is not an e-mail address.")),
        ],
        render_kw={"autocomplete": "username", "maxlength": 254},
    )
    password = PasswordField(
        _l("Password"),
        description=_l("At least 10 characters. A short sentence works well."),
        validators=[DataRequired(_l("Please choose a password.")), Length(max=MAX_PASSWORD)],
        render_kw={"autocomplete": "new-password"},
    )


class ForgotForm(FlaskForm):
    """Asking for a link that sets a password."""

    email = EmailField(
        _l("E-mail address"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in your e-mail address."))],
        render_kw={"autocomplete": "username", "maxlength": 254},
    )


class PasswordForm(FlaskForm):
    """Setting a password by a mailed link."""

    password = PasswordField(
        _l("New password"),
        description=_l("At least 10 characters. A short sentence works well."),
        validators=[DataRequired(_l("Please choose a password.")), Length(max=MAX_PASSWORD)],
        render_kw={"autocomplete": "new-password"},
    )
