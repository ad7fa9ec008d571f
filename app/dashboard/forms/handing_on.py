"""How money leaves the house, and how the books are handed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from app.dashboard.forms.again import AgainForm
from app.dashboard.forms.base import stripped
from app.finance.words import ACCOUNTS, Chart
from app.payouts.rails import rails
from app.referrals.programs import BANK_PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wtforms import Field

ACCOUNT_WORDS: Final = {
    "commission_expense": _l("Commission expense"),
    "payable": _l("Owed to referrers"),
    "held": _l("Owed, under review"),
    "in_flight": _l("Payouts in flight"),
    "bank": _l("Bank"),
    "opening": _l("Opening balances"),
    "input_vat": _l("Input VAT"),
    "payable_vat": _l("VAT owed to referrers"),
}
"""The ledger's accounts in words."""

_BANKS: Final = {
    "generic": _l("another bank"),
    "ing": "ING",
    "abn-amro": "ABN AMRO",
    "rabobank": "Rabobank",
    "bunq": "bunq",
    "german": _l("a German bank"),
}
_CODE: Final = {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}


class PaymentsForm(AgainForm):
    """From which account payouts are paid, and how. An empty IBAN leaves the account as it is."""

    debtor_name = StringField(
        _l("Account holder"),
        filters=[stripped],
        validators=[Optional(), Length(max=140)],
        render_kw={"maxlength": 140, "autocomplete": "off"},
    )
    debtor_iban = StringField(
        _l("IBAN of the account that pays"),
        filters=[stripped],
        description=_l("Left empty: as it is."),
        validators=[Optional(), Length(max=50)],
        render_kw={"maxlength": 50, **_CODE},
    )
    debtor_bic = StringField(
        _l("BIC (optional)"),
        filters=[stripped],
        description=_l("Left empty: as it is."),
        validators=[Optional(), Length(max=11)],
        render_kw={"maxlength": 11, **_CODE},
    )
    bank_profile = SelectField(
        _l("Bank"),
        choices=[SelectChoice(name, _BANKS.get(name, name)) for name in BANK_PROFILES],
        description=_l("How many payments a file may hold, and how the bank wants it."),
    )
    rail = SelectField(_l("Kind of file"))
    instant = BooleanField(_l("Ask the bank for instant payments, where it offers them"))

    def offer(self, currency: str) -> None:
        """Let only rails be chosen that pay this currency."""
        self.rail.choices = [
            SelectChoice(name, name.upper()) for name, rail in rails().items() if rail.pays(currency)
        ]


class BooksForm(FlaskForm):
    """Account numbers, and the numbers by which the tax adviser knows the merchant."""

    chart = SelectField(
        _l("Chart of accounts"), choices=[SelectChoice(chart.value, chart.value.upper()) for chart in Chart]
    )
    adviser = IntegerField(
        _l("Tax adviser's number"),
        description=_l("DATEV's Beraternummer. Left empty: as it is."),
        validators=[Optional(), NumberRange(1001, 9_999_999, _l("From 1001 to 9999999."))],
    )
    client = IntegerField(
        _l("Client's number"),
        description=_l("DATEV's Mandantennummer. Left empty: as it is."),
        validators=[Optional(), NumberRange(1, 99_999, _l("From 1 to 99999."))],
    )
    year_begins = IntegerField(
        _l("Month in which the financial year begins"),
        validators=[InputRequired(_l("Please fill in a number.")), NumberRange(1, 12, _l("From 1 to 12."))],
    )

    def accounts(self) -> Iterable[tuple[str, Field]]:
        """(ledger account, the field of its number)."""
        return [(name, self._fields[field_of(name)]) for name in ACCOUNT_WORDS]


def field_of(account: str) -> str:
    """What an account's field is called."""
    return f"account_{account}"


for _name in ACCOUNTS[Chart.SKR03]:
    setattr(
        BooksForm,
        field_of(_name),
        StringField(
            ACCOUNT_WORDS[_name],
            filters=[stripped],
            validators=[Optional(), Regexp(r"\A[0-9]{4,8}\Z", message=_l("4 to 8 digits."))],
            render_kw={"maxlength": 8, "inputmode": "numeric", "autocomplete": "off"},
        ),
    )
