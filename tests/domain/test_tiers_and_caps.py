"""Performance tiers, caps and the sign-up bonus, on both sides of each threshold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.clock import BEGINNING
from app.referrals.domain.caps import Caps
from app.referrals.domain.commission import Earned, Line, Outcome, amounts, bonus, earn
from app.referrals.domain.rates import Rate, Step, choose_bonus, choose_rate, counted_since
from app.referrals.words import CommissionKind, RateKind, RateScope, TierBasis
from tests.domain.test_commission import ADA, BEGIN, ORDER, PLACED, SPAN, WEB, flat, line, percent

STEPS = (Step(10, 120_000), Step(50, 150_000))
BONUS = flat(1_000, pays=CommissionKind.BONUS)


def tiered(customers: int, basis: TierBasis = TierBasis.MONTH) -> tuple[int, int | None]:
    """What 100.00 earns, and the step that applied, of customer number ``customers``."""
    order = replace(ORDER, customers={basis: customers})
    found = earn(line(), order, SPAN, (SPAN,), (percent(steps=STEPS, tier_basis=basis),))
    return found.earned, found.tier_from


def test_a_step_holds_from_the_customer_it_names_on_that_one_included() -> None:
    assert tiered(1) == tiered(9) == (1_000, None)
    assert tiered(10) == tiered(11) == tiered(49) == (1_200, 10)
    assert tiered(50) == tiered(51) == (1_500, 50)


def test_a_version_asks_for_the_number_of_its_own_basis() -> None:
    order = replace(ORDER, customers={TierBasis.MONTH: 9, TierBasis.TOTAL: 10})
    for basis, earned in ((TierBasis.MONTH, 1_000), (TierBasis.TOTAL, 1_200)):
        rate = percent(steps=STEPS, tier_basis=basis)
        assert earn(line(), order, SPAN, (SPAN,), (rate,)).earned == earned


def test_a_flat_rate_has_flat_steps() -> None:
    rate = flat(500, steps=(Step(2, 700),))
    assert amounts(rate, line(quantity=2), None, rate.step(1)) == (1_000, 1_000)
    assert amounts(rate, line(5_000, 2_500, quantity=2), None, rate.step(2)) == (1_400, 700)


@pytest.mark.parametrize(
    ("paid", "since"),
    [
        # Amsterdam is an hour ahead of UTC in winter and two in summer.
        ("2026-01-31 22:59:59", "2025-12-31 23:00"),
        ("2026-01-31 23:00:00", "2026-01-31 23:00"),
        ("2026-03-29 00:59:59", "2026-02-28 23:00"),  # the last second before summer time
        ("2026-03-31 21:59:59", "2026-02-28 23:00"),
        ("2026-03-31 22:00:00", "2026-03-31 22:00"),
        ("2026-10-25 01:30:00", "2026-09-30 22:00"),  # half past two for the second time
        ("2026-10-31 22:59:59", "2026-09-30 22:00"),
        ("2026-10-31 23:00:00", "2026-10-31 23:00"),
    ],
)
def test_a_month_is_the_calendars_in_the_programmes_zone(paid: str, since: str) -> None:
    def instant(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert counted_since(TierBasis.MONTH, instant(paid), "Europe/Amsterdam") == instant(since)
    assert counted_since(TierBasis.TOTAL, instant(paid), "Europe/Amsterdam") == BEGINNING


def earned(rate: Rate, amount: int, left: int | None = None) -> Earned:
    return Earned(Outcome.EARNS, rate, amount, amount if left is None else left, 10_000)


def test_a_cap_per_order_is_consumed_line_by_line_and_anew_by_each_order() -> None:
    caps, rate = Caps(), percent(cap_order_minor=5_000)
    first = [caps.apply(earned(rate, 3_000), "o1", BEGIN) for _ in range(3)]
    assert [(each.earned, each.uncapped) for each in first] == [(3_000, None), (2_000, 3_000), (0, 3_000)]
    assert caps.apply(earned(rate, 5_000), "o2", BEGIN) == earned(rate, 5_000)
    assert caps.apply(earned(rate, 5_001), "o3", BEGIN).earned == 5_000


def test_a_cap_per_customer_is_consumed_over_the_orders_of_one_binding() -> None:
    caps, rate = Caps(), percent(cap_customer_minor=5_000)
    found = [caps.apply(earned(rate, 3_000), f"o{number}", BEGIN).earned for number in range(3)]
    assert found == [3_000, 2_000, 0]
    assert caps.apply(earned(rate, 3_000), "o9", PLACED).earned == 3_000


def test_both_caps_bind_and_the_smaller_rest_decides() -> None:
    caps, rate = Caps(), percent(cap_order_minor=3_000, cap_customer_minor=5_000)
    found = [caps.apply(earned(rate, 9_000), f"o{number}", BEGIN).earned for number in range(3)]
    assert found == [3_000, 2_000, 0]


def test_a_refund_lowers_what_is_left_only_below_the_cap_and_frees_nothing() -> None:
    caps, rate = Caps(), percent(cap_customer_minor=5_000)
    assert caps.apply(earned(rate, 9_000, 7_000), "o1", BEGIN).target == 5_000
    assert caps.apply(earned(rate, 1_000), "o2", BEGIN).earned == 0
    assert Caps().apply(earned(rate, 9_000, 4_000), "o1", BEGIN).target == 4_000


def test_caps_of_a_version_are_its_own_and_a_version_without_is_untouched() -> None:
    caps = Caps()
    first, second = percent(cap_order_minor=1_000), replace(percent(cap_order_minor=1_000), id=2)
    assert caps.apply(earned(first, 1_000), "o1", BEGIN).earned == 1_000
    assert caps.apply(earned(second, 1_000), "o1", BEGIN).earned == 1_000
    free = earned(percent(), 10**9)
    assert caps.apply(free, "o1", BEGIN) is free
    nothing = Earned(Outcome.EXCLUDED)
    assert caps.apply(nothing, "o1", BEGIN) is nothing


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 4)), max_size=12), st.integers(1, 9_000))
def test_whatever_is_earned_a_customer_never_brings_more_than_the_cap(
    amounts_and_orders: list[tuple[int, int]], cap: int
) -> None:
    caps, rate = Caps(), percent(cap_customer_minor=cap)
    total = sum(caps.apply(earned(rate, amount), f"o{of}", BEGIN).earned for amount, of in amounts_and_orders)
    assert total == min(cap, sum(amount for amount, _ in amounts_and_orders))


def the_bonus(*lines: Line, rates: tuple[Rate, ...] = (BONUS,), **order: Any) -> tuple[int, int] | None:
    found = bonus(replace(ORDER, **order), lines or (line(),), SPAN, rates)
    return (found.earned, found.target) if found else None


def test_the_first_order_that_a_customer_ever_paid_brings_the_bonus_and_no_other() -> None:
    assert the_bonus() == (1_000, 1_000)
    assert the_bonus(first_ever=(PLACED, "o0")) is None
    assert the_bonus(first_ever=(PLACED - timedelta(seconds=1), "o1")) is None
    assert the_bonus(paid_at=None, first_paid=None, first_ever=None) is None
    assert bonus(ORDER, (line(),), None, (BONUS,)) is None
    assert the_bonus(rates=()) is None


def test_the_bonus_shrinks_with_the_refunded_share_of_the_whole_order() -> None:
    assert the_bonus(line(6_000), line(4_000, 2_500)) == (1_000, 750)
    assert the_bonus(line(10_000, 10_000)) == (1_000, 0)
    assert the_bonus(line(3, 1)) == (1_000, 667)
    assert the_bonus(line(0)) == (1_000, 1_000)
    assert the_bonus(line(0), line(0, voided=True)) == (1_000, 0)
    assert the_bonus(line(100), line(0, voided=True)) == (1_000, 0)


def test_the_bonus_names_its_version_and_is_its_own_base() -> None:
    assert bonus(ORDER, (line(),), SPAN, (BONUS,)) == Earned(Outcome.EARNS, BONUS, 1_000, 1_000, 1_000)


def test_the_bonus_is_that_of_the_bindings_referrer_and_time() -> None:
    own = replace(flat(2_000, pays=CommissionKind.BONUS, referrer_id=ADA), id=2)
    assert the_bonus(rates=(BONUS, own)) == (2_000, 2_000)
    assert the_bonus(rates=(BONUS, replace(own, referrer_id=ADA + 1))) == (1_000, 1_000)
    for_new = replace(BONUS, scope=RateScope.NEW_CUSTOMERS, valid_from=SPAN.from_at)
    assert the_bonus(rates=(for_new,)) == (1_000, 1_000)
    assert the_bonus(rates=(replace(for_new, valid_from=PLACED),)) is None


def test_the_bonus_needs_no_exchange_rate() -> None:
    assert the_bonus(line(6_000, 3_000), currency="USD") == (1_000, 500)


def test_of_bonuses_the_referrers_own_comes_first_then_the_latest_and_none_ends_it() -> None:
    def chosen(*rates: Rate) -> int | None:
        found = choose_bonus(rates, referrer_id=ADA, paid_at=PLACED, bound_from=SPAN.from_at)
        return found.id if found else None

    def version(number: int, day: int, **changes: Any) -> Rate:
        moment = BEGIN + timedelta(days=day)
        return replace(BONUS, id=number, valid_from=moment, scope=RateScope.NEW_CUSTOMERS, **changes)

    assert chosen(version(1, 0), version(2, 5)) == 2
    assert chosen(version(2, 5), version(1, 5)) == 2
    assert chosen(version(1, 0), version(2, 11)) == 1  # the customer was bound on day 10
    assert chosen(version(1, 0), version(2, 10)) == 2
    assert chosen(version(1, 0), version(2, 5), version(3, 1, referrer_id=ADA)) == 3
    assert chosen(version(1, 0), version(3, 1, referrer_id=ADA + 1)) == 1
    assert chosen(version(1, 0), version(2, 5, kind=RateKind.NONE, flat_minor=None)) is None
    assert chosen() is None


def test_a_bonus_is_no_rate_of_a_product() -> None:
    everywhere = percent()
    found = choose_rate(
        (everywhere, replace(BONUS, id=9)), product_id=WEB, referrer_id=ADA, paid_at=PLACED, bound_from=PLACED
    )
    assert found is everywhere
