"""Commission rates and sign-up bonuses, as staff set or only suppose them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, NumberRange, Optional, Regexp, ValidationError

from app.dashboard.forms.base import stripped, text
from app.dashboard.i18n import _
from app.referrals.rate_parts import MAX_TIERS
from app.referrals.rates import MAX_MONTHS, RateTerms
from app.referrals.words import Duration, LineKind, RateScope, TierBasis

if TYPE_CHECKING:
    from wtforms import Field

_STEP: Final = re.compile(
    r"\s*(\d{1,9})\s*[=:]\s*(\d{1,3}(?:[.,]\d{1,4})?\s?%|\d{1,9}(?:[.,]\d{1,3})?)\s*", re.ASCII
)
_AMOUNT: Final = Regexp(r"\A\d{1,9}([.,]\d{1,3})?\Z", message=_l("Write an amount such as 25.00."))
_RATE: Final = Regexp(
    r"\A(none|\d{1,3}([.,]\d{1,4})?\s?%|\d{1,9}([.,]\d{1,3})?)\Z", message=_l("Write 10%, 5.00 or none.")
)
_SHORT: Final = {"maxlength": 20, "autocomplete": "off"}

REFUSED_FIELDS: Final = {"/duration": "months", "/tier": "tiers", "/from": "valid_from"}
"""The fields of a rate that its use case calls otherwise."""


def refusal_words(pointer: str | None) -> str:
    """What was wrong with the part of a rate that the use case refused."""
    match pointer:
        case "/duration":
            return _("Please fill in the number of months.")
        case "/tier" | "/tier_basis":
            return _(
                "From line to line the numbers must rise, from 2 on, and each rate must be higher than the one before, "
                "the commission rate first: percentages after a percentage, amounts after an amount."
            )
        case "/cap_order" | "/cap_customer":
            return _("Write an amount above 0; a rate of none has no cap.")
        case "/signup_bonus":
            return _("Write an amount such as 10.00, or none.")
        case _:
            return _("Write 10%, 5.00 or none.")


def plain(field: Field) -> str:
    """A rate or an amount as the use cases read it."""
    return re.sub(r"\s", "", text(field)).replace(",", ".")


def _lines_are_steps(_form: FlaskForm, field: Field) -> None:
    lines = _lines(field)
    if len(lines) > MAX_TIERS:
        raise ValidationError(_("At most %(most)s lines.", most=MAX_TIERS))
    for line in lines:
        if not _STEP.fullmatch(line):
            raise ValidationError(
                _("Write a number and a rate on each line, as 10 = 12%%, not %(line)s.", line=line)
            )


def _lines(field: Field) -> list[str]:
    return [line.strip() for line in text(field).splitlines() if line.strip()]


class RateParts(FlaskForm):
    """What a rate says besides what it pays: for how long, for what, with which tiers and up to what."""

    duration = SelectField(
        _l("For how long"),
        choices=[
            SelectChoice(Duration.LIFETIME.value, _l("every order")),
            SelectChoice(Duration.FIRST_ORDER.value, _l("first order only")),
            SelectChoice(Duration.MONTHS.value, _l("a number of months")),
        ],
    )
    months = IntegerField(
        _l("Months"), validators=[Optional(), NumberRange(1, MAX_MONTHS, _l("From 1 to 240 months."))]
    )
    kinds = SelectMultipleField(
        _l("For which orders"),
        choices=[
            SelectChoice(LineKind.NEW.value, _l("new orders")),
            SelectChoice(LineKind.RENEWAL.value, _l("renewals")),
            SelectChoice(LineKind.UPGRADE.value, _l("upgrades")),
            SelectChoice(LineKind.ADDON.value, _l("add-ons")),
        ],
        default=[kind.value for kind in LineKind],
    )
    tiers = TextAreaField(
        _l("Performance tiers"),
        description=_l(
            "One on each line: from which customer on, that one included, and the rate that holds then, as 10 = 12%."
        ),
        validators=[Optional(), _lines_are_steps],
        render_kw={"rows": 3, "autocomplete": "off", "spellcheck": "false"},
    )
    tier_basis = SelectField(
        _l("Which customers are counted for tiers"),
        choices=[
            SelectChoice(TierBasis.MONTH.value, _l("those of the calendar month")),
            SelectChoice(TierBasis.TOTAL.value, _l("all of them")),
        ],
        default=TierBasis.MONTH.value,
    )
    cap_order = StringField(
        _l("At most per order"), filters=[stripped], validators=[Optional(), _AMOUNT], render_kw=_SHORT
    )
    cap_customer = StringField(
        _l("At most per customer"), filters=[stripped], validators=[Optional(), _AMOUNT], render_kw=_SHORT
    )

    def terms(self, rate: Field, scope: RateScope = RateScope.NEW_CUSTOMERS) -> RateTerms:
        """What the form says, valid as far as a form can tell; ``rate`` is the field of what it pays."""
        tiers: list[tuple[int, str]] = []
        for line in _lines(self.tiers):
            number, _sign, paid = line.replace(":", "=", 1).partition("=")
            tiers.append((int(number), re.sub(r"\s", "", paid).replace(",", ".")))
        return RateTerms(
            plain(rate),
            duration=f"{self.months.data}m" if self.duration.data == Duration.MONTHS else self.duration.data,
            scope=scope,
            kinds=frozenset(LineKind(kind) for kind in self.kinds.data or ()),
            tiers=tuple(tiers),
            tier_basis=TierBasis(self.tier_basis.data) if tiers else None,
            cap_order=plain(self.cap_order) or None,
            cap_customer=plain(self.cap_customer) or None,
        )


def rate_field(*validators: object) -> StringField:
    """What a rate pays."""
    return StringField(
        _l("Commission rate"),
        filters=[stripped],
        description=_l("A percentage of what was paid (10%), an amount for each piece (5.00), or none."),
        validators=[*validators, _RATE],
        render_kw=_SHORT,
    )


def referrer_field(description: str = "") -> StringField:
    """Whose rate it is; empty for everybody's."""
    return StringField(
        _l("For which referrer (the code)"),
        filters=[stripped],
        description=description,
        render_kw={"maxlength": 32, "autocomplete": "off", "spellcheck": "false"},
    )


def bonus_field(*validators: object) -> StringField:
    """A sign-up bonus."""
    return StringField(
        _l("Sign-up bonus"),
        filters=[stripped],
        description=_l("Paid once, for the first order that a new customer ever pays. None ends it."),
        validators=[
            *validators,
            Regexp(
                r"\A(none|\d{1,9}([.,]\d{1,3})?)\Z", message=_l("Write an amount such as 10.00, or none.")
            ),
        ],
        render_kw=_SHORT,
    )


def _from_field() -> DateField:
    return DateField(_l("From"), description=_l("Left empty: from now on."), validators=[Optional()])


class RateForm(RateParts):
    """The next version of a commission rate."""

    rate = rate_field(DataRequired(_l("Please fill in a rate.")))
    referrer = referrer_field(_l("Left empty: for all of them."))
    scope = SelectField(
        _l("For whom"),
        choices=[
            SelectChoice(RateScope.NEW_CUSTOMERS.value, _l("customers who come from then on")),
            SelectChoice(RateScope.ALL.value, _l("every order paid from then on")),
        ],
        description=_l("Old referrals keep their rate unless you choose the second."),
    )
    valid_from = _from_field()

    def validate(self, extra_validators: object = None) -> bool:
        """Whether each field makes sense."""
        good = bool(super().validate(extra_validators))
        if not self.kinds.data:
            self.kinds.errors = [_("Choose at least one kind of order.")]
            return False
        return good


class BonusForm(FlaskForm):
    """The next version of the sign-up bonus."""

    signup_bonus = bonus_field(DataRequired(_l("Please fill in an amount, or none.")))
    referrer = referrer_field(_l("Left empty: for all of them."))
    valid_from = _from_field()
