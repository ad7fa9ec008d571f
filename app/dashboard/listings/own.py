"""A referrer's own commissions, as a file beside their page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.dashboard.forms.lists import ListForm
from app.dashboard.listings.sales import CommissionOnList, today_in, with_payouts
from app.dashboard.lists import Listing
from app.dashboard.presenters.commissions import pseudonym
from app.kernel.money import Money
from app.referrals.queries import lists as queries
from app.referrals.queries.lists import CommissionFilter

if TYPE_CHECKING:
    from app.dashboard.lists import Scope
    from app.kernel import sheet
    from app.kernel.keyset import Part


def _read(scope: Scope, part: Part) -> list[CommissionOnList]:
    """Those of the referrer that the scope is inside of."""
    wanted = CommissionFilter(today_in(scope), referrer_id=scope.inside)
    return with_payouts(scope, queries.commissions(scope.session, scope.program.id, wanted, part))


def _line(row: CommissionOnList, scope: Scope) -> tuple[sheet.Value, ...]:
    one, own = row.listed.commission, scope.program.currency
    return (
        one.id,
        row.listed.line.sku,
        pseudonym(row.listed.customer.id),
        one.kind.value,
        row.state.value,
        one.paid_at,
        one.available_on,
        own,
        Money(one.base_minor, own),
        Money(one.earned_minor, own),
        Money(one.target_minor, own),
        row.payout[1].period if row.payout else None,
        row.payout[0].state.value if row.payout else None,
    )


OWN_COMMISSIONS: Final = Listing(
    name="own-commissions",
    endpoint="home.commissions",
    form=ListForm,
    ways={"paid": queries.COMMISSION_WAYS["paid"]},
    read=_read,
    ordered=lambda row: row.listed.commission,
    columns=(
        "commission",
        "sku",
        "customer",
        "kind",
        "state",
        "paid_at",
        "available_on",
        "currency",
        "base",
        "earned",
        "now",
        "payout_month",
        "payout_state",
    ),
    line=_line,
)
"""Customers have the number that the pages call them by: nobody's name, and not the shop's."""
