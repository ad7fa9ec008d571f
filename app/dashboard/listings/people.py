"""Referrers and customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.dashboard.forms.lists import CustomerListForm, ReferrerListForm
from app.dashboard.lists import Listing
from app.kernel import clock
from app.kernel.crypto import email_key
from app.kernel.money import Money
from app.ledger.balances import Balance, balances
from app.referrals.queries import lists as queries
from app.referrals.queries.lists import CustomerFilter, ListedCustomer, ReferrerFilter
from app.referrals.words import ReferrerStatus
from app.requests import services

if TYPE_CHECKING:
    from app.dashboard.lists import Scope
    from app.kernel import sheet
    from app.kernel.keyset import Part
    from app.referrals.models import Referrer


def _text_and_key(scope: Scope) -> tuple[str, str]:
    """What was typed, and the fingerprint of it where it is an address."""
    typed = scope.form.typed
    return (typed, email_key(services().keyring, typed)) if "@" in typed else (typed, "")


def _referrers(scope: Scope, part: Part) -> list[tuple[Referrer, Balance]]:
    program, form = scope.program, scope.form
    text, key = _text_and_key(scope)
    wanted = ReferrerFilter(text, key, form.chosen(ReferrerStatus), form.between)
    rows = queries.referrers(scope.session, program.id, wanted, part)
    today = clock.local_day(clock.now(), program.timezone)
    money = balances(
        scope.session, referrer_ids=[row.id for row in rows], currency=program.currency, today=today
    )
    return [(row, money.get(row.id) or Balance(program.currency)) for row in rows]


def _referrer_line(row: tuple[Referrer, Balance], _scope: Scope) -> tuple[sheet.Value, ...]:
    referrer, held = row
    amounts = (
        held.earned,
        held.clawed_back,
        held.pending,
        held.available,
        held.held,
        held.in_flight,
        held.paid,
    )
    return (
        referrer.code,
        referrer.name,
        referrer.email,
        referrer.status.value,
        referrer.joined_at,
        held.currency,
        *(Money(each, held.currency) for each in amounts),
    )


REFERRERS: Final = Listing(
    name="referrers",
    endpoint="staff.referrers",
    form=ReferrerListForm,
    ways=queries.REFERRER_WAYS,
    read=_referrers,
    ordered=lambda row: row[0],
    columns=(
        "code",
        "name",
        "email",
        "state",
        "joined_at",
        "currency",
        "earned",
        "clawed_back",
        "pending",
        "available",
        "under_review",
        "in_flight",
        "paid",
    ),
    line=_referrer_line,
)


def _customers(scope: Scope, part: Part) -> list[ListedCustomer]:
    form = scope.form
    text, key = _text_and_key(scope)
    wanted = CustomerFilter(text, key, form.referrer_id, form.between)
    return queries.customers(scope.session, scope.program.id, wanted, part)


def _customer_line(row: ListedCustomer, _scope: Scope) -> tuple[sheet.Value, ...]:
    return (
        row.customer.customer_id,
        row.customer.first_seen_at,
        row.referrer.code if row.referrer else None,
        row.binding.method.value if row.binding else None,
        row.binding.from_at if row.binding else None,
        row.orders,
    )


CUSTOMERS: Final = Listing(
    name="customers",
    endpoint="staff.customers",
    form=CustomerListForm,
    ways=queries.CUSTOMER_WAYS,
    read=_customers,
    ordered=lambda row: row.customer,
    columns=("customer", "first_seen_at", "referrer", "method", "belongs_since", "orders"),
    line=_customer_line,
)
