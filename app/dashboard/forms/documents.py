"""Tax profiles, the agreement to self-billing, objections, and who the merchant is on documents."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, Length, Optional, Regexp

from app.dashboard.forms.base import stripped
from app.payouts.domain.vat import TaxStatus


class PartyForm(FlaskForm):
    """A legal name and address, as they stand on a document."""

    legal_name = StringField(
        _l("Legal name"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in the name.")), Length(max=140)],
        render_kw={"autocomplete": "organization", "maxlength": 140},
    )
    street = StringField(
        _l("Street and number"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in the street.")), Length(max=140)],
        render_kw={"autocomplete": "street-address", "maxlength": 140},
    )
    postcode = StringField(
        _l("Postcode"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in the postcode.")), Length(max=16)],
        render_kw={"autocomplete": "postal-code", "maxlength": 16},
    )
    town = StringField(
        _l("Town"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in the town.")), Length(max=70)],
        render_kw={"autocomplete": "address-level2", "maxlength": 70},
    )
    country = StringField(
        _l("Country"),
        filters=[stripped, lambda value: value.upper() if value else value],
        description=_l("Two letters, such as NL."),
        validators=[Regexp(r"\A[A-Z]{2}\Z", message=_l("Two letters, such as NL."))],
        render_kw={"maxlength": 2, "autocomplete": "country"},
    )
    vat_id = StringField(
        _l("VAT id"),
        filters=[stripped],
        description=_l("With the letters of its country, such as NL123456789B01."),
        validators=[Optional(), Length(max=20)],
        render_kw={"autocomplete": "off", "maxlength": 20, "spellcheck": "false"},
    )


class TaxProfileForm(PartyForm):
    """What a referrer is to the tax office."""

    status = SelectField(
        _l("You are"),
        choices=[
            SelectChoice(TaxStatus.PRIVATE.value, _l("a private person")),
            SelectChoice(TaxStatus.BUSINESS.value, _l("a business that charges VAT")),
            SelectChoice(TaxStatus.SMALL_BUSINESS.value, _l("a small business exempt from VAT")),
        ],
    )
    tax_number = StringField(
        _l("Tax number"),
        filters=[stripped],
        description=_l("Of a small business: the number that the tax office gave you."),
        validators=[Optional(), Length(max=30)],
        render_kw={"autocomplete": "off", "maxlength": 30, "spellcheck": "false"},
    )
    small_business_id = StringField(
        _l("EU small-business number"),
        filters=[stripped],
        description=_l("Only if you use the EU scheme across borders; it ends in EX."),
        validators=[Optional(), Length(max=30)],
        render_kw={"autocomplete": "off", "maxlength": 30, "spellcheck": "false"},
    )


class AgreementForm(FlaskForm):
    """The agreement to self-billing."""

    agree = BooleanField(
        _l("I agree that the programme writes my invoices."),
        validators=[DataRequired(_l("Please tick the box to agree."))],
    )


class ObjectionForm(FlaskForm):
    """What is wrong with a document."""

    reason = StringField(
        _l("What is wrong?"),
        filters=[stripped],
        validators=[DataRequired(_l("Please say what is wrong.")), Length(max=500)],
        render_kw={"maxlength": 500},
    )
