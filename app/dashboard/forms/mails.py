"""Which mails a referrer wants, and new terms."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, SelectMultipleField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, Length

from app.dashboard.forms.base import stripped
from app.referrals.published_terms import MAX_TEXT


class MailsForm(FlaskForm):
    """The mails that may be turned off; a tick means wanted."""

    kinds = SelectMultipleField(
        _l("Send me a mail when"),
        choices=[
            SelectChoice("first_commission", _l("I earn my first commission")),
            SelectChoice("statement_ready", _l("a monthly statement is ready")),
            SelectChoice("payout_sent", _l("a payout has been transferred")),
            SelectChoice("review_decided", _l("a commission under review was decided on")),
            SelectChoice("partner_chosen", _l("a customer chooses me as their partner")),
            SelectChoice("partner_left", _l("a customer ends that again")),
            SelectChoice("rating_shown", _l("what a customer says of me is shown in the directory")),
        ],
    )


class AcceptTermsForm(FlaskForm):
    """The version that was read, so that nobody accepts another one."""

    number = HiddenField()


class PublishTermsForm(FlaskForm):
    """The next version of the terms."""

    text = TextAreaField(
        _l("The terms"),
        filters=[stripped],
        description=_l("Plain text; an empty line begins a new paragraph. It cannot be changed later."),
        validators=[
            DataRequired(_l("Please write the terms.")),
            Length(max=MAX_TEXT, message=_l("At most 20,000 characters.")),
        ],
        render_kw={"maxlength": MAX_TEXT, "rows": 12},
    )
    effective_on = DateField(
        _l("First day on which they hold"),
        description=_l("At least 30 days ahead, unless these are the first terms."),
        validators=[DataRequired(_l("Please choose a day."))],
    )
