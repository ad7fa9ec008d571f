"""Whether one rate pays less than another, pure: for some order, of whatever size, in whatever month.

Percent and flat cannot be compared without knowing the orders, so that a change of kind counts as worse: of some order
it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.referrals.words import Duration, RateKind, TierBasis

if TYPE_CHECKING:
    from app.referrals.domain.rates import Rate

NOTICE_DAYS: Final = 30
"""How long before a worse rate, or new terms, referrers are to be told of them."""

_FOR_EVER: Final = 10**6
_PAYS: Final = frozenset({RateKind.PERCENT, RateKind.FLAT})


def pays_less(new: Rate | None, old: Rate | None) -> bool:
    """Whether there can be an order of which ``new`` pays less than ``old``; ``None`` pays nothing."""
    if old is None or old.kind not in _PAYS or not (old.amount or old.steps):
        return False
    if new is None or new.kind is not old.kind:
        return True
    return (
        _some_step_is_lower(new, old)
        or _months(new) < _months(old)
        or not old.line_kinds <= new.line_kinds
        or (old.may_exceed_net and not new.may_exceed_net)
        or _is_lower_cap(new.cap_order_minor, old.cap_order_minor)
        or _is_lower_cap(new.cap_customer_minor, old.cap_customer_minor)
    )


def _some_step_is_lower(new: Rate, old: Rate) -> bool:
    counts = {0} | {step.from_customers for step in (*new.steps, *old.steps)}
    if any(_amount(new, count) < _amount(old, count) for count in counts):
        return True
    # The same steps, reached within a month instead of once and for all, are reached by fewer.
    return bool(old.steps) and (old.tier_basis, new.tier_basis) == (TierBasis.TOTAL, TierBasis.MONTH)


def _amount(rate: Rate, customers: int) -> int:
    step = rate.step(customers)
    return rate.amount if step is None else step.amount


def _months(rate: Rate) -> int:
    """For how long it pays, comparable: an order, some months, for ever."""
    match rate.duration:
        case Duration.FIRST_ORDER:
            return 0
        case Duration.MONTHS:
            return rate.duration_months or 0
        case Duration.LIFETIME:  # pragma: no branch - there is no fourth
            return _FOR_EVER


def _is_lower_cap(new: int | None, old: int | None) -> bool:
    return new is not None and (old is None or new < old)
