"""Kickback rates: adding a version, and what an older one keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.identity.audit import Actor, record_event
from app.kernel.clock import BEGINNING, as_utc
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.money import PPM, Money, exponent
from app.referrals.domain.rates import Rate, choose_bonus, choose_rate
from app.referrals.first_orders import bought_before
from app.referrals.intake import AHEAD
from app.referrals.models import Binding, Order, OrderLine, OrderStatus, RateVersion
from app.referrals.rate_parts import amount_at, parse_cap, parse_tiers, percent_text
from app.referrals.rulebook import new_rules, rate_of, read_rulebook
from app.referrals.words import CommissionKind, Duration, LineKind, RateKind, RateScope, TierBasis

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Product, Program, Referrer

_PERCENT: Final = re.compile(r"(\d{1,3})(?:\.(\d{1,4}))?%", re.ASCII)
_MONTHS: Final = re.compile(r"([1-9]\d{0,2})m", re.ASCII)
MAX_MONTHS: Final = 240


class RateChangesRecordedOrders(Conflict):
    """The version would change what a recorded order earns."""

    def __init__(self, valid_from: datetime, order_id: str) -> None:
        super().__init__(
            f"a rate from {valid_from.isoformat()} would change order {order_id!r}, which is recorded; "
            "choose a later time",
            pointer="/from",
        )


@dataclass(frozen=True, slots=True)
class RateTerms:
    """What a rate version says; ``text`` as people write it: "10%", "0.35%", "5.00" (flat, for each piece), "none"."""

    text: str
    duration: str = "lifetime"
    scope: RateScope = RateScope.NEW_CUSTOMERS
    kinds: frozenset[LineKind] = frozenset(LineKind)
    may_exceed_net: bool = False
    tiers: tuple[tuple[int, str], ...] = ()
    """(number of customers, rate): from the customer with that number on, that one included, the rate holds instead."""
    tier_basis: TierBasis | None = None
    cap_order: str | None = None
    cap_customer: str | None = None
    pays: CommissionKind = CommissionKind.KICKBACK


def set_rate(
    session: Session,
    program: Program,
    terms: RateTerms,
    *,
    product: Product | None,
    referrer: Referrer | None,
    valid_from: datetime | None,
    actor: Actor,
    now: datetime,
) -> RateVersion:
    """Add the next rate version at its level (product or all, referrer or all).

    Without ``valid_from`` the first version at a level holds from the beginning where no recorded order would change
    by it, and any other from ``now`` on. A ``valid_from`` in the past is accepted under the same condition. Raises
    :class:`RateChangesRecordedOrders` and ``InvalidInput`` naming the part.
    """
    version = _version(program, terms, now, actor.label)
    version.product_id = product.id if product else None
    version.referrer_id = referrer.id if referrer else None
    if valid_from is not None:
        version.valid_from = as_utc(valid_from)
        _refuse_changes(session, program, version, now)
    elif _is_first(session, version):
        version.valid_from = BEGINNING
        if _first_changed(session, program, version) is not None:
            version.valid_from = _from_now(session, program, version, now)
    else:
        version.valid_from = _from_now(session, program, version, now)
    session.add(version)
    new_rules(program)
    session.flush()
    details = {"rate": terms.text, "duration": terms.duration, "scope": terms.scope.value}
    details |= {"kinds": ",".join(version.line_kinds), "from": version.valid_from.isoformat()}
    details |= {"referrer": referrer.code} if referrer else {}
    details |= _said_besides(terms)
    subject = f"product:{product.sku}" if product else f"program:{program.slug}"
    action = "bonus.set" if terms.pays is CommissionKind.BONUS else "rate.set"
    record_event(session, actor, action, subject, details, now=now, program_id=program.id)
    return version


def bonus_terms(program: Program, text: str) -> RateTerms:
    """A sign-up bonus as a rate version says it: "10.00" or "none". Raises ``InvalidInput`` naming the part."""
    try:
        kind, _, _ = parse_rate(text, program.currency)
    except InvalidInput:
        kind = RateKind.PERCENT
    if kind in {RateKind.PERCENT, RateKind.STANDARD}:
        example = f"{10:.{exponent(program.currency)}f}"
        raise InvalidInput(
            f"signup_bonus: {text!r} is not an amount in {program.currency} like {example}, nor none",
            pointer="/signup_bonus",
        )
    return RateTerms(text, duration=Duration.FIRST_ORDER.value, pays=CommissionKind.BONUS)


def set_signup_bonus(
    session: Session,
    program: Program,
    text: str,
    *,
    referrer: Referrer | None,
    valid_from: datetime | None,
    actor: Actor,
    now: datetime,
) -> RateVersion:
    """Add the next version of the sign-up bonus: "10.00", or "none" to end it; for customers bound from then on.

    It is paid once for each customer: for the first order that it ever paid. Raises as :func:`set_rate` does.
    """
    terms = bonus_terms(program, text)
    return set_rate(
        session,
        program,
        terms,
        product=None,
        referrer=referrer,
        valid_from=valid_from,
        actor=actor,
        now=now,
    )


def _said_besides(terms: RateTerms) -> dict[str, str]:
    said = {
        "tiers": ",".join(f"{number}={rate}" for number, rate in terms.tiers),
        "tier_basis": (terms.tier_basis or TierBasis.MONTH).value if terms.tiers else "",
        "cap_order": terms.cap_order or "",
        "cap_customer": terms.cap_customer or "",
    }
    return {name: value for name, value in said.items() if value}


def supposed_rate(
    program: Program, terms: RateTerms, *, product: Product | None, referrer: Referrer | None, now: datetime
) -> Rate:
    """The rate that these terms would be; nothing is stored. Raises ``InvalidInput`` naming the part."""
    version = _version(program, terms, now, "")
    version.product_id = product.id if product else None
    version.referrer_id = referrer.id if referrer else None
    return _candidate(version)


def parse_rate(text: str, currency: str) -> tuple[RateKind, int | None, int | None]:
    """(kind, parts per million, flat minor units) of "10%", "5.00", "none" or "standard". Raises ``InvalidInput``."""
    if text in {RateKind.NONE, RateKind.STANDARD}:
        return RateKind(text), None, None
    if text.endswith("%"):
        match = _PERCENT.fullmatch(text)
        ppm = int(match[1]) * 10_000 + int((match[2] or "").ljust(4, "0")) if match else PPM + 1
        if ppm > PPM:
            raise InvalidInput(f"rate: {text!r} is not a percentage from 0% to 100%", pointer="/rate")
        return RateKind.PERCENT, ppm, None
    try:
        flat = Money.parse(text, currency)
    except InvalidInput:
        flat = Money(-1, currency)
    if flat.minor < 0:
        digits = exponent(currency)
        raise InvalidInput(
            f"rate: {text!r} is not a rate: expected like 10%, {5:.{digits}f} or none", pointer="/rate"
        )
    return RateKind.FLAT, None, flat.minor


def parse_duration(text: str) -> tuple[Duration, int | None]:
    """(duration, months) of "lifetime", "first_order" or "12m". Raises ``InvalidInput``."""
    match = _MONTHS.fullmatch(text)
    if match and int(match[1]) <= MAX_MONTHS:
        return Duration.MONTHS, int(match[1])
    if text in {Duration.LIFETIME, Duration.FIRST_ORDER}:
        return Duration(text), None
    raise InvalidInput(
        f"duration: {text!r} is not one of lifetime, first_order or a number of months like 12m",
        pointer="/duration",
    )


def rate_text(version: RateVersion | Rate, currency: str, tier_from: int | None = None) -> str:
    """The rate as people write it: "10%", "0.35%", "5.00", "none"; at a performance tier, that tier's."""
    match version.kind:
        case RateKind.NONE | RateKind.STANDARD:
            return version.kind.value
        case RateKind.FLAT:
            return Money(amount_at(version, tier_from), currency).decimal_string()
        case RateKind.PERCENT:
            return percent_text(amount_at(version, tier_from))


def _version(program: Program, terms: RateTerms, now: datetime, by: str) -> RateVersion:
    kind, ppm, flat = parse_rate(terms.text, program.currency)
    duration, months = parse_duration(terms.duration)
    if not terms.kinds:
        raise InvalidInput("kinds: expected at least one line kind", pointer="/kinds")
    tiers, basis = parse_tiers(
        terms.tiers, terms.tier_basis, (kind, ppm, flat), lambda text: parse_rate(text, program.currency)
    )
    return RateVersion(
        program_id=program.id,
        pays=terms.pays,
        kind=kind,
        rate_ppm=ppm,
        flat_minor=flat,
        tiers=tiers,
        tier_basis=basis,
        cap_order_minor=parse_cap(terms.cap_order, "cap_order", kind, program.currency),
        cap_customer_minor=parse_cap(terms.cap_customer, "cap_customer", kind, program.currency),
        may_exceed_net=terms.may_exceed_net,
        duration=duration,
        duration_months=months,
        line_kinds=sorted(kind.value for kind in terms.kinds),
        scope=terms.scope,
        valid_from=now,
        created_at=now,
        created_by=by,
    )


def _is_first(session: Session, version: RateVersion) -> bool:
    wanted = select(RateVersion.id).where(
        RateVersion.program_id == version.program_id,
        RateVersion.pays == version.pays,
        RateVersion.product_id.is_(None)
        if version.product_id is None
        else RateVersion.product_id == version.product_id,
        RateVersion.referrer_id.is_(None)
        if version.referrer_id is None
        else RateVersion.referrer_id == version.referrer_id,
    )
    return session.scalar(wanted.limit(1)) is None


def _from_now(session: Session, program: Program, version: RateVersion, now: datetime) -> datetime:
    """Now, or as long after as a shop's clock may be ahead where an order was paid in that future."""
    version.valid_from = now
    return now if _first_changed(session, program, version) is None else now + AHEAD


def _refuse_changes(session: Session, program: Program, version: RateVersion, now: datetime) -> None:
    if version.valid_from > now + AHEAD:
        return
    changed = _first_changed(session, program, version)
    if changed is not None:
        raise RateChangesRecordedOrders(version.valid_from, changed)


def _first_changed(session: Session, program: Program, version: RateVersion) -> str | None:
    """The id of a recorded order that would find another version, if there is one."""
    if version.pays is CommissionKind.BONUS:
        return _first_bonus_changed(session, program, version)
    wanted = (
        select(Order.order_id, OrderLine.product_id, Order.referrer_id, Order.paid_at, Binding.from_at)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(
            Binding,
            (Binding.customer_id == Order.customer_id)
            & (Binding.from_at <= Order.placed_at)
            & (Binding.until_at.is_(None) | (Binding.until_at > Order.placed_at)),
        )
        .where(
            Order.program_id == program.id,
            Order.status == OrderStatus.PAID,
            Order.paid_at >= version.valid_from,
            OrderLine.product_id.is_not(None),
        )
        .order_by(Order.id)
    )
    if version.product_id is not None:
        wanted = wanted.where(OrderLine.product_id == version.product_id)
    if version.referrer_id is not None:
        wanted = wanted.where(Order.referrer_id == version.referrer_id)
    if version.scope is RateScope.NEW_CUSTOMERS:
        wanted = wanted.where(Binding.from_at >= version.valid_from)
    rates = list(read_rulebook(session, program).all_rates.values())
    new = _candidate(version)
    # Closed at the first find too: PostgreSQL would keep its cursor open for the rest of the transaction.
    with session.execute(wanted, execution_options={"yield_per": 1000}) as recorded:
        for order_id, product_id, referrer_id, paid_at, bound_from in recorded:
            if product_id is None or referrer_id is None or paid_at is None:
                continue
            find = partial(
                choose_rate,
                product_id=product_id,
                referrer_id=referrer_id,
                paid_at=paid_at,
                bound_from=bound_from,
            )
            if find([*rates, new]) != find(rates):
                return order_id
    return None


def _first_bonus_changed(session: Session, program: Program, version: RateVersion) -> str | None:
    """The id of a recorded first order that would bring another bonus, if there is one."""
    wanted = select(
        Binding.first_paid_order, Binding.referrer_id, Binding.first_paid_at, Binding.from_at
    ).where(Binding.program_id == program.id, Binding.first_paid_at >= version.valid_from, ~bought_before())
    if version.referrer_id is not None:
        wanted = wanted.where(Binding.referrer_id == version.referrer_id)
    bonuses = list(read_rulebook(session, program).bonuses)
    new = _candidate(version)
    for order_id, referrer_id, paid_at, bound_from in session.execute(wanted.order_by(Binding.id)):
        if paid_at is None:
            continue
        find = partial(choose_bonus, referrer_id=referrer_id, paid_at=paid_at, bound_from=bound_from)
        if find([*bonuses, new]) != find(bonuses):
            return order_id
    return None


def _candidate(version: RateVersion) -> Rate:
    """The version as if it were stored: newer than all others."""
    version.id = 2**62
    rate = rate_of(version)
    version.id = None  # type: ignore[assignment]  # the database gives it
    return rate
