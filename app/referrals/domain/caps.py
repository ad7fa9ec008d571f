"""What is left of a rate version's caps, pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from app.referrals.domain.commission import Earned


class Caps:
    """The caps of one customer's commissions, shown to it in the order in which they consume them.

    That order is (``paid_at``, ``order_id``, position of the line). What was earned consumes a cap, not what is left
    after refunds: a refund frees nothing, so that what a later order earned does not change by it. Each version has
    caps of its own; what another version earned consumes nothing of them.
    """

    def __init__(self) -> None:
        self._by_order: defaultdict[tuple[int, str], int] = defaultdict(int)
        self._by_binding: defaultdict[tuple[int, datetime], int] = defaultdict(int)

    def apply(self, result: Earned, order_id: str, bound_from: datetime) -> Earned:
        """What the next line earns within the caps of its version; ``bound_from`` names the binding."""
        rate = result.rate
        if rate is None or (rate.cap_order_minor is None and rate.cap_customer_minor is None):
            return result
        allowed = result.earned
        if rate.cap_order_minor is not None:
            allowed = min(allowed, rate.cap_order_minor - self._by_order[rate.id, order_id])
        if rate.cap_customer_minor is not None:
            allowed = min(allowed, rate.cap_customer_minor - self._by_binding[rate.id, bound_from])
        self._by_order[rate.id, order_id] += allowed
        self._by_binding[rate.id, bound_from] += allowed
        if allowed == result.earned:
            return result
        return replace(result, earned=allowed, target=min(result.target, allowed), uncapped=result.earned)
