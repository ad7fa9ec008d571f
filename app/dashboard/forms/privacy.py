"""What a referrer does with their own data: each step asks for the password."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField
from wtforms.validators import DataRequired, Length


class AgainForm(FlaskForm):
    """The password, once more. Several stand on one page: each is made with a prefix of its own."""

    password = PasswordField(
        _l("Your password"),
        validators=[DataRequired(_l("Please fill in your password.")), Length(max=200)],
        render_kw={"autocomplete": "current-password"},
    )


class ForGoodForm(AgainForm):
    """The password, and a tick for what cannot be undone."""

    sure = BooleanField(
        _l("I know that this cannot be undone."), validators=[DataRequired(_l("Please confirm this first."))]
    )
