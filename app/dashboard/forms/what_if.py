"""What is supposed of past orders. The form only asks: it changes nothing, so it is sent by GET and needs no token."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import InputRequired, NumberRange, Optional, ValidationError

from app.dashboard.forms.rates import RateParts, bonus_field, rate_field, referrer_field
from app.dashboard.i18n import _
from app.kernel.clock import add_months, day_start, local_day
from app.referrals.programs import MAX_HOLD_DAYS, MAX_WINDOW_DAYS
from app.referrals.words import AttributionModel, Duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wtforms import Field

LONGEST: Final = 24
"""Months that one answer may cover."""

_DAYS: Final = date(2000, 1, 1), date(2099, 12, 31)


def _is_a_day_of_ours(_form: FlaskForm, field: Field) -> None:
    if field.data and not _DAYS[0] <= field.data <= _DAYS[1]:
        raise ValidationError(_("Choose a day from 2000 to 2099."))


class WhatIfForm(RateParts):
    """What shall have held all along, and over which days; what is left empty stays as it was."""

    rate = rate_field(Optional())
    sku = SelectField(_l("For which product"), validate_choice=False)
    referrer = referrer_field()
    signup_bonus = bonus_field(Optional())
    window_days = IntegerField(
        _l("Days from click to signup"),
        validators=[Optional(), NumberRange(1, MAX_WINDOW_DAYS, _l("From 1 to 365 days."))],
    )
    attribution = SelectField(
        _l("Which click counts"),
        choices=[
            SelectChoice("", _l("as it was")),
            SelectChoice(AttributionModel.LAST_CLICK.value, _l("the last")),
            SelectChoice(AttributionModel.FIRST_CLICK.value, _l("the first")),
        ],
        default="",
    )
    hold_days = IntegerField(
        _l("Hold period in days"),
        validators=[Optional(), NumberRange(0, MAX_HOLD_DAYS, _l("From 0 to 365 days."))],
    )
    first = DateField(
        _l("First day"),
        name="from",
        validators=[InputRequired(_l("Please choose a day.")), _is_a_day_of_ours],
    )
    last = DateField(
        _l("Last day"), name="to", validators=[InputRequired(_l("Please choose a day.")), _is_a_day_of_ours]
    )

    class Meta(FlaskForm.Meta):
        """No token: nothing is changed."""

        csrf = False

    def offer(self, products: Sequence[tuple[str, str]]) -> None:
        """Let one of these products be chosen: (SKU, name) each."""
        everything = SelectChoice("", _("all without a rate of their own"))
        self.sku.choices = [everything, *(SelectChoice(sku, name) for sku, name in products)]

    def validate(self, extra_validators: object = None) -> bool:
        """Whether each field makes sense, alone and beside the others."""
        good = super().validate(extra_validators)
        self._see_that_it_supposes()
        self._see_that_days_follow()
        return good and not any(self.errors.values())

    def _see_that_it_supposes(self) -> None:
        if self.rate.data:
            if not self.kinds.data:
                _object(self.kinds, _("Choose at least one kind of order."))
            if self.duration.data == Duration.MONTHS and not (self.months.data or self.months.errors):
                _object(self.months, _("Please fill in the number of months."))
            return
        parts = self.sku, self.tiers, self.cap_order, self.cap_customer
        for field in parts if self.signup_bonus.data else (*parts, self.referrer):
            if field.data:
                _object(field, _("This goes with a rate, which is missing."))
        others = self.signup_bonus, self.window_days, self.attribution, self.hold_days
        if all(field.data in {None, ""} and not field.errors for field in others):
            self.form_errors.append(
                _(
                    "Suppose at least one thing: a rate, a bonus, days from click to signup, a model or a hold period."
                )
            )

    def _see_that_days_follow(self) -> None:
        first, last = self.first.data, self.last.data
        if first is None or last is None or self.first.errors or self.last.errors:
            return
        if last < first:
            _object(self.last, _("The last day lies before the first."))
        elif last >= latest_after(first):
            _object(self.last, _("At most %(months)s months.", months=LONGEST))


def latest_after(first: date) -> date:
    """The first day that is too late for a range beginning then."""
    return local_day(add_months(day_start(first, "UTC"), LONGEST, "UTC"), "UTC")


def range_until(today: date) -> tuple[date, date]:
    """The days that are proposed: the last three whole months."""
    last = today.replace(day=1) - timedelta(days=1)
    first = local_day(add_months(day_start(last.replace(day=1), "UTC"), -2, "UTC"), "UTC")
    return first, last


def _object(field: Field, words: str) -> None:
    field.errors = [*field.errors, words]
