"""A new API key."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, Length

from app.dashboard.forms.again import AgainForm
from app.dashboard.forms.base import stripped
from app.identity.api_keys import MAX_NAME, Scope

SCOPES: Final = {
    Scope.REFERRERS_WRITE: _l("Join referrers, make links, open their pages signed in"),
    Scope.REPORTS_READ: _l("Read referrers, balances, clicks, commissions and payouts"),
    Scope.PAYOUTS_WRITE: _l("Put a referrer's bank account on file"),
    Scope.SIGNUPS_WRITE: _l("Report signups, chosen partners and erasures"),
    Scope.ORDERS_WRITE: _l("Report orders, payments, corrections, cancellations and refunds"),
}
"""What a key may be used for, in words. A scope that came later is shown by its name."""


class ApiKeyForm(AgainForm):
    """What it is for, and what it may do."""

    name = StringField(
        _l("What it is for"),
        filters=[stripped],
        description=_l("Such as the shop or the billing system that will hold it."),
        validators=[DataRequired(_l("Please say what it is for.")), Length(max=MAX_NAME)],
        render_kw={"maxlength": MAX_NAME, "autocomplete": "off"},
    )
    scopes = SelectMultipleField(
        _l("What it may do"),
        choices=[SelectChoice(scope.value, SCOPES.get(scope, scope.value)) for scope in Scope],
        validators=[DataRequired(_l("Choose at least one."))],
    )
