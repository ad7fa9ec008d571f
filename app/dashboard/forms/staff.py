"""What the merchant's people change: products, settings, reviews, runs."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Regexp

from app.dashboard.forms.again import AgainForm
from app.dashboard.forms.base import stripped
from app.referrals.words import Approval, AttributionModel, ConsentMode


class ReasonForm(FlaskForm):
    """Why something is done to somebody. It is kept."""

    reason = StringField(
        _l("Reason"),
        filters=[stripped],
        validators=[DataRequired(_l("Please give a reason; it is kept.")), Length(max=500)],
        render_kw={"maxlength": 500, "autocomplete": "off"},
    )


class ParticularsForm(FlaskForm):
    """Who a referrer is and where mail reaches them."""

    name = StringField(
        _l("Name"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in a name.")), Length(max=200)],
        render_kw={"maxlength": 200, "autocomplete": "off"},
    )
    email = StringField(
        _l("E-mail address"),
        filters=[stripped],
        description=_l("They log in with it. Both the old and the new address are told."),
        validators=[DataRequired(_l("Please fill in an e-mail address."))],
        render_kw={"type": "email", "maxlength": 254, "autocomplete": "off", "spellcheck": "false"},
    )


class ProductForm(FlaskForm):
    """A product of the merchant."""

    sku = StringField(
        _l("Article number (SKU)"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in the article number.")), Length(max=128)],
        render_kw={"maxlength": 128, "autocomplete": "off", "spellcheck": "false"},
    )
    name = StringField(
        _l("Name"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in a name.")), Length(max=200)],
        render_kw={"maxlength": 200, "autocomplete": "off"},
    )


class SettingsForm(FlaskForm):
    """The terms of a programme."""

    name = StringField(
        _l("Name"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in a name.")), Length(max=200)],
    )
    landing_url = StringField(
        _l("Landing page"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in an address.")), Length(max=2000)],
    )
    window_days = IntegerField(
        _l("Days from click to signup"),
        validators=[
            InputRequired(_l("Please fill in a number.")),
            NumberRange(1, 365, _l("From 1 to 365 days.")),
        ],
    )
    hold_days = IntegerField(
        _l("Hold period in days"),
        validators=[
            InputRequired(_l("Please fill in a number.")),
            NumberRange(0, 365, _l("From 0 to 365 days.")),
        ],
    )
    attribution = SelectField(
        _l("Which click counts"),
        choices=[
            SelectChoice(AttributionModel.LAST_CLICK.value, _l("the last")),
            SelectChoice(AttributionModel.FIRST_CLICK.value, _l("the first")),
        ],
    )
    minimum_payout = StringField(
        _l("Minimum payout"),
        filters=[stripped],
        validators=[
            DataRequired(_l("Please fill in an amount; 0 is valid.")),
            Regexp(r"\A\d{1,9}([.,]\d{1,3})?\Z", message=_l("Write an amount such as 25.00.")),
        ],
    )
    pays_leavers = BooleanField(_l("Who left is paid below the minimum, too"))
    payout_day = IntegerField(
        _l("Payout day of the month"),
        validators=[InputRequired(_l("Please fill in a number.")), NumberRange(1, 28, _l("From 1 to 28."))],
    )
    approval = SelectField(
        _l("Approval of payout runs"),
        choices=[
            SelectChoice(Approval.TWO.value, _l("two people (four eyes)")),
            SelectChoice(Approval.ONE.value, _l("one person")),
            SelectChoice(Approval.AUTOMATIC.value, _l("automatic")),
        ],
    )
    consent_mode = SelectField(
        _l("Cookies"),
        choices=[
            SelectChoice(ConsentMode.REQUIRED.value, _l("none; the shop asks for consent")),
            SelectChoice(ConsentMode.EXEMPT.value, _l("set by the redirect (exempt from consent)")),
            SelectChoice(ConsentMode.COOKIELESS.value, _l("none at all")),
        ],
    )


class RunForm(FlaskForm):
    """A new payout run."""

    period = StringField(
        _l("Month"),
        filters=[stripped],
        description=_l("The month that is paid for, as 2026-10."),
        validators=[
            DataRequired(_l("Please fill in a month.")),
            Regexp(r"\A20\d\d-(0[1-9]|1[0-2])\Z", message=_l("Write the month as 2026-10.")),
        ],
        render_kw={"maxlength": 7, "autocomplete": "off"},
    )


class ApproveForm(AgainForm):
    """Approving money asks for the password again."""


class ActionForm(FlaskForm):
    """A form that is only a button."""


class FeedbackForm(FlaskForm):
    """A file from the bank."""

    file = FileField(
        _l("File from the bank"),
        description=_l("pain.002, camt.053 or camt.054 as XML."),
        validators=[FileRequired(_l("Please choose a file."))],
        render_kw={"accept": ".xml,application/xml,text/xml"},
    )


class ResolveForm(FlaskForm):
    """What a person says about a record of the bank that matched nothing: what it was, or what it belongs to."""

    reference = StringField(
        _l("Payout or file it belongs to"),
        filters=[stripped],
        validators=[Length(max=64)],
        render_kw={"maxlength": 64, "autocomplete": "off", "spellcheck": "false"},
    )

    resolution = StringField(
        _l("What it was"),
        filters=[stripped],
        validators=[DataRequired(_l("Please say what it was; it is kept.")), Length(max=500)],
        render_kw={"maxlength": 500, "autocomplete": "off"},
    )
