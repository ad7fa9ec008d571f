"""Orders and commissions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.dashboard.forms.lists import CommissionListForm, OrderListForm
from app.dashboard.lists import Listing
from app.kernel import clock
from app.kernel.money import Money
from app.payouts.queries import payouts_of_commissions
from app.referrals.queries import lists as queries
from app.referrals.queries.lists import CommissionFilter, CommissionState, ListedCommission, OrderFilter
from app.referrals.words import OrderStatus

if TYPE_CHECKING:
    from datetime import date

    from app.dashboard.lists import Scope
    from app.kernel import sheet
    from app.kernel.keyset import Part
    from app.payouts.models import Payout, PayoutRun
    from app.referrals.queries.staff import StaffOrder


def _orders(scope: Scope, part: Part) -> list[StaffOrder]:
    form = scope.form
    wanted = OrderFilter(
        form.typed, form.chosen(OrderStatus), form.referrer_id, form.product_id, form.between
    )
    return queries.orders(scope.session, scope.program.id, wanted, part)


def _order_line(row: StaffOrder, scope: Scope) -> tuple[sheet.Value, ...]:
    order, own = row.order, scope.program.currency
    return (
        order.order_id,
        row.customer.customer_id,
        order.status.value,
        order.placed_at,
        order.paid_at,
        row.referrer.code if row.referrer else None,
        order.currency,
        Money(row.net_minor, order.currency),
        own,
        Money(row.commission_minor, own),
    )


ORDERS: Final = Listing(
    name="orders",
    endpoint="staff.orders",
    form=OrderListForm,
    ways=queries.ORDER_WAYS,
    read=_orders,
    ordered=lambda row: row.order,
    columns=(
        "order",
        "customer",
        "state",
        "placed_at",
        "paid_at",
        "referrer",
        "currency",
        "net",
        "commission_currency",
        "commission",
    ),
    line=_order_line,
)


@dataclass(frozen=True, slots=True)
class CommissionOnList:
    """A commission, where its money stands, and the payout that has it."""

    listed: ListedCommission
    state: CommissionState
    payout: tuple[Payout, PayoutRun] | None


def _commissions(scope: Scope, part: Part) -> list[CommissionOnList]:
    form = scope.form
    wanted = CommissionFilter(
        today_in(scope), form.chosen(CommissionState), form.referrer_id, form.product_id, form.between
    )
    return with_payouts(scope, queries.commissions(scope.session, scope.program.id, wanted, part))


def with_payouts(scope: Scope, rows: list[ListedCommission]) -> list[CommissionOnList]:
    """Where the money of each stands, and who has it."""
    today = today_in(scope)
    payouts = payouts_of_commissions(scope.session, [row.commission for row in rows])
    return [
        CommissionOnList(row, queries.state_of(row.commission, today), payouts.get(row.commission.id))
        for row in rows
    ]


def today_in(scope: Scope) -> date:
    """The programme's calendar day."""
    return clock.local_day(clock.now(), scope.program.timezone)


def _commission_line(row: CommissionOnList, scope: Scope) -> tuple[sheet.Value, ...]:
    one, own = row.listed.commission, scope.program.currency
    return (
        one.id,
        row.listed.order.order_id,
        row.listed.line.line_id,
        row.listed.line.sku,
        row.listed.referrer.code,
        row.listed.customer.customer_id,
        one.kind.value,
        row.state.value,
        one.paid_at,
        one.available_on,
        own,
        Money(one.base_minor, own),
        Money(one.earned_minor, own),
        Money(one.target_minor, own),
        row.payout[1].name if row.payout else None,
        row.payout[0].state.value if row.payout else None,
    )


COMMISSIONS: Final = Listing(
    name="commissions",
    endpoint="staff.commissions",
    form=CommissionListForm,
    ways=queries.COMMISSION_WAYS,
    read=_commissions,
    ordered=lambda row: row.listed.commission,
    columns=(
        "commission",
        "order",
        "line",
        "sku",
        "referrer",
        "customer",
        "kind",
        "state",
        "paid_at",
        "available_on",
        "currency",
        "base",
        "earned",
        "now",
        "run",
        "payout_state",
    ),
    line=_commission_line,
)
