"""Whom customers belong to: prospects that a referrer registers, and corrections by staff."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, EmailField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from app.dashboard.forms.base import stripped


class LeadForm(FlaskForm):
    """A prospect's address. It is never shown again: only a fingerprint of it is kept."""

    email = EmailField(
        _l("E-mail address of the prospect"),
        filters=[stripped],
        description=_l("We keep only a fingerprint of it, so nobody can read it again, not even you."),
        validators=[DataRequired(_l("Please fill in an e-mail address.")), Length(max=254)],
        render_kw={"autocomplete": "off", "maxlength": 254, "spellcheck": "false"},
    )
    agreed = BooleanField(
        _l("This person knows that I pass the address on."),
        validators=[DataRequired(_l("Please ask the person first."))],
    )


class CorrectionForm(FlaskForm):
    """Whom a customer shall belong to, since when, and why."""

    code = StringField(
        _l("Code of the referrer"),
        filters=[stripped, lambda value: value.lower() if value else value],
        validators=[Optional(), Length(max=32)],
        render_kw={"autocomplete": "off", "maxlength": 32, "autocapitalize": "none", "spellcheck": "false"},
    )
    nobody = BooleanField(_l("To nobody"))
    from_on = DateField(
        _l("From this day on (optional)"),
        description=_l("Orders placed from then on move. Without a day: from now on."),
        validators=[Optional()],
    )
    also_earlier = BooleanField(_l("Move all earlier orders too"))
    reason = StringField(
        _l("Reason"),
        filters=[stripped],
        validators=[DataRequired(_l("Please give a reason; it is kept.")), Length(max=500)],
        render_kw={"maxlength": 500, "autocomplete": "off"},
    )


class ContestForm(FlaskForm):
    """Why the reader thinks that something is wrong."""

    words = TextAreaField(
        _l("What do you think is wrong?"),
        filters=[stripped],
        description=_l("At most 1000 characters. Please name no customer by name or address."),
        validators=[
            DataRequired(_l("Please write what you think is wrong.")),
            Length(max=1000, message=_l("At most 1000 characters.")),
        ],
        render_kw={"maxlength": 1000, "rows": 4},
    )


class AnswerForm(FlaskForm):
    """What staff answer. The referrer reads it."""

    answer = TextAreaField(
        _l("Answer"),
        filters=[stripped],
        description=_l("The referrer reads this, and both stay as they are."),
        validators=[
            DataRequired(_l("Please write an answer.")),
            Length(max=1000, message=_l("At most 1000 characters.")),
        ],
        render_kw={"maxlength": 1000, "rows": 4},
    )
