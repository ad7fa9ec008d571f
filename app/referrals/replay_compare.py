"""What a replay came to, beside what stands: two ordered streams of rows each, compared in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sqlalchemy import String, case, cast, collate, func, select

from app.kernel.db import connection_of, table_of
from app.ledger.models import LedgerAccount, LedgerEntry, TransactionKind
from app.referrals.models import (
    Binding,
    Commission,
    Customer,
    Decision,
    Fact,
    FactState,
    Order,
    OrderLine,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    _Bytewise: TypeAlias = Callable[[ColumnElement[str]], ColumnElement[str]]

_CUSTOMERS, _BINDINGS, _DECISIONS = table_of(Customer), table_of(Binding), table_of(Decision)
_ORDERS, _LINES, _COMMISSIONS = table_of(Order), table_of(OrderLine), table_of(Commission)
_FACTS, _ENTRIES = table_of(Fact), table_of(LedgerEntry)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not the same: of which ``kind``, its key, and what each side says (``None``: no such row)."""

    kind: str
    key: tuple[Any, ...]
    stands: dict[str, Any] | None
    replayed: dict[str, Any] | None

    def __str__(self) -> str:
        """One line."""
        name = f"{self.kind} {' '.join(map(str, self.key))}"
        if self.stands is None:
            return f"{name}: only in the replay: {self.replayed}"
        if self.replayed is None:
            return f"{name}: not in the replay: {self.stands}"
        other = self.replayed
        fields = [f"{k} {v!r}, replayed {other[k]!r}" for k, v in self.stands.items() if v != other[k]]
        return f"{name}: {'; '.join(fields)}"


class _Side(NamedTuple):
    """One statement for both databases; the first ``keys`` columns of its rows name a row, the others are compared."""

    kind: str
    keys: int
    statement: Callable[[_Bytewise], Select[Any]]


def _decisions(text: _Bytewise) -> Select[Any]:
    keys = (
        _DECISIONS.c.program_id,
        text(_CUSTOMERS.c.customer_id),
        text(_DECISIONS.c.occasion),
        text(_DECISIONS.c.occasion_ref),
    )
    columns = _DECISIONS.c["rule", "referrer_id", "method", "bound_from", "candidates"]
    return (
        select(*keys, *columns)
        .join(_CUSTOMERS, _CUSTOMERS.c.id == _DECISIONS.c.customer_id)
        .where(_DECISIONS.c.superseded_at.is_(None))
        .order_by(*keys)
    )


def _bindings(text: _Bytewise) -> Select[Any]:
    keys = _BINDINGS.c.program_id, text(_CUSTOMERS.c.customer_id), _BINDINGS.c.from_at
    columns = _BINDINGS.c[
        "until_at", "referrer_id", "method", "campaign", "first_paid_at", "first_paid_order"
    ]
    return (
        select(*keys, *columns).join(_CUSTOMERS, _CUSTOMERS.c.id == _BINDINGS.c.customer_id).order_by(*keys)
    )


def _orders(text: _Bytewise) -> Select[Any]:
    keys = _ORDERS.c.program_id, text(_ORDERS.c.order_id)
    columns = _ORDERS.c[
        "currency",
        "status",
        "placed_at",
        "paid_at",
        "cancelled_at",
        "method",
        "referrer_id",
        "exchange",
        "counted",
    ]
    return select(*keys, *columns).order_by(*keys)


def _lines(text: _Bytewise) -> Select[Any]:
    keys = _ORDERS.c.program_id, text(_ORDERS.c.order_id), text(_LINES.c.line_id)
    columns = _LINES.c[
        "position", "sku", "product_id", "quantity", "net_minor", "refunded_minor", "kind", "outcome"
    ]
    return select(*keys, *columns).join(_ORDERS, _ORDERS.c.id == _LINES.c.order_id).order_by(*keys)


def _commissions(text: _Bytewise) -> Select[Any]:
    keys = (
        _ORDERS.c.program_id,
        text(_ORDERS.c.order_id),
        text(_LINES.c.line_id),
        _COMMISSIONS.c.referrer_id,
        _COMMISSIONS.c.kind,
    )
    columns = _COMMISSIONS.c[
        "rate_version_id",
        "tier_from",
        "uncapped_minor",
        "base_minor",
        "earned_minor",
        "target_minor",
        "rejected",
        "paid_at",
        "available_on",
    ]
    return (
        select(*keys, *columns)
        .join(_LINES, _LINES.c.id == _COMMISSIONS.c.order_line_id)
        .join(_ORDERS, _ORDERS.c.id == _COMMISSIONS.c.order_id)
        .order_by(*keys)
    )


def _balances(_text: _Bytewise) -> Select[Any]:
    keys = _ENTRIES.c.program_id, _ENTRIES.c.referrer_id, _ENTRIES.c.available_on
    earned = case((_ENTRIES.c.kind == TransactionKind.COMMISSION, _ENTRIES.c.amount_minor), else_=0)
    return (
        select(*keys, func.sum(earned).label("earned"), func.sum(_ENTRIES.c.amount_minor).label("left"))
        .where(_ENTRIES.c.account == LedgerAccount.COMMISSION_EXPENSE, _ENTRIES.c.commission_id.is_not(None))
        .group_by(*keys)
        .order_by(*keys)
    )


def _waiting(text: _Bytewise) -> Select[Any]:
    keys = _FACTS.c.program_id, text(cast(_FACTS.c.kind, String)), text(_FACTS.c.key)
    waiting = _FACTS.c.state != FactState.RECORDED
    return select(*keys, _FACTS.c.state, _FACTS.c.reason).where(waiting).order_by(*keys)


_SIDES: Final = (
    _Side("decision", 4, _decisions),
    _Side("binding", 3, _bindings),
    _Side("order", 2, _orders),
    _Side("line", 3, _lines),
    _Side("commission", 5, _commissions),
    _Side("balance", 3, _balances),
    _Side("waiting fact", 3, _waiting),
)


def compare(live: Session, scratch: Session) -> Iterator[Difference]:
    """Every difference, by kind and key; none at all is what a replay is for."""
    for side in _SIDES:
        yield from _merge(side, _rows(live, side), _rows(scratch, side))


def _rows(session: Session, side: _Side) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    connection = connection_of(session)
    # Text in the order of its bytes on both databases, whatever the language of the server.
    bytewise = "BINARY" if connection.dialect.name == "sqlite" else "C"
    statement = side.statement(lambda column: collate(column, bytewise))
    found = connection.execute(statement, execution_options={"yield_per": 1000})
    names = list(found.keys())[side.keys :]
    for row in found:
        yield tuple(row[: side.keys]), dict(zip(names, row[side.keys :], strict=True))


def _merge(
    side: _Side,
    stands: Iterator[tuple[tuple[Any, ...], dict[str, Any]]],
    replayed: Iterator[tuple[tuple[Any, ...], dict[str, Any]]],
) -> Iterator[Difference]:
    left, right = next(stands, None), next(replayed, None)
    while left or right:
        if right is None or (left and left[0] < right[0]):
            assert left
            yield Difference(side.kind, left[0], left[1], None)
            left = next(stands, None)
        elif left is None or right[0] < left[0]:
            yield Difference(side.kind, right[0], None, right[1])
            right = next(replayed, None)
        else:
            if left[1] != right[1]:
                yield Difference(side.kind, left[0], left[1], right[1])
            left, right = next(stands, None), next(replayed, None)
