"""Which kickback rate holds, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.referrals.domain.rates import Rate, choose_rate, duration_spent
from app.referrals.words import Duration, RateKind, RateScope

WEB, MAIL = 1, 2
ADA, BOB = 11, 12
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
AMSTERDAM = "Europe/Amsterdam"


def day(number: int) -> datetime:
    return BEGIN + timedelta(days=number)


def rate(number: int, **changes: Any) -> Rate:
    """10 % for everything and everybody, for life, from the beginning."""
    wanted: dict[str, Any] = {
        "product_id": None,
        "referrer_id": None,
        "kind": RateKind.PERCENT,
        "duration": Duration.LIFETIME,
        "scope": RateScope.NEW_CUSTOMERS,
        "valid_from": day(0),
        "rate_ppm": 100_000,
        **changes,
    }
    return Rate(number, **wanted)


def chosen(
    *rates: Rate, product: int = WEB, referrer: int = ADA, paid: int = 50, bound: int = 40
) -> int | None:
    found = {
        None
        if (
            best := choose_rate(
                each, product_id=product, referrer_id=referrer, paid_at=day(paid), bound_from=day(bound)
            )
        )
        is None
        else best.id
        for each in permutations(rates)
    }
    assert len(found) == 1, "the choice depends on the order in which versions are read"
    return found.pop()


EVERYWHERE = rate(1)
BY_PRODUCT = rate(2, product_id=WEB)
BY_REFERRER = rate(3, referrer_id=ADA)
OWN = rate(4, product_id=WEB, referrer_id=ADA)


def test_the_most_specific_level_decides() -> None:
    assert chosen(EVERYWHERE, BY_PRODUCT, BY_REFERRER, OWN) == 4
    assert chosen(EVERYWHERE, BY_PRODUCT, BY_REFERRER) == 3
    assert chosen(EVERYWHERE, BY_PRODUCT) == 2
    assert chosen(EVERYWHERE) == 1
    assert chosen() is None


def test_a_rate_reaches_its_own_product_and_referrer_only() -> None:
    rates = (EVERYWHERE, BY_PRODUCT, BY_REFERRER, OWN)
    assert chosen(*rates, product=MAIL) == 3
    assert chosen(*rates, referrer=BOB) == 2
    assert chosen(*rates, product=MAIL, referrer=BOB) == 1
    assert chosen(BY_PRODUCT, BY_REFERRER, OWN, product=MAIL, referrer=BOB) is None


def test_none_on_a_product_shuts_out_every_less_specific_rate_and_the_referrers_own() -> None:
    none = rate(5, product_id=WEB, kind=RateKind.NONE, rate_ppm=None)
    assert chosen(EVERYWHERE, none) == 5
    assert chosen(EVERYWHERE, BY_REFERRER, none) == 5
    assert chosen(EVERYWHERE, BY_REFERRER, none, OWN) == 4
    assert chosen(EVERYWHERE, BY_REFERRER, none, product=MAIL) == 3


def test_none_for_a_referrer_shuts_out_what_is_less_specific() -> None:
    none = rate(5, referrer_id=ADA, kind=RateKind.NONE, rate_ppm=None)
    assert chosen(EVERYWHERE, BY_PRODUCT, none) == 5
    assert chosen(EVERYWHERE, BY_PRODUCT, none, OWN) == 4
    assert chosen(EVERYWHERE, BY_PRODUCT, none, referrer=BOB) == 2


def test_none_for_one_referrers_product_leaves_the_others_alone() -> None:
    none = rate(5, product_id=WEB, referrer_id=ADA, kind=RateKind.NONE, rate_ppm=None)
    assert chosen(EVERYWHERE, BY_PRODUCT, BY_REFERRER, none) == 5
    assert chosen(EVERYWHERE, BY_PRODUCT, BY_REFERRER, none, product=MAIL) == 3


def test_a_none_that_was_followed_by_a_rate_no_longer_shuts_out() -> None:
    none = rate(5, product_id=WEB, kind=RateKind.NONE, rate_ppm=None)
    again = rate(6, product_id=WEB, valid_from=day(30))
    assert chosen(EVERYWHERE, none, again) == 6
    assert chosen(EVERYWHERE, none, again, BY_REFERRER) == 3


def test_the_latest_version_in_force_decides_and_of_two_at_one_instant_the_later_made() -> None:
    assert chosen(rate(1), rate(2, valid_from=day(10)), rate(3, valid_from=day(60))) == 2
    assert chosen(rate(1), rate(2)) == 2


def test_a_version_for_new_customers_leaves_bindings_that_were_there_before() -> None:
    raised = rate(2, valid_from=day(45))
    assert chosen(rate(1), raised, bound=40, paid=50) == 1
    assert chosen(rate(1), raised, bound=45, paid=50) == 2
    assert chosen(raised, bound=40, paid=50) is None


def test_a_version_for_all_holds_for_every_order_paid_from_then_on() -> None:
    raised = rate(2, valid_from=day(45), scope=RateScope.ALL)
    assert chosen(rate(1), raised, bound=40, paid=45) == 2
    assert choose_rate(
        [rate(1), raised],
        product_id=WEB,
        referrer_id=ADA,
        paid_at=day(45) - timedelta(microseconds=1),
        bound_from=day(40),
    ) == rate(1)


def test_a_version_for_new_customers_after_one_for_all_passes_old_bindings_by() -> None:
    for_all = rate(2, valid_from=day(20), scope=RateScope.ALL)
    for_new = rate(3, valid_from=day(45))
    assert chosen(rate(1), for_all, for_new, bound=10) == 2
    assert chosen(rate(1), for_all, for_new, bound=46) == 3


any_rate = st.builds(
    rate,
    st.integers(1, 9),
    product_id=st.sampled_from([None, WEB, MAIL]),
    referrer_id=st.sampled_from([None, ADA, BOB]),
    kind=st.sampled_from([RateKind.PERCENT, RateKind.NONE]),
    scope=st.sampled_from(list(RateScope)),
    valid_from=st.integers(0, 60).map(day),
)


@given(st.lists(any_rate, max_size=6, unique_by=lambda each: each.id), st.data())
def test_what_is_chosen_is_in_force_and_does_not_depend_on_the_order_read(
    rates: list[Rate], data: st.DataObject
) -> None:
    def choose(several: list[Rate]) -> Rate | None:
        return choose_rate(several, product_id=WEB, referrer_id=ADA, paid_at=day(50), bound_from=day(40))

    found = choose(rates)
    assert choose(data.draw(st.permutations(rates))) == found
    if found is not None:
        assert found.valid_from <= day(50)
        assert found.scope is RateScope.ALL or found.valid_from <= day(40)
        assert found.product_id in {None, WEB}
        assert found.referrer_id in {None, ADA}


def spent(each: Rate, paid_at: datetime, order_id: str = "o2", first: datetime = BEGIN) -> bool:
    return duration_spent(
        each, paid_at=paid_at, order_id=order_id, first_paid=(first, "o1"), timezone=AMSTERDAM
    )


def test_a_lifetime_rate_is_never_spent() -> None:
    assert spent(rate(1), day(100_000)) is False


def test_a_rate_for_no_number_of_months_is_spent_at_once() -> None:
    assert spent(rate(1, duration=Duration.MONTHS), BEGIN, "o1")


def test_a_first_order_rate_pays_the_first_order_by_payment_and_then_id() -> None:
    first_order = rate(1, duration=Duration.FIRST_ORDER)
    assert not spent(first_order, BEGIN, "o1")
    assert spent(first_order, BEGIN, "o2")
    assert spent(first_order, day(1), "o0")


@pytest.mark.parametrize(
    ("first", "months", "end"),
    [
        # 31 January + 1 month: the end of February, at the same wall-clock time.
        ("2026-01-31T12:00:00+01:00", 1, "2026-02-28T12:00:00+01:00"),
        ("2026-01-31T12:00:00+01:00", 12, "2027-01-31T12:00:00+01:00"),
        # Over the change to summer time and back.
        ("2026-03-28T12:00:00+01:00", 1, "2026-04-28T12:00:00+02:00"),
        ("2026-10-24T12:00:00+02:00", 1, "2026-11-24T12:00:00+01:00"),
        # Ends in the hour that is skipped, and in the hour that comes twice.
        ("2026-02-28T02:30:00+01:00", 13, "2027-03-28T01:30:00+00:00"),
        ("2026-09-25T02:30:00+02:00", 1, "2026-10-25T02:30:00+02:00"),
    ],
)
def test_months_end_half_open_at_the_same_wall_clock_time(first: str, months: int, end: str) -> None:
    limited = rate(1, duration=Duration.MONTHS, duration_months=months)
    start, over = datetime.fromisoformat(first), datetime.fromisoformat(end)
    assert not spent(limited, over - timedelta(microseconds=1), first=start)
    assert spent(limited, over, first=start)


def test_a_level_that_is_standard_again_leaves_the_word_to_the_next_one() -> None:
    own = rate(3, product_id=WEB, referrer_id=ADA)
    over = rate(4, product_id=WEB, referrer_id=ADA, kind=RateKind.STANDARD, rate_ppm=None, valid_from=day(45))
    over_for_all = replace(over, scope=RateScope.ALL)
    assert chosen(EVERYWHERE, BY_PRODUCT, own, over_for_all) == BY_PRODUCT.id
    assert chosen(EVERYWHERE, BY_PRODUCT, own, over_for_all, paid=44) == own.id
    assert chosen(EVERYWHERE, BY_PRODUCT, own, over) == own.id, "an old binding keeps what it had"
    excluded = replace(BY_PRODUCT, kind=RateKind.NONE, rate_ppm=None)
    assert chosen(EVERYWHERE, excluded, own, over_for_all) == excluded.id
