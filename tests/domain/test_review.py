"""When a review rule speaks: each on both sides of its threshold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import InvalidInput
from app.referrals.domain.review import (
    ACTIONS,
    LEAST,
    LIMIT_NAMES,
    LONGEST_RING,
    MOST,
    Action,
    Judged,
    Limits,
    ReviewSettings,
    Share,
    converts_too_well,
    counts,
    parse_setting,
    read_settings,
    refunded_too_often,
    review_shown,
    rings,
    shared_by,
    surely_above,
    too_fast,
    too_late,
)
from app.referrals.words import BindingMethod, HoldRule, HoldState

CLICK = datetime(2026, 9, 1, 12, tzinfo=UTC)
LIMITS = Limits()


def seconds(number: float) -> datetime:
    return CLICK + timedelta(seconds=number)


def test_a_payment_ten_seconds_after_the_click_is_possible_and_one_sooner_is_not() -> None:
    assert too_fast(BindingMethod.CLICK, CLICK, seconds(9.999), LIMITS)
    assert not too_fast(BindingMethod.CLICK, CLICK, seconds(10), LIMITS)
    assert too_fast(BindingMethod.CLICK, CLICK, seconds(10), Limits(fast_seconds=11))


@pytest.mark.parametrize("method", [each for each in BindingMethod if each is not BindingMethod.CLICK])
def test_only_a_click_can_be_too_fast(method: BindingMethod) -> None:
    assert not too_fast(method, CLICK, CLICK, LIMITS)


def test_a_click_is_late_once_clocks_cannot_explain_it() -> None:
    assert not too_late(seconds(300), CLICK, LIMITS)
    assert too_late(seconds(300.001), CLICK, LIMITS)
    assert too_late(seconds(1), CLICK, Limits(late_seconds=0))


def test_two_customers_share_a_click_and_three_are_a_crowd() -> None:
    assert [shared_by(number, LIMITS) for number in (1, 2, 3, 4)] == [
        None,
        HoldRule.SHARED_CLICK,
        HoldRule.CROWDED_CLICK,
        HoldRule.CROWDED_CLICK,
    ]
    assert shared_by(3, Limits(crowd_customers=4)) is HoldRule.SHARED_CLICK
    assert shared_by(2, Limits(crowd_customers=2)) is HoldRule.CROWDED_CLICK


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 0, 0.0), (3, 0, 0.0), (1, 1, 0.1310), (1, 10, 0.0119), (50, 100, 0.3753), (9, 3, 0.3114)],
)
def test_the_lower_end_of_the_interval_is_wilsons(part: int, whole: int, expected: float) -> None:
    assert surely_above(Share(part, whole)) == pytest.approx(expected, abs=1e-4)


def test_who_never_did_it_is_above_nobody_however_few_or_many_the_trials() -> None:
    assert {surely_above(Share(0, whole)) for whole in range(100)} == {0.0}


@given(st.integers(0, 500), st.integers(1, 500))
def test_nobody_is_surely_above_the_own_rate_and_more_of_the_same_makes_surer(part: int, whole: int) -> None:
    share = Share(min(part, whole), whole)
    assert 0 <= surely_above(share) <= share.part / share.whole
    assert surely_above(Share(10 * share.part, 10 * whole)) >= surely_above(share) - 1e-12


def test_a_referrer_stands_out_who_surely_converts_three_times_as_well_as_the_others() -> None:
    def found(signups: int) -> bool:
        own = Share(signups, 100)
        return converts_too_well(own, Share(signups + 50, 1_100), LIMITS)  # the others: 5 %

    assert [found(signups) for signups in (24, 25, 26)] == [False, True, True]
    assert surely_above(Share(24, 100)) < 0.15 < surely_above(Share(25, 100))
    assert not converts_too_well(Share(27, 100), Share(77, 1_100), Limits(outlier_percent=400))


def test_the_factor_is_exact_and_where_nobody_converts_nobody_stands_out() -> None:
    def found(of_others: int) -> bool:
        return converts_too_well(Share(24, 100), Share(24 + of_others, 100_100), LIMITS)

    # Surely above 14.842 %: three times 4.947 % and not three times 4.948 %.
    assert [found(4_947), found(4_948)] == [True, False]
    assert not converts_too_well(Share(0, 100), Share(0, 1_100), LIMITS)


def test_nobody_stands_out_before_both_sides_have_enough_clicks() -> None:
    assert converts_too_well(Share(40, 50), Share(40, 100), LIMITS)
    assert not converts_too_well(Share(39, 49), Share(39, 100), LIMITS)
    assert not converts_too_well(Share(40, 50), Share(40, 99), LIMITS)
    assert not converts_too_well(Share(40, 50), Share(40, 50), Limits(outlier_clicks=1))


def test_refunds_are_too_many_above_thirty_percent_of_at_least_ten_orders() -> None:
    assert not refunded_too_often(Share(3, 10), LIMITS)
    assert refunded_too_often(Share(4, 10), LIMITS)
    assert not refunded_too_often(Share(9, 9), LIMITS)
    assert refunded_too_often(Share(3, 10), Limits(refund_percent=29))


def test_a_ring_of_four_is_found_once_and_one_of_five_is_none() -> None:
    def ring(size: int) -> list[tuple[int, int]]:
        return [*pairwise(range(1, size + 1)), (size, 1)]

    assert rings(ring(2)) == {(1, 2)}
    assert rings(ring(LONGEST_RING)) == {(1, 2, 3, 4)}
    assert rings(ring(LONGEST_RING + 1)) == frozenset()


def test_a_chain_or_the_own_customer_is_no_ring_and_two_rings_may_share_a_referrer() -> None:
    assert rings([(1, 1), (1, 2), (2, 3), (4, 3)]) == frozenset()
    assert rings([(3, 1), (1, 3), (3, 2), (2, 3), (1, 1)]) == {(1, 3), (2, 3)}


def test_the_order_of_the_pairs_makes_no_difference() -> None:
    pairs = [(1, 2), (2, 3), (3, 1), (2, 1)]
    assert {rings(each) for each in permutations(pairs)} == {frozenset({(1, 2), (1, 2, 3)})}


def test_a_programme_changes_limits_and_actions_and_keeps_the_other_defaults() -> None:
    assert read_settings(None) == read_settings({}) == ReviewSettings()
    held = read_settings({"fast_seconds": 5, "fast_conversion": "hold", "refund_rate": "off"})
    assert held.limits == Limits(fast_seconds=5)
    assert held.action(HoldRule.FAST_CONVERSION) is Action.HOLD
    assert held.action(HoldRule.REFUND_RATE) is Action.OFF
    assert held.action(HoldRule.LATE_CLICK) is ACTIONS[HoldRule.LATE_CLICK]


def test_a_rule_that_a_programme_cannot_set_always_holds() -> None:
    assert read_settings({"self_referral_email": "off"}).action(HoldRule.SELF_REFERRAL_EMAIL) is Action.HOLD
    assert {rule for rule in HoldRule if rule not in ACTIONS} == {
        HoldRule.SELF_REFERRAL_EMAIL,
        HoldRule.SELF_REFERRAL_IBAN,
        HoldRule.REFERRER_SUSPENDED,
        HoldRule.STAFF,
    }


def test_every_default_lies_within_its_bounds() -> None:
    for name in LIMIT_NAMES:
        assert getattr(LEAST, name) <= getattr(LIMITS, name) <= getattr(MOST, name)


def test_a_setting_is_a_number_within_its_bounds_or_what_a_rule_does() -> None:
    assert parse_setting("fast_seconds", "86400") == 86_400
    assert parse_setting("refund_percent", "0") == 0
    assert parse_setting("referral_ring", "note") == "note"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("fast_seconds", "0", "from 1 to 86400"),
        ("fast_seconds", "86401", "from 1 to 86400"),
        ("fast_seconds", "1.5", "from 1 to 86400"),
        ("fast_seconds", "0000000010", "from 1 to 86400"),
        ("fast_seconds", "9" * 5_000, "from 1 to 86400"),
        ("referral_ring", "hide", "expected hold, note or off"),
        ("self_referral_email", "off", "no such setting"),
        ("nothing", "1", "there are crowd_customers, "),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(name: str, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse_setting(name, text)


def test_a_rule_does_what_the_programme_says_else_its_default_and_holds_where_it_may_not_be_set() -> None:
    settings = ReviewSettings(actions={HoldRule.SHARED_CLICK: Action.OFF})
    assert settings.action(HoldRule.SHARED_CLICK) is Action.OFF
    assert ReviewSettings().action(HoldRule.SHARED_CLICK) is Action.NOTE
    assert ReviewSettings().action(HoldRule.SELF_REFERRAL_IBAN) is Action.HOLD


def test_all_settings_are_shown_with_their_defaults() -> None:
    shown = review_shown({"fast_seconds": 5, "referral_ring": "off"})
    assert (shown["fast_seconds"], shown["referral_ring"]) == (5, "off")
    assert (shown["crowd_customers"], shown["refund_rate"]) == (3, "hold")
    assert shown.keys() == {*LIMIT_NAMES, *(rule.value for rule in ACTIONS)}


def judged(*, rejected: bool = False, **rules: HoldState) -> Judged:
    return Judged(rejected, {HoldRule(name): state for name, state in rules.items()})


def test_an_order_counts_for_tiers_unless_it_is_the_referrers_own_or_rejected() -> None:
    assert counts([], ())
    assert counts([judged()], ())
    assert counts([judged(crowded_click=HoldState.OPEN)], {HoldRule.CROWDED_CLICK})
    assert counts([judged(rejected=True), judged()], ())
    assert not counts([judged(rejected=True)], ())
    assert not counts([judged(rejected=True), judged(rejected=True)], ())


@pytest.mark.parametrize("rule", ["self_referral_email", "self_referral_iban"])
def test_an_own_order_counts_once_one_of_its_commissions_is_released(rule: str) -> None:
    held, released = (
        judged(rejected=False, **{rule: HoldState.OPEN}),
        judged(rejected=False, **{rule: HoldState.RELEASED}),
    )
    assert not counts([], {HoldRule(rule)})
    assert not counts([judged()], {HoldRule(rule)})
    assert not counts([held], ())
    assert not counts([held, judged()], ())
    assert counts([held, released], {HoldRule(rule)})
    assert counts([released], ())
    assert not counts([judged(rejected=True, **{rule: HoldState.RELEASED})], ())


def test_an_own_order_that_two_rules_found_counts_once_both_are_released() -> None:
    rules = {"self_referral_email": HoldState.RELEASED, "self_referral_iban": HoldState.OPEN}
    assert not counts([judged(rejected=False, **rules)], ())
    assert not counts([judged(self_referral_email=HoldState.RELEASED)], {HoldRule.SELF_REFERRAL_IBAN})
    assert counts(
        [judged(rejected=False, **dict.fromkeys(rules, HoldState.RELEASED))], set(map(HoldRule, rules))
    )


def test_shares_add_up_and_taking_one_away_leaves_the_others() -> None:
    one, other = Share(1, 10), Share(4, 20)
    assert one + other == Share(5, 30)
    assert one + other - one == other
