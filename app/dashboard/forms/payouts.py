"""What staff say of payouts and debts, each with a reason that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, Optional, Regexp

from app.dashboard.forms.base import stripped
from app.dashboard.forms.staff import ApproveForm, ReasonForm
from app.dashboard.i18n import _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from wtforms import Form

PAID: Final = "paid"
NOT_PAID: Final = "not_paid"


class DismissForm(ApproveForm, ReasonForm):
    """A file never reached the bank: its money is given back, so the password is asked for again."""


class DecideForm(ApproveForm, ReasonForm):
    """What became of a payout of which nobody knows."""

    outcome = SelectField(
        _l("What became of it"),
        choices=[
            SelectChoice(PAID, _l("The bank paid it")),
            SelectChoice(NOT_PAID, _l("The bank did not pay it and will not")),
        ],
        validators=[DataRequired(_l("Please say what became of it."))],
    )
    paid_on = DateField(
        _l("Booked on"), validators=[Optional()], description=_l("Only where the bank paid it.")
    )

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """A booking has a day; a validator of an optional field would not be asked where the field is empty."""
        valid: bool = super().validate(extra_validators)
        if self.outcome.data == PAID and self.paid_on.data is None:
            self.paid_on.errors = [
                *self.paid_on.errors,
                _("Please fill in the day on which the bank booked it."),
            ]
            return False
        return valid

    @property
    def day(self) -> date | None:
        """The day of the booking; ``None`` where there was none."""
        found: date | None = self.paid_on.data
        return found if self.outcome.data == PAID else None


class WriteOffForm(ReasonForm):
    """How much of a debt is forgiven."""

    amount = StringField(
        _l("Amount (empty: all of it)"),
        filters=[stripped],
        validators=[
            Optional(),
            Regexp(r"\A\d{1,9}([.,]\d{1,3})?\Z", message=_l("Write an amount such as 25.00.")),
        ],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )


def fields_of(form: Form) -> list[str]:
    """The names of a form's fields in the order in which a page asks for them."""
    order = ("outcome", "paid_on", "amount", "reason", "password", "code")
    return [name for name in order if name in form]
