"""What counts as a worse rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.kernel.clock import BEGINNING
from app.referrals.domain.rates import Rate, Step
from app.referrals.domain.worse import pays_less
from app.referrals.words import Duration, LineKind, RateKind, RateScope, TierBasis

TEN = Rate(
    id=1,
    product_id=None,
    referrer_id=None,
    kind=RateKind.PERCENT,
    duration=Duration.LIFETIME,
    scope=RateScope.ALL,
    valid_from=BEGINNING,
    rate_ppm=100_000,
    cap_order_minor=5_000,
    cap_customer_minor=9_000,
    steps=(Step(10, 120_000),),
    tier_basis=TierBasis.TOTAL,
)
FIVE_EACH = replace(
    TEN,
    kind=RateKind.FLAT,
    rate_ppm=None,
    flat_minor=500,
    may_exceed_net=True,
    steps=(),
    cap_order_minor=None,
)
YEAR = replace(TEN, duration=Duration.MONTHS, duration_months=12)


@pytest.mark.parametrize(
    "change",
    [
        {"rate_ppm": 99_999},
        {"steps": (Step(10, 119_999),)},
        {"steps": (Step(11, 120_000),)},
        {"steps": ()},
        {"tier_basis": TierBasis.MONTH},
        {"duration": Duration.MONTHS, "duration_months": 240},
        {"duration": Duration.FIRST_ORDER},
        {"line_kinds": frozenset({LineKind.NEW})},
        {"cap_order_minor": 4_999},
        {"cap_customer_minor": 8_999},
        {"kind": RateKind.NONE, "rate_ppm": None},
        {"kind": RateKind.FLAT, "rate_ppm": None, "flat_minor": 10_000},
    ],
)
def test_whatever_can_pay_less_is_worse(change: dict[str, Any]) -> None:
    assert pays_less(replace(TEN, **change), TEN)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"rate_ppm": 110_000, "steps": (Step(5, 120_000), Step(50, 150_000))},
        {"cap_order_minor": None, "cap_customer_minor": 9_001},
        {"may_exceed_net": True},
    ],
)
def test_what_pays_at_least_as_much_of_every_order_is_not(change: dict[str, Any]) -> None:
    assert not pays_less(replace(TEN, **change), TEN)


def test_months_flats_and_nothing() -> None:
    assert pays_less(None, TEN)
    assert not pays_less(TEN, None)
    assert not pays_less(None, replace(TEN, kind=RateKind.NONE, rate_ppm=None))
    assert not pays_less(None, replace(TEN, rate_ppm=0, steps=()))
    assert pays_less(replace(YEAR, duration_months=11), YEAR)
    assert not pays_less(TEN, YEAR)
    assert pays_less(replace(FIVE_EACH, flat_minor=499), FIVE_EACH)
    assert pays_less(replace(FIVE_EACH, may_exceed_net=False), FIVE_EACH)
    assert pays_less(replace(FIVE_EACH, cap_order_minor=10**9), FIVE_EACH)
    assert not pays_less(FIVE_EACH, replace(FIVE_EACH, duration=Duration.FIRST_ORDER))
