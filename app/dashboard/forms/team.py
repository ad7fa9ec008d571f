"""Forms of a referrer's team."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, Email, Length

from app.dashboard.forms.again import AgainForm
from app.dashboard.forms.base import stripped
from app.referrals.models.team import TeamLevel


class InviteForm(AgainForm):
    """Somebody is let in: that takes the password, because they will see what is earned, or run it all."""

    email = EmailField(
        _l("E-mail address"),
        filters=[stripped],
        validators=[
            DataRequired(_l("Please fill in an e-mail address.")),
            Email(_l("This is not an e-mail address.")),
            Length(max=254, message=_l("This is not an e-mail address.")),
        ],
        render_kw={"autocomplete": "off", "maxlength": 254},
    )
    level = SelectField(
        _l("What they may do"),
        choices=[
            SelectChoice(TeamLevel.VIEWER.value, _l("See everything, change nothing")),
            SelectChoice(TeamLevel.OWNER.value, _l("See and change everything, also the bank account")),
        ],
    )


class NewMemberForm(FlaskForm):
    """An account for somebody who was invited and has none."""

    name = StringField(
        _l("Name"),
        filters=[stripped],
        validators=[
            DataRequired(_l("Please fill in a name.")),
            Length(max=140, message=_l("A name has at most 140 characters.")),
        ],
        render_kw={"autocomplete": "name", "maxlength": 140},
    )
    password = PasswordField(
        _l("Password"),
        description=_l("At least 10 characters. A short sentence works well."),
        validators=[DataRequired(_l("Please choose a password.")), Length(max=1024)],
        render_kw={"autocomplete": "new-password"},
    )
