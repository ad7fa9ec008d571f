"""The review rules, pure: which orders and referrers somebody should look at, and how sure a rule must be.

A rule holds a commission or notes it; nothing is ever dropped. What one order's own data decide is judged when the
order is settled; what only shows over many orders (conversion, refunds, rings) is judged at night.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import timedelta
from enum import StrEnum
from math import sqrt
from typing import TYPE_CHECKING, Final

from app.kernel.errors import InvalidInput
from app.referrals.words import BindingMethod, HoldRule, HoldState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

RULE_VERSION: Final = 1
"""Of all rules together; kept with every hold and note."""

LONGEST_RING: Final = 4
"""Referrers in a ring: longer circles are what a good programme looks like."""

_LONG: Final = 10
"""Digits of no number that is meant."""

_SURE: Final = 2.576
"""Standard deviations of a 99 % interval: many referrers are compared every night."""


OWN_ORDER: Final = frozenset({HoldRule.SELF_REFERRAL_EMAIL, HoldRule.SELF_REFERRAL_IBAN})
"""The rules that find a referrer's own order."""


class Action(StrEnum):
    """What happens to a commission that a rule finds."""

    HOLD = "hold"
    """Its money is taken aside until somebody decides."""
    NOTE = "note"
    """Staff see it; no money moves."""
    OFF = "off"
    """Nothing: the programme does not use the rule."""


ACTIONS: Final[Mapping[HoldRule, Action]] = {
    HoldRule.SHARED_CLICK: Action.NOTE,
    HoldRule.CROWDED_CLICK: Action.HOLD,
    HoldRule.FAST_CONVERSION: Action.NOTE,
    HoldRule.LATE_CLICK: Action.HOLD,
    HoldRule.SAME_NETWORK: Action.NOTE,
    HoldRule.CONVERSION_OUTLIER: Action.NOTE,
    HoldRule.REFUND_RATE: Action.HOLD,
    HoldRule.REFERRAL_RING: Action.HOLD,
}
"""The rules that a programme may set, and what they do unless it does. Every other rule always holds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a rule speaks. The defaults of every programme stand here and nowhere else."""

    crowd_customers: int = 3
    """Customers on one click, from which on it is a crowd; two are a shared click."""
    fast_seconds: int = 10
    """A conversion is too fast below this time from click to payment."""
    late_seconds: int = 300
    """How long after the order or signup that presents it a click counts as late; shops' clocks may differ."""
    outlier_clicks: int = 50
    """Clicks that a referrer, and all others together, need before conversions are compared."""
    outlier_percent: int = 300
    """How much of the others' conversion a referrer's must surely exceed."""
    refund_orders: int = 10
    """Paid orders that a referrer needs before refunds are counted."""
    refund_percent: int = 30
    """The share of orders with a refund that must be exceeded."""


LEAST: Final = Limits(2, 1, 0, 1, 101, 1, 0)
MOST: Final = Limits(1_000, 86_400, 86_400, 1_000_000, 10_000, 1_000_000, 99)
LIMIT_NAMES: Final = tuple(item.name for item in fields(Limits))


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """A programme's rules: their limits, and what each does where that is not :data:`ACTIONS`."""

    limits: Limits = field(default_factory=Limits)
    actions: Mapping[HoldRule, Action] = field(default_factory=dict)

    def action(self, rule: HoldRule) -> Action:
        """What the rule does in this programme."""
        return self.actions.get(rule) or ACTIONS.get(rule, Action.HOLD)


_DEFAULTS: Final = ReviewSettings()


def read_settings(stored: Mapping[str, int | str] | None) -> ReviewSettings:
    """The settings that a programme has stored: numbers by the name of a limit, actions by that of a rule."""
    if not stored:
        return _DEFAULTS
    return ReviewSettings(
        Limits(**{name: int(stored[name]) for name in LIMIT_NAMES if name in stored}),
        {rule: Action(str(stored[rule.value])) for rule in ACTIONS if rule.value in stored},
    )


def review_shown(stored: Mapping[str, int | str] | None) -> dict[str, int | str]:
    """Every limit and what every rule does, by name."""
    settings = read_settings(stored)
    limits = {name: int(getattr(settings.limits, name)) for name in LIMIT_NAMES}
    return {**limits, **{rule.value: settings.action(rule).value for rule in ACTIONS}}


def parse_setting(name: str, text: str) -> int | str:
    """The value of one setting as a programme stores it: a limit's number, or what a rule does.

    Raises ``InvalidInput`` for an unknown name, and for a value outside its bounds.
    """
    if name in LIMIT_NAMES:
        low, high = getattr(LEAST, name), getattr(MOST, name)
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < _LONG else -1
        if not low <= number <= high:
            raise InvalidInput(f"review {name}: expected a whole number from {low} to {high}")
        return number
    if name not in {rule.value for rule in ACTIONS}:
        known = ", ".join([*LIMIT_NAMES, *(rule.value for rule in ACTIONS)])
        raise InvalidInput(f"review {name}: no such setting; there are {known}")
    if text not in {action.value for action in Action}:
        raise InvalidInput(f"review {name}: expected hold, note or off")
    return text


@dataclass(frozen=True, slots=True)
class Judged:
    """A commission as reviews left it: rejected for good or not, and what became of each rule that spoke."""

    rejected: bool
    rules: Mapping[HoldRule, HoldState]


def counts(commissions: Sequence[Judged], speaking: Collection[HoldRule]) -> bool:
    """Whether an order counts among its referrer's customers, for performance tiers.

    ``commissions`` are the referrer's of this order, ``speaking`` the rules that speak against it now. An own order
    counts once staff released one of its commissions from every rule that found it, and an order of which every
    commission was rejected never does. Whatever else is under review counts: it is an order of a customer.
    """
    own = {rule for each in commissions for rule in each.rules}.union(speaking) & OWN_ORDER
    if not commissions:
        return not own
    return any(
        not each.rejected and all(each.rules.get(rule) is HoldState.RELEASED for rule in own)
        for each in commissions
    )


def too_fast(method: BindingMethod, clicked_at: datetime, paid_at: datetime, limits: Limits) -> bool:
    """Whether a customer came by a click and had paid sooner than a person can; ``clicked_at`` in whole seconds."""
    return method is BindingMethod.CLICK and paid_at - clicked_at < timedelta(seconds=limits.fast_seconds)


def too_late(clicked_at: datetime, presented_with: datetime, limits: Limits) -> bool:
    """Whether a click came only after the order was placed, or the customer had signed up, that presents it."""
    return clicked_at > presented_with + timedelta(seconds=limits.late_seconds)


def shared_by(customers: int, limits: Limits) -> HoldRule | None:
    """What it means that this many customers came with one click."""
    if customers >= limits.crowd_customers:
        return HoldRule.CROWDED_CLICK
    return HoldRule.SHARED_CLICK if customers > 1 else None


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many: signups of clicks, or refunded orders of paid ones."""

    part: int
    whole: int

    def __add__(self, other: Share) -> Share:
        return Share(self.part + other.part, self.whole + other.whole)

    def __sub__(self, other: Share) -> Share:
        return Share(self.part - other.part, self.whole - other.whole)


def surely_above(share: Share) -> float:
    """The lower end of the 99 % interval of the true rate behind ``share`` (Wilson 1927); 0 to 1.

    More successes than trials, such as signups whose clicks were not counted, are taken as all of them.
    """
    if share.whole <= 0 or share.part <= 0:
        return 0.0
    n, rate, z2 = share.whole, min(1.0, share.part / share.whole), _SURE * _SURE
    middle = rate + z2 / (2 * n)
    margin = _SURE * sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    return (middle - margin) / (1 + z2 / n)


def converts_too_well(own: Share, program: Share, limits: Limits) -> bool:
    """Whether a referrer's clicks become signups surely more often than those of all others, by the limit's factor.

    Both sides need enough clicks: a lucky day is no outlier, and a lone referrer cannot stand out.
    """
    others = program - own
    if min(own.whole, others.whole) < limits.outlier_clicks:
        return False
    return surely_above(own) > others.part / others.whole * limits.outlier_percent / 100


def refunded_too_often(orders: Share, limits: Limits) -> bool:
    """Whether too many of a referrer's paid orders were refunded."""
    return orders.whole >= limits.refund_orders and orders.part * 100 > orders.whole * limits.refund_percent


def rings(brought: Iterable[tuple[int, int]], longest: int = LONGEST_RING) -> frozenset[tuple[int, ...]]:
    """Circles of two to ``longest`` referrers, each a customer of the one before; each begins with its smallest number.

    ``brought`` are pairs (referrer, the referrer that is its customer).
    """
    after: dict[int, set[int]] = {}
    for referrer, customer in brought:
        after.setdefault(referrer, set()).add(customer)
    found: set[tuple[int, ...]] = set()
    paths: list[tuple[int, ...]] = [(start,) for start in after]
    for _ in range(longest):
        longer = [(*path, each) for path in paths for each in after.get(path[-1], ()) if each >= path[0]]
        closed = {path[:-1] for path in longer if path[-1] == path[0]}
        found |= {ring for ring in closed if len(ring) > 1}
        paths = [path for path in longer if path[-1] not in path[:-1]]
    return frozenset(found)
