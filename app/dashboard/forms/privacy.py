"""What a referrer does with their own data: each step asks for the password."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired, Length

from app.dashboard.forms.again import AgainForm
from app.dashboard.forms.base import stripped


class NameForm(FlaskForm):
    """The name that the programme knows the referrer by."""

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


class ForGoodForm(AgainForm):
    """The password, and a tick for what cannot be undone."""

    sure = BooleanField(
        _l("I know that this cannot be undone."), validators=[DataRequired(_l("Please confirm this first."))]
    )
