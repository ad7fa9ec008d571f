"""A customer's bindings as plain values, with their referrers (``rows.py`` says why plain)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select, update

from app.kernel.db import connection_of, table_of
from app.referrals.domain.attribution import Span
from app.referrals.models import Binding, Referrer
from app.referrals.rows import SharedReferrer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

_BINDINGS, _REFERRERS = table_of(Binding), table_of(Referrer)


@dataclass(slots=True)
class BindingRow:
    """A span in which the customer's orders earn for one referrer, and its first paid order (``paid_at``, id)."""

    id: int
    span: Span
    referrer: SharedReferrer
    first_paid: tuple[datetime, str] | None
    stored: tuple[datetime, str] | None


_BOUND: Final = select(
    _BINDINGS.c.customer_id,
    _BINDINGS.c.id,
    _BINDINGS.c.referrer_id,
    _BINDINGS.c.method,
    _BINDINGS.c.from_at,
    _BINDINGS.c.until_at,
    _BINDINGS.c.campaign,
    _BINDINGS.c.first_paid_at,
    _BINDINGS.c.first_paid_order,
    _REFERRERS.c.code,
    _REFERRERS.c.status,
    _REFERRERS.c.email_key,
).join(_REFERRERS, _REFERRERS.c.id == _BINDINGS.c.referrer_id)
_READ_BINDINGS: Final = (
    _BOUND.where(_BINDINGS.c.customer_id == bindparam("customer"))
    .order_by(_REFERRERS.c.id)
    .with_for_update(read=True, of=_REFERRERS)
)
_LOOK_AT_BINDINGS: Final = _BOUND.where(
    _BINDINGS.c.customer_id.in_(bindparam("customers", expanding=True))
).order_by(_BINDINGS.c.customer_id, _BINDINGS.c.from_at)
_WRITE_BINDING: Final = (
    update(_BINDINGS)
    .where(_BINDINGS.c.id == bindparam("row"))
    .values(first_paid_at=bindparam("at"), first_paid_order=bindparam("order"))
)


def read_bindings(session: Session, customer_id: int) -> list[BindingRow]:
    """A customer's bindings, the earliest first, with their referrers locked as ``locks.share_referrers()`` does."""
    rows = connection_of(session).execute(_READ_BINDINGS, {"customer": customer_id})
    return sorted(map(_binding, rows), key=lambda binding: binding.span.from_at)


def look_at_bindings(session: Session, customer_ids: Sequence[int]) -> dict[int, list[BindingRow]]:
    """The bindings of some hundred customers, the earliest first, by customer; nothing is locked."""
    found: dict[int, list[BindingRow]] = {customer_id: [] for customer_id in customer_ids}
    for row in connection_of(session).execute(_LOOK_AT_BINDINGS, {"customers": list(customer_ids)}):
        found[row.customer_id].append(_binding(row))
    return found


def _binding(row: Any) -> BindingRow:  # noqa: ANN401 - a row
    first = None if row.first_paid_at is None else (row.first_paid_at, row.first_paid_order)
    span = Span(row.referrer_id, row.method, row.from_at, row.until_at, row.campaign)
    referrer = SharedReferrer(row.referrer_id, row.code, row.status, row.email_key)
    return BindingRow(row.id, span, referrer, first, first)


def write_bindings(session: Session, bindings: Iterable[BindingRow]) -> None:
    """Store the first paid orders that changed."""
    for binding in bindings:
        if binding.first_paid is not None and binding.first_paid != binding.stored:
            at, order_id = binding.first_paid
            connection_of(session).execute(_WRITE_BINDING, {"row": binding.id, "at": at, "order": order_id})
            binding.stored = binding.first_paid
