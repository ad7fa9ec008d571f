"""Orders with their lines and commissions as plain values: read by statements made once, written where they
differ.

Every fact reads and writes a handful of these rows. A session's unit of work costs several times what the rows
themselves do, so the heart keeps its own small one: what is new is inserted, what changed is updated, once, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from app.kernel.db import connection_of, table_of
from app.referrals.domain.commission import Outcome
from app.referrals.domain.refunded import GivenBack
from app.referrals.models import Commission, Customer, Order, OrderLine, Refund
from app.referrals.words import CommissionKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from app.referrals.words import LineKind, OrderStatus, ReferrerStatus

_CUSTOMERS = table_of(Customer)
_ORDERS, _LINES = table_of(Order), table_of(OrderLine)
_COMMISSIONS, _REFUNDS = table_of(Commission), table_of(Refund)

_CHANGING: Final = (
    "base_minor",
    "rate_version_id",
    "tier_from",
    "uncapped_minor",
    "earned_minor",
    "target_minor",
    "held_minor",
    "postings",
)


@dataclass(slots=True)
class CustomerRow:
    """A customer, locked. Meaning: :class:`app.referrals.models.Customer`.

    ``awaited`` says that facts wait for the order that it was locked for.
    """

    id: int
    customer_id: str
    email_key: str | None
    first_seen_at: datetime | None
    marks: list[dict[str, Any]] | None = None
    forgotten_paid_at: datetime | None = None
    awaited: bool = False


class SharedReferrer(NamedTuple):
    """What an order needs to know of a referrer that it has locked."""

    id: int
    code: str
    status: ReferrerStatus
    email_key: str


@dataclass(slots=True)
class CommissionRow:
    """What a line earns one referrer; ``id`` is 0 until it is written. Meaning and bounds: :class:`Commission`."""

    line: LineRow
    program_id: int
    referrer_id: int
    rate_version_id: int
    base_minor: int
    paid_at: datetime
    available_on: date
    kind: CommissionKind = CommissionKind.KICKBACK
    id: int = 0
    tier_from: int | None = None
    uncapped_minor: int | None = None
    earned_minor: int = 0
    target_minor: int = 0
    held_minor: int = 0
    rejected: bool = False
    postings: int = 0
    stored: dict[str, Any] | None = None

    def changing(self) -> dict[str, Any]:
        """The columns that may change, as they are now."""
        return {name: getattr(self, name) for name in _CHANGING}


@dataclass(slots=True)
class LineRow:
    """An order line as it is now; ``id`` is 0 until it is written. Meaning and bounds: :class:`OrderLine`."""

    order: OrderRow
    line_id: str
    position: int
    sku: str
    product_id: int | None
    quantity: int
    net_minor: int
    kind: LineKind
    id: int = 0
    refunded_minor: int = 0
    outcome: Outcome = Outcome.UNPAID
    stored: tuple[int, Outcome] | None = None
    commissions: list[CommissionRow] = field(default_factory=list)


@dataclass(slots=True)
class OrderRow:
    """An order with all that hangs on it; ``id`` is 0 until it is written. ``more`` are columns that nobody reads.

    ``referrer`` is the code of its referrer, known once it is settled.
    """

    program_id: int
    customer_id: int
    order_id: str
    currency: str
    status: OrderStatus
    placed_at: datetime
    paid_at: datetime | None
    method: str | None
    payer_iban_key: str | None
    referrer_id: int | None = None
    exchange: Mapping[str, Any] | None = None
    counted: bool = True
    id: int = 0
    stored: tuple[int | None, Mapping[str, Any] | None, bool] = (None, None, True)
    referrer: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    lines: list[LineRow] = field(default_factory=list)
    given_back: list[GivenBack] = field(default_factory=list)

    def derived(self) -> tuple[int | None, Mapping[str, Any] | None, bool]:
        """The columns that settling decides, as they are now."""
        return self.referrer_id, self.exchange, self.counted

    def given_back_at(self) -> datetime | None:
        """When the refund that was recorded last happened."""
        return self.given_back[-1].refunded_at if self.given_back else None

    def counts_for(self) -> int | None:
        """The referrer among whose paid orders it counts."""
        return None if self.paid_at is None or not self.counted else self.referrer_id

    def counted_for(self) -> int | None:
        """The same as it was stored when the order was settled last: an order without a payment had no outcome yet."""
        if self.paid_at is None:
            return None
        settled = any(line.stored and line.stored[1] is not Outcome.UNPAID for line in self.lines)
        return self.stored[0] if settled and self.stored[2] else None


_WRITE_CUSTOMER: Final = (
    update(_CUSTOMERS)
    .where(_CUSTOMERS.c.id == bindparam("row"))
    .values(email_key=bindparam("email"), first_seen_at=bindparam("seen"))
)


def write_customer(session: Session, customer: CustomerRow) -> None:
    """Store what became known of a customer."""
    values = {"row": customer.id, "email": customer.email_key, "seen": customer.first_seen_at}
    connection_of(session).execute(_WRITE_CUSTOMER, values)


_ORDER_COLUMNS: Final = (
    "program_id",
    "customer_id",
    "order_id",
    "currency",
    "status",
    "placed_at",
    "paid_at",
    "method",
    "payer_iban_key",
    "referrer_id",
    "exchange",
    "counted",
    "id",
)
_READ_ORDERS: Final = select(*(_ORDERS.c[name] for name in _ORDER_COLUMNS)).order_by(_ORDERS.c.id)
_READ_SOME: Final = _READ_ORDERS.where(_ORDERS.c.id.in_(bindparam("wanted", expanding=True)))
_READ_ALL: Final = _READ_ORDERS.where(_ORDERS.c.customer_id.in_(bindparam("customers", expanding=True)))

_LINE_COLUMNS: Final = (
    "line_id",
    "position",
    "sku",
    "product_id",
    "quantity",
    "net_minor",
    "kind",
    "id",
    "refunded_minor",
    "outcome",
)
_READ_LINES: Final = (
    select(_LINES.c.order_id, *(_LINES.c[name] for name in _LINE_COLUMNS))
    .where(_LINES.c.order_id.in_(bindparam("wanted", expanding=True)))
    .order_by(_LINES.c.order_id, _LINES.c.position)
)
_COMMISSION_COLUMNS: Final = (
    "program_id",
    "referrer_id",
    "rate_version_id",
    "base_minor",
    "paid_at",
    "available_on",
    "kind",
    "id",
    "tier_from",
    "uncapped_minor",
    "earned_minor",
    "target_minor",
    "held_minor",
    "rejected",
    "postings",
)
_READ_COMMISSIONS: Final = (
    select(_COMMISSIONS.c.order_line_id, *(_COMMISSIONS.c[name] for name in _COMMISSION_COLUMNS))
    .where(_COMMISSIONS.c.order_id.in_(bindparam("wanted", expanding=True)))
    .order_by(_COMMISSIONS.c.id)
)
_READ_REFUNDS: Final = (
    select(
        _REFUNDS.c.order_id,
        _REFUNDS.c.refund_id,
        _REFUNDS.c.kind,
        _REFUNDS.c.full,
        _REFUNDS.c.lines,
        _REFUNDS.c.reverses,
        _REFUNDS.c.refunded_at,
    )
    .where(_REFUNDS.c.order_id.in_(bindparam("wanted", expanding=True)))
    .order_by(_REFUNDS.c.id)
)

_CHUNK: Final = 500
"""Orders that one statement names at most: databases bound the number of parameters."""


def read_orders(session: Session, order_ids: Sequence[int]) -> list[OrderRow]:
    """The orders with these numbers, complete, by number."""
    session.flush()
    connection = connection_of(session)
    found: list[OrderRow] = []
    for start in range(0, len(order_ids), _CHUNK):
        wanted = {"wanted": list(order_ids[start : start + _CHUNK])}
        found += _complete(connection, connection.execute(_READ_SOME, wanted))
    return found


def read_orders_of(session: Session, *customer_ids: int) -> list[OrderRow]:
    """All orders of a customer, or of some hundred, complete, by number."""
    session.flush()
    connection = connection_of(session)
    return _complete(connection, connection.execute(_READ_ALL, {"customers": list(customer_ids)}))


def _complete(connection: Connection, rows: Iterable[Sequence[Any]]) -> list[OrderRow]:
    orders = [OrderRow(*row) for row in rows]
    for order in orders:
        order.stored = order.derived()
    for start in range(0, len(orders), _CHUNK):
        _add_all(connection, {order.id: order for order in orders[start : start + _CHUNK]})
    return orders


def _add_all(connection: Connection, orders: Mapping[int, OrderRow]) -> None:
    wanted = {"wanted": list(orders)}
    lines: dict[int, LineRow] = {}
    for order_id, *rest in connection.execute(_READ_LINES, wanted):
        line = LineRow(orders[order_id], *rest)
        line.outcome = Outcome(line.outcome)
        line.stored = (line.refunded_minor, line.outcome)
        orders[order_id].lines.append(line)
        lines[line.id] = line
    for line_id, *rest in connection.execute(_READ_COMMISSIONS, wanted):
        commission = CommissionRow(lines[line_id], *rest)
        commission.stored = commission.changing()
        lines[line_id].commissions.append(commission)
    for order_id, *rest in connection.execute(_READ_REFUNDS, wanted):
        orders[order_id].given_back.append(GivenBack(*rest))


_INSERT_ORDER: Final = insert(_ORDERS).returning(_ORDERS.c.id)
_INSERT_LINES: Final = insert(_LINES).returning(_LINES.c.id, _LINES.c.line_id)
_INSERT_COMMISSIONS: Final = insert(_COMMISSIONS).returning(
    _COMMISSIONS.c.id, _COMMISSIONS.c.order_line_id, _COMMISSIONS.c.referrer_id, _COMMISSIONS.c.kind
)
_WRITE_ORDER: Final = (
    update(_ORDERS)
    .where(_ORDERS.c.id == bindparam("row"))
    .values(referrer_id=bindparam("referrer"), exchange=bindparam("rates"), counted=bindparam("counts"))
)
_WRITE_LINE: Final = (
    update(_LINES)
    .where(_LINES.c.id == bindparam("row"))
    .values(refunded_minor=bindparam("refunded"), outcome=bindparam("result"))
)
_WRITE_COMMISSION: Final = (
    update(_COMMISSIONS)
    .where(_COMMISSIONS.c.id == bindparam("row"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGING})
)


def write_orders(session: Session, orders: Sequence[OrderRow]) -> None:
    """Insert what is new of these orders and update what changed; afterwards every row has its id."""
    connection = connection_of(session)
    for order in orders:
        _write_order(connection, order)
    lines = [line for order in orders for line in order.lines]
    changed = [line for line in lines if line.stored != (line.refunded_minor, line.outcome)]
    if changed:
        connection.execute(
            _WRITE_LINE,
            [
                {"row": line.id, "refunded": line.refunded_minor, "result": line.outcome.value}
                for line in changed
            ],
        )
    for line in changed:
        line.stored = (line.refunded_minor, line.outcome)
    write_commissions(session, [commission for line in lines for commission in line.commissions])


def _write_order(connection: Connection, order: OrderRow) -> None:
    if order.id:
        if (now := order.derived()) != order.stored:
            values = dict(zip(("referrer", "rates", "counts"), now, strict=True))
            connection.execute(_WRITE_ORDER, {"row": order.id, **values})
            order.stored = now
        return
    columns = {name: getattr(order, name) for name in _ORDER_COLUMNS[:-1]}
    order.id = connection.execute(_INSERT_ORDER, columns | dict(order.more)).scalar_one()
    order.stored = order.derived()
    by_name = {line.line_id: line for line in order.lines}
    for line_id, name in connection.execute(_INSERT_LINES, [_line_columns(line) for line in order.lines]):
        by_name[name].id = line_id
    for line in order.lines:
        line.stored = (line.refunded_minor, line.outcome)


def _line_columns(line: LineRow) -> dict[str, Any]:
    return {
        "order_id": line.order.id,
        "line_id": line.line_id,
        "position": line.position,
        "sku": line.sku,
        "product_id": line.product_id,
        "quantity": line.quantity,
        "net_minor": line.net_minor,
        "refunded_minor": line.refunded_minor,
        "kind": line.kind,
        "outcome": line.outcome.value,
    }


def write_commissions(session: Session, commissions: Iterable[CommissionRow]) -> None:
    """Insert the new ones, whose lines have their ids, and update what changed of the others."""
    connection = connection_of(session)
    new: dict[tuple[int, int, CommissionKind], CommissionRow] = {}
    for commission in commissions:
        columns = commission.changing()
        if commission.id == 0:
            new[commission.line.id, commission.referrer_id, commission.kind] = commission
        elif columns != commission.stored:
            changes = {f"new_{name}": value for name, value in columns.items()}
            connection.execute(_WRITE_COMMISSION, {"row": commission.id, **changes})
        commission.stored = columns
    if new:
        rows = [_commission_columns(commission) for commission in new.values()]
        for commission_id, *key in connection.execute(_INSERT_COMMISSIONS, rows):
            new[tuple(key)].id = commission_id


def _commission_columns(commission: CommissionRow) -> dict[str, Any]:
    assert commission.stored is not None
    return commission.stored | {
        "program_id": commission.program_id,
        "referrer_id": commission.referrer_id,
        "order_id": commission.line.order.id,
        "order_line_id": commission.line.id,
        "kind": commission.kind,
        "rejected": commission.rejected,
        "paid_at": commission.paid_at,
        "available_on": commission.available_on,
    }
