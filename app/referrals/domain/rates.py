"""Which kickback rate holds for an order line, pure.

Choice (DESIGN.md 5): referrer + product, then referrer, then product, then programme-wide. At each level the latest
version in force decides; the first level that has one ends the search. ``none`` on a product also keeps it out of
referrer-wide rates. Versions of the sign-up bonus are chosen among themselves: the referrer's before the programme's.

Performance tiers: a version may have steps. The step at *n* holds from the *n*-th customer on, the *n*-th included:
with 10 % and a step of 12 % at 10, the ninth customer's orders bring 10 %, the tenth's 12 %, and so do later orders
of the first nine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.kernel.clock import BEGINNING, add_months, day_start, local_day
from app.referrals.words import CommissionKind, Duration, LineKind, RateKind, RateScope, TierBasis

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Step:
    """From the referrer's customer number ``from_customers`` on, ``amount`` holds, in the rate's own unit."""

    from_customers: int
    amount: int


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate version. ``product_id`` and ``referrer_id`` null mean all.

    ``rate_ppm`` parts per million for percent, ``flat_minor`` minor units for each piece for flat. ``steps`` rise; the
    caps bound what this version earns of one order and under one binding, in the programme's minor units.
    """

    id: int
    product_id: int | None
    referrer_id: int | None
    kind: RateKind
    duration: Duration
    scope: RateScope
    valid_from: datetime
    rate_ppm: int | None = None
    flat_minor: int | None = None
    may_exceed_net: bool = False
    duration_months: int | None = None
    line_kinds: frozenset[LineKind] = frozenset(LineKind)
    pays: CommissionKind = CommissionKind.KICKBACK
    steps: tuple[Step, ...] = ()
    tier_basis: TierBasis = TierBasis.MONTH
    cap_order_minor: int | None = None
    cap_customer_minor: int | None = None

    @property
    def amount(self) -> int:
        """The rate below its first step, in its own unit: parts per million, or minor units for each piece."""
        return self.rate_ppm or self.flat_minor or 0

    def step(self, customers: int) -> Step | None:
        """The step that the referrer's customer number ``customers`` has reached, if any."""
        reached = [step for step in self.steps if step.from_customers <= customers]
        return reached[-1] if reached else None

    def holds(self, paid_at: datetime, bound_from: datetime) -> bool:
        """Whether this version is in force for an order paid then, under a binding made at ``bound_from``."""
        if self.valid_from > paid_at:
            return False
        return self.scope is RateScope.ALL or self.valid_from <= bound_from


def choose_rate(
    rates: Iterable[Rate], *, product_id: int, referrer_id: int, paid_at: datetime, bound_from: datetime
) -> Rate | None:
    """The version that decides, which may be of kind ``none``; ``None`` where no level has one."""
    levels: dict[tuple[bool, bool], Rate] = {}
    for rate in rates:
        if rate.product_id not in {None, product_id} or rate.referrer_id not in {None, referrer_id}:
            continue
        if rate.pays is not CommissionKind.KICKBACK or not rate.holds(paid_at, bound_from):
            continue
        level = (rate.referrer_id is not None, rate.product_id is not None)
        best = levels.get(level)
        if best is None or (best.valid_from, best.id) < (rate.valid_from, rate.id):
            levels[level] = rate
    levels = {level: rate for level, rate in levels.items() if rate.kind is not RateKind.STANDARD}
    own, by_referrer = levels.get((True, True)), levels.get((True, False))
    by_product, everywhere = levels.get((False, True)), levels.get((False, False))
    if own is None and by_product is not None and by_product.kind is RateKind.NONE:
        return by_product
    return own or by_referrer or by_product or everywhere


def choose_bonus(
    bonuses: Iterable[Rate], *, referrer_id: int, paid_at: datetime, bound_from: datetime
) -> Rate | None:
    """The version of the sign-up bonus that holds: the referrer's own, else the programme's; the latest of each."""
    found = [
        rate
        for rate in bonuses
        if rate.referrer_id in {None, referrer_id} and rate.holds(paid_at, bound_from)
    ]
    best = max(found, key=lambda rate: (rate.referrer_id is not None, rate.valid_from, rate.id), default=None)
    return None if best is None or best.kind is RateKind.NONE else best


def counted_since(basis: TierBasis, paid_at: datetime, timezone: str) -> datetime:
    """From when on the customers of an order paid then are counted: the first instant of its month, or the beginning.

    The month is the calendar's in the programme's time zone.
    """
    if basis is TierBasis.TOTAL:
        return BEGINNING
    return day_start(local_day(paid_at, timezone).replace(day=1), timezone)


def duration_spent(
    rate: Rate, *, paid_at: datetime, order_id: str, first_paid: tuple[datetime, str], timezone: str
) -> bool:
    """Whether the rate no longer pays for this order.

    ``first_paid`` is (``paid_at``, ``order_id``) of the binding's first paid order. Months are calendar months in the
    programme's time zone, half-open: the instant at which they are over is out.
    """
    match rate.duration:
        case Duration.LIFETIME:
            return False
        case Duration.FIRST_ORDER:
            return (paid_at, order_id) != first_paid
        case Duration.MONTHS:  # pragma: no branch - there is no fourth
            return paid_at >= add_months(first_paid[0], rate.duration_months or 0, timezone)
