"""Resources as the API shows them, read in a fixed number of queries each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from sqlalchemy import and_, bindparam, select

from app.api import render
from app.kernel import clock
from app.kernel.db import connection_of, table_of
from app.kernel.errors import NotFound
from app.referrals.errors import CustomerNotFound, OrderNotFound
from app.referrals.links import referral_url
from app.referrals.models import (
    Binding,
    BindingMethod,
    Commission,
    Customer,
    Decision,
    Fact,
    FactKind,
    FactState,
    Link,
    Order,
    OrderLine,
    Program,
    RateVersion,
    Referrer,
    Signup,
)
from app.referrals.queries.programs_shown import shown_to
from app.referrals.rates import rate_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.domain.rates import Rate
    from app.referrals.rows import OrderRow
    from app.referrals.rulebook import Rulebook
    from app.requests import Services


class FactNotFound(NotFound):
    """Nothing of that kind was reported under that id."""

    def __init__(self, what: str) -> None:
        super().__init__(f"no {what} was recorded")


def referrer(
    session: Session, program: Program, services: Services, found: Referrer, now: datetime
) -> dict[str, Any]:
    """A referrer with its links and the rates that its next new customer would bring."""
    shown = shown_to(session, program, found.id, now)
    rates = [_rate(rate, product.sku, program.currency) for product, rate in shown.rates if rate is not None]
    if shown.everything_else is not None:
        rates.append(_rate(shown.everything_else, None, program.currency))
    links = session.scalars(select(Link).where(Link.referrer_id == found.id).order_by(Link.id).limit(200))
    return {
        "code": found.code,
        "status": found.status.value,
        "referral_url": link_url(services, program, found),
        "name": found.name,
        "email": found.email,
        "locale": found.locale,
        "joined_at": render.rfc3339(found.joined_at),
        "links": [link(services, program, found, row.campaign, row.to) for row in links],
        "rates": rates,
    }


def link_url(services: Services, program: Program, found: Referrer, campaign: str = "") -> str:
    """The URL that a referrer copies."""
    return referral_url(
        services.referrals.links, services.settings.public_url, program.slug, found.code, campaign
    )


def _rate(rate: Rate, product: str | None, currency: str) -> dict[str, Any]:
    return {
        "product": product,
        "rate": rate_text(rate, currency),
        "duration": render.duration_text(rate),
        "kinds": sorted(kind.value for kind in rate.line_kinds),
        "scope": rate.scope.value,
        "valid_from": render.rfc3339(rate.valid_from),
    } | render.tiers_and_caps(rate, currency)


def signup(session: Session, program: Program, customer_id: str) -> dict[str, Any]:
    """A signup with the decision that holds now. Raises :class:`CustomerNotFound`."""
    row = session.execute(
        select(Signup.signed_up_at, Decision.decision_id, Decision.method, Referrer.code)
        .select_from(Customer)
        .join(Signup, Signup.customer_id == Customer.id)
        .join(
            Decision,
            and_(
                Decision.customer_id == Customer.id,
                Decision.occasion == "signup",
                Decision.superseded_at.is_(None),
            ),
        )
        .outerjoin(Referrer, Referrer.id == Decision.referrer_id)
        .where(Customer.program_id == program.id, Customer.customer_id == customer_id)
    ).first()
    if row is None:
        raise CustomerNotFound(customer_id)
    return {
        "customer_id": customer_id,
        "referrer": row.code,
        "method": row.method.value if row.method else None,
        "decision_id": row.decision_id,
        "signed_up_at": render.rfc3339(row.signed_up_at),
    }


def partner(session: Session, program: Program, customer_id: str, now: datetime) -> dict[str, Any]:
    """Whom a customer belongs to now. Raises :class:`CustomerNotFound`."""
    known = session.scalar(
        select(Customer.id).where(Customer.program_id == program.id, Customer.customer_id == customer_id)
    )
    if known is None:
        raise CustomerNotFound(customer_id)
    row = session.execute(
        select(Binding.method, Binding.from_at, Referrer.code)
        .join(Referrer, Referrer.id == Binding.referrer_id)
        .where(
            Binding.customer_id == known,
            Binding.from_at <= now,
            Binding.until_at.is_(None) | (Binding.until_at > now),
        )
        .order_by(Binding.from_at.desc())
        .limit(1)
    ).first()
    chosen = row is not None and row.method is BindingMethod.CHOSEN
    return {
        "customer_id": customer_id,
        "referrer": row.code if row else None,
        "method": row.method.value if row else None,
        "chosen_at": render.rfc3339(row.from_at) if row and chosen else None,
    }


def erasure(session: Session, program: Program, customer_id: str) -> dict[str, Any]:
    """When a customer's personal data was erased. Raises :class:`CustomerNotFound`."""
    at = session.scalar(
        select(Customer.erased_at).where(
            Customer.program_id == program.id, Customer.customer_id == customer_id
        )
    )
    if at is None:
        raise CustomerNotFound(customer_id)
    return {"customer_id": customer_id, "erased_at": render.rfc3339(at)}


_ORDERS, _LINES, _REFERRERS = table_of(Order), table_of(OrderLine), table_of(Referrer)
_COMMISSIONS, _VERSIONS = table_of(Commission), table_of(RateVersion)
_ORDER: Final = (
    select(
        _ORDERS.c.status,
        _REFERRERS.c.code,
        _LINES.c.line_id,
        _COMMISSIONS.c.target_minor,
        _COMMISSIONS.c.earned_minor,
        _COMMISSIONS.c.held_minor,
        _COMMISSIONS.c.rejected,
        _COMMISSIONS.c.available_on,
        _COMMISSIONS.c.tier_from,
        _COMMISSIONS.c.kind.label("commission_kind"),
        _VERSIONS.c.kind,
        _VERSIONS.c.rate_ppm,
        _VERSIONS.c.flat_minor,
        _VERSIONS.c.tiers,
    )
    .select_from(_ORDERS)
    .join(_LINES, _LINES.c.order_id == _ORDERS.c.id)
    .outerjoin(_REFERRERS, _REFERRERS.c.id == _ORDERS.c.referrer_id)
    .outerjoin(
        _COMMISSIONS,
        and_(
            _COMMISSIONS.c.order_line_id == _LINES.c.id,
            _COMMISSIONS.c.referrer_id == _ORDERS.c.referrer_id,
        ),
    )
    .outerjoin(_VERSIONS, _VERSIONS.c.id == _COMMISSIONS.c.rate_version_id)
    .where(_ORDERS.c.program_id == bindparam("program"), _ORDERS.c.order_id == bindparam("order"))
    .order_by(_LINES.c.position, _LINES.c.id, _COMMISSIONS.c.kind.desc())
)
"""Plain columns by a statement made once: every order that is reported is answered by it."""


def order(session: Session, program: Program, order_id: str, now: datetime) -> dict[str, Any]:
    """An order and what its lines earn, in one query. Raises :class:`OrderNotFound`."""
    session.flush()
    found = connection_of(session).execute(_ORDER, {"program": program.id, "order": order_id})
    rows: list[Any] = list(found)
    if not rows:
        raise OrderNotFound(order_id)
    today = clock.local_day(now, program.timezone)
    return {
        "order_id": order_id,
        "status": rows[0].status.value,
        "referrer": rows[0].code,
        "commissions": [
            render.commission(row, row.commission_kind, row.line_id, row, program.currency, today)
            for row in rows
            if row.target_minor is not None
        ],
    }


def settled_order(order: OrderRow, program: Program, book: Rulebook, now: datetime) -> dict[str, Any]:
    """What :func:`order` says of an order that was settled in this transaction, without reading it again."""
    today = clock.local_day(now, program.timezone)
    return {
        "order_id": order.order_id,
        "status": order.status.value,
        "referrer": order.referrer,
        "commissions": [
            render.commission(
                earned,
                earned.kind,
                line.line_id,
                book.all_rates[earned.rate_version_id],
                program.currency,
                today,
            )
            for line in order.lines
            for earned in line.commissions
            if earned.referrer_id == order.referrer_id
        ],
    }


def order_fact(
    session: Session, program: Program, kind: FactKind, key: str, order_id: str, now: datetime
) -> dict[str, Any]:
    """A payment, correction, cancellation or refund as it was reported, and the order as it stands.

    Raises :class:`FactNotFound`, also where the fact is of another order.
    """
    fact = session.scalar(
        select(Fact).where(Fact.program_id == program.id, Fact.kind == kind, Fact.key == key)
    )
    if fact is None and kind is FactKind.PAYMENT:
        return _payment_within_order(session, program, order_id, now)
    if fact is None or fact.order_id != order_id:
        raise FactNotFound(kind.value)
    try:
        stands = order(session, program, order_id, now)
    except OrderNotFound:
        stands = {"order_id": order_id, "status": None, "referrer": None, "commissions": []}
    return stands | {"state": fact.state.value, "reason": fact.reason} | _reported(kind, fact.body)


def _payment_within_order(session: Session, program: Program, order_id: str, now: datetime) -> dict[str, Any]:
    """The payment of an order that was reported as paid from the start, so that no payment came by itself."""
    paid = session.execute(
        select(Order.paid_at, Order.method).where(
            Order.program_id == program.id, Order.order_id == order_id, Order.paid_at.is_not(None)
        )
    ).first()
    if paid is None or paid.paid_at is None:
        raise FactNotFound(FactKind.PAYMENT.value)
    return order(session, program, order_id, now) | {
        "state": FactState.RECORDED.value,
        "reason": None,
        "paid_at": render.rfc3339(paid.paid_at),
        "method": paid.method,
    }


def is_parked(document: dict[str, Any]) -> bool:
    """Whether a fact's document says that it still waits."""
    return bool(document["state"] == FactState.PARKED.value)


def _reported(kind: FactKind, body: dict[str, Any]) -> dict[str, Any]:
    """The fact's own fields, in the words of the API (the stored body keeps times in UTC)."""
    match kind:
        case FactKind.PAYMENT:
            return {"paid_at": _time(body["paid_at"]), "method": body.get("method")}
        case FactKind.CANCELLATION:
            return {"cancelled_at": _time(body["cancelled_at"])}
        case FactKind.CORRECTION:
            at = body.get("corrected_at")
            return {
                "correction_id": body["correction_id"],
                "corrected_at": _time(at) if at else None,
                "lines": [_line(line) for line in body["lines"]],
            }
        case _:
            return {
                "refund_id": body["refund_id"],
                "kind": body["kind"],
                "reverses": body.get("reverses"),
                "refunded_at": _time(body["refunded_at"]),
                "full": body["full"],
                "lines": [{"line_id": line["line_id"], "net": line["net_minor"]} for line in body["lines"]],
            }


def _line(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "line_id": line["line_id"],
        "product": line["product"],
        "quantity": line["quantity"],
        "net": line["net_minor"],
        "kind": line["kind"],
    }


def _time(stored: str) -> str:
    return stored.replace("+00:00", "Z")


def link(services: Services, program: Program, found: Referrer, campaign: str, to: str) -> dict[str, Any]:
    """A referral URL, with its deep link where it has one."""
    url = link_url(services, program, found, campaign)
    return {
        "url": with_deep_link(url, to),
        "campaign": campaign or None,
        "to": to or None,
    }


def with_deep_link(url: str, to: str) -> str:
    """The URL with ``?to=``."""
    return f"{url}?{urlencode({'to': to})}" if to else url
