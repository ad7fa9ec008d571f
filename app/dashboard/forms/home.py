"""What a referrer changes: the bank account and the links."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length, Optional, Regexp

from app.dashboard.forms.again import AgainForm
from app.dashboard.forms.base import stripped


class BankAccountForm(AgainForm):
    """A bank account. What is typed here is never shown again."""

    holder = StringField(
        _l("Account holder"),
        filters=[stripped],
        description=_l("Exactly as the bank knows it."),
        validators=[
            DataRequired(_l("Please fill in the account holder.")),
            Length(max=140, message=_l("A name has at most 140 characters.")),
        ],
        render_kw={"autocomplete": "name", "maxlength": 140},
    )
    iban = StringField(
        _l("IBAN"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in the IBAN.")), Length(max=50)],
        render_kw={
            "autocomplete": "off",
            "maxlength": 50,
            "autocapitalize": "characters",
            "spellcheck": "false",
        },
    )
    bic = StringField(
        _l("BIC (optional)"),
        filters=[stripped],
        description=_l("Only needed outside the European Economic Area."),
        validators=[Optional(), Length(max=11)],
        render_kw={
            "autocomplete": "off",
            "maxlength": 11,
            "autocapitalize": "characters",
            "spellcheck": "false",
        },
    )
    street = StringField(_l("Street and number"), filters=[stripped], validators=[Optional(), Length(max=70)])
    postcode = StringField(_l("Postcode"), filters=[stripped], validators=[Optional(), Length(max=16)])
    town = StringField(_l("Town"), filters=[stripped], validators=[Optional(), Length(max=35)])
    country = StringField(
        _l("Country"),
        filters=[stripped, lambda value: value.upper() if value else value],
        description=_l("Two letters, such as CH."),
        validators=[Optional(), Regexp(r"\A[A-Z]{2}\Z", message=_l("Two letters, such as CH."))],
        render_kw={"maxlength": 2, "autocomplete": "country"},
    )
    password = PasswordField(
        _l("Your password"),
        description=_l("Because money goes there."),
        validators=[DataRequired(_l("Please fill in your password.")), Length(max=200)],
        render_kw={"autocomplete": "current-password"},
    )


class LinkForm(FlaskForm):
    """A campaign link or a link to one page; the view says which pages."""

    campaign = StringField(
        _l("Campaign name"),
        filters=[stripped, lambda value: value.lower() if value else value],
        description=_l("1 to 20 small letters, digits and dashes, for example newsletter."),
        validators=[
            Optional(),
            Regexp(r"\A[a-z0-9-]{1,20}\Z", message=_l("Use 1 to 20 small letters, digits and dashes.")),
            Regexp(
                r"\A(?!b-[0-9]+\Z)", message=_l("Names of b- and a number are kept for banners and texts.")
            ),
        ],
        render_kw={"autocomplete": "off", "maxlength": 20, "autocapitalize": "none", "spellcheck": "false"},
    )
    to = StringField(
        _l("Target page (optional)"),
        filters=[stripped],
        validators=[Optional(), Length(max=2000)],
        render_kw={"autocomplete": "off", "maxlength": 2000, "autocapitalize": "none", "spellcheck": "false"},
    )
