"""Merging two referrers: into whom, and why."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from app.dashboard.forms.base import stripped


class MergeIntoForm(FlaskForm):
    """Into whom. It only asks, so it is sent by GET and needs no token."""

    class Meta:
        """It only asks."""

        csrf = False

    into = StringField(
        _l("Code of the referrer who stays"),
        filters=[stripped, lambda value: value.lower() if value else value],
        validators=[
            DataRequired(_l("Please fill in a code.")),
            Length(max=32, message=_l("There is no referrer with this code in the programme.")),
        ],
        render_kw={"autocomplete": "off", "maxlength": 32, "autocapitalize": "none", "spellcheck": "false"},
    )


class MergeForm(MergeIntoForm):
    """The same with the reason, which is kept."""

    class Meta:
        """It moves customers."""

        csrf = True

    reason = StringField(
        _l("Reason"),
        filters=[stripped],
        validators=[DataRequired(_l("Please give a reason; it is kept.")), Length(max=500)],
        render_kw={"maxlength": 500, "autocomplete": "off"},
    )
