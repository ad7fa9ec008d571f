"""What an order line earns: by rate, less refunds, and why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.money import PPM
from app.referrals.domain.attribution import Span
from app.referrals.domain.commission import Earned, Line, OrderTerms, Outcome, amounts, earn
from app.referrals.domain.rates import Rate
from app.referrals.words import BindingMethod, Duration, LineKind, OrderStatus, RateKind, RateScope

WEB, MAIL, ADA = 1, 2, 11
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PLACED = BEGIN + timedelta(days=20)
SPAN = Span(ADA, BindingMethod.CLICK, BEGIN + timedelta(days=10))
ORDER = OrderTerms(
    order_id="o1",
    status=OrderStatus.PAID,
    currency="EUR",
    placed_at=PLACED,
    paid_at=PLACED,
    first_paid=(PLACED, "o1"),
    first_ever=(PLACED, "o1"),
    program_currency="EUR",
    timezone="Europe/Amsterdam",
)


def line(net: int = 10_000, refunded: int = 0, *, quantity: int = 1, **changes: Any) -> Line:
    wanted: dict[str, Any] = {"kind": LineKind.NEW, "product_id": WEB, **changes}
    return Line(net, quantity, refunded_minor=refunded, **wanted)


def percent(ppm: int = 100_000, **changes: Any) -> Rate:
    wanted: dict[str, Any] = {
        "product_id": None,
        "referrer_id": None,
        "kind": RateKind.PERCENT,
        "duration": Duration.LIFETIME,
        "scope": RateScope.ALL,
        "valid_from": BEGIN,
        "rate_ppm": ppm,
        **changes,
    }
    return Rate(1, **wanted)


def flat(minor: int, **changes: Any) -> Rate:
    return percent(kind=RateKind.FLAT, rate_ppm=None, flat_minor=minor, **changes)


def test_ten_percent_of_a_hundred_is_ten_and_thirty_percent_back_leaves_seven() -> None:
    assert amounts(percent(), line()) == (1_000, 1_000)
    assert amounts(percent(), line(refunded=3_000)) == (1_000, 700)


def test_a_small_rate_is_rounded_half_up_once_for_each_line() -> None:
    assert amounts(percent(3_500), line(11_000)) == (39, 39)
    assert amounts(percent(), line(1_580)) == (158, 158)
    assert amounts(percent(), line(1_234)) == (123, 123)


def test_flat_pays_for_each_piece_and_never_more_than_was_paid_unless_the_rate_says_so() -> None:
    assert amounts(flat(1_000), line(10_000, quantity=3)) == (3_000, 3_000)
    assert amounts(flat(1_000), line(300)) == (300, 300)
    assert amounts(flat(1_000, may_exceed_net=True), line(300)) == (1_000, 1_000)


def test_flat_shrinks_with_the_refunded_share() -> None:
    assert amounts(flat(1_000), line(300, 150)) == (300, 150)
    assert amounts(flat(1_000), line(3_000, 1_000)) == (1_000, 667)
    assert amounts(flat(1_000, may_exceed_net=True), line(300, 100)) == (1_000, 667)


def test_flat_on_a_free_line_stays_until_the_whole_order_is_refunded() -> None:
    bounty = flat(1_000, may_exceed_net=True)
    assert amounts(bounty, line(0)) == (1_000, 1_000)
    assert amounts(bounty, line(0, voided=True)) == (1_000, 0)
    assert amounts(flat(1_000), line(0)) == (0, 0)


def test_a_refund_in_full_leaves_nothing_whatever_the_rate() -> None:
    for each in (percent(), flat(1_000), flat(1_000, may_exceed_net=True)):
        assert amounts(each, line(300, voided=True))[1] == 0


any_rate = st.one_of(
    st.integers(0, PPM).map(percent),
    st.integers(0, 10**6).map(flat),
    st.integers(0, 10**6).map(lambda minor: flat(minor, may_exceed_net=True)),
)


@given(any_rate, st.integers(0, 10**9), st.integers(1, 50), st.data())
def test_a_target_is_between_nothing_and_what_was_earned_and_falls_as_refunds_rise(
    each: Rate, net: int, quantity: int, data: st.DataObject
) -> None:
    less = data.draw(st.integers(0, net))
    more = data.draw(st.integers(less, net))
    earned, target_less = amounts(each, line(net, less, quantity=quantity))
    _, target_more = amounts(each, line(net, more, quantity=quantity))
    assert 0 <= target_more <= target_less <= earned
    assert each.may_exceed_net or earned <= net


@given(any_rate, st.integers(1, 10**9), st.lists(st.integers(1, 10**9), min_size=1, max_size=8))
def test_partial_refunds_that_sum_to_all_leave_exactly_nothing(each: Rate, net: int, cuts: list[int]) -> None:
    refunded = 0
    for cut in cuts:
        refunded = min(net, refunded + cut)
        amounts(each, line(net, refunded))
    assert amounts(each, line(net, net))[1] == 0
    assert amounts(each, line(net, 0))[0] == amounts(each, line(net, 0))[1]


def outcome(
    rates: tuple[Rate, ...] = (percent(),),
    of: Line | None = None,
    span: Span | None = SPAN,
    spans: tuple[Span, ...] | None = None,
    **order: Any,
) -> Outcome:
    every = ((span,) if span else ()) if spans is None else spans
    return earn(of or line(), replace(ORDER, **order), span, every, rates).outcome


def test_a_paid_line_of_a_participating_product_earns() -> None:
    found = earn(line(), ORDER, SPAN, (SPAN,), (percent(),))
    assert (found.outcome, found.rate, found.earned, found.target) == (Outcome.EARNS, percent(), 1_000, 1_000)


def test_a_line_earns_by_the_rate_of_its_own_product() -> None:
    of_web, of_mail = replace(percent(200_000, product_id=WEB), id=2), replace(percent(product_id=MAIL), id=3)
    for product, rate, expected in ((WEB, of_web, 2_000), (MAIL, of_mail, 1_000)):
        found = earn(line(product_id=product), ORDER, SPAN, (SPAN,), (of_web, of_mail))
        assert found == Earned(Outcome.EARNS, rate, expected, expected, 10_000)


def test_a_rate_for_new_customers_reaches_bindings_made_from_then_on() -> None:
    rate = percent(scope=RateScope.NEW_CUSTOMERS, valid_from=SPAN.from_at)
    assert outcome(rates=(rate,)) is Outcome.EARNS
    before = replace(SPAN, from_at=SPAN.from_at - timedelta(microseconds=1))
    assert outcome(rates=(rate,), span=before) is Outcome.NOT_PARTICIPATING


def test_an_order_without_a_time_of_payment_earns_nothing_whatever_its_status_says() -> None:
    for order in (replace(ORDER, paid_at=None), replace(ORDER, first_paid=None)):
        assert earn(line(), order, SPAN, (SPAN,), (percent(),)) == Earned(Outcome.UNATTRIBUTED)


def test_what_earns_nothing_names_the_rate_that_says_so() -> None:
    none = percent(kind=RateKind.NONE, rate_ppm=None)
    assert earn(line(), ORDER, SPAN, (SPAN,), (none,)) == Earned(Outcome.EXCLUDED, none)
    only_new = percent(line_kinds=frozenset({LineKind.NEW}))
    renewal = line(kind=LineKind.RENEWAL)
    assert earn(renewal, ORDER, SPAN, (SPAN,), (only_new,)) == Earned(Outcome.KIND_NOT_PAID, only_new)
    first_only = percent(duration=Duration.FIRST_ORDER)
    second = replace(ORDER, order_id="o2")
    assert earn(line(), second, SPAN, (SPAN,), (first_only,)) == Earned(Outcome.DURATION_SPENT, first_only)


def test_a_duration_is_counted_from_the_bindings_first_paid_order_in_the_programmes_zone() -> None:
    first_only = percent(duration=Duration.FIRST_ORDER)
    assert outcome(rates=(first_only,)) is Outcome.EARNS
    # Half past midnight in Auckland on 31 January is 30 January in UTC: a month ends on 28 February in each.
    first = datetime(2026, 1, 30, 11, 30, tzinfo=UTC)
    month = percent(duration=Duration.MONTHS, duration_months=1)
    for zone, ends in (
        ("UTC", datetime(2026, 2, 28, 11, 30, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 2, 27, 11, 30, tzinfo=UTC)),
    ):
        terms = replace(ORDER, timezone=zone, first_paid=(first, "o0"))
        for paid_at, expected in (
            (ends - timedelta(seconds=1), Outcome.EARNS),
            (ends, Outcome.DURATION_SPENT),
        ):
            order = replace(terms, paid_at=paid_at)
            assert earn(line(), order, SPAN, (SPAN,), (month,)).outcome is expected


def test_a_cancelled_order_earns_nothing_whoever_brought_the_customer() -> None:
    cancelled: dict[str, Any] = {"status": OrderStatus.CANCELLED, "paid_at": None, "first_paid": None}
    assert outcome(**cancelled) is Outcome.CANCELLED
    assert outcome(span=None, **cancelled) is Outcome.CANCELLED


def test_an_order_waits_for_its_payment_and_for_its_exchange_rate() -> None:
    assert outcome(status=OrderStatus.PENDING, paid_at=None, first_paid=None) is Outcome.UNPAID
    assert outcome(currency="USD") is Outcome.WAITING_RATE


def test_an_order_outside_every_binding_says_on_which_side() -> None:
    earlier = Span(ADA, BindingMethod.CLICK, BEGIN, BEGIN + timedelta(days=1))
    later = Span(ADA, BindingMethod.CHOSEN, PLACED + timedelta(days=1))
    assert outcome(span=None) is Outcome.UNATTRIBUTED
    assert outcome(span=None, spans=(later,)) is Outcome.BEFORE_BINDING
    assert outcome(span=None, spans=(earlier,)) is Outcome.AFTER_BINDING
    assert outcome(span=None, spans=(earlier, later)) is Outcome.AFTER_BINDING


def test_a_binding_covers_its_first_instant_and_not_its_last() -> None:
    ended = replace(SPAN, until_at=PLACED)
    assert SPAN.covers(SPAN.from_at)
    assert not SPAN.covers(SPAN.from_at - timedelta(microseconds=1))
    assert ended.covers(PLACED - timedelta(microseconds=1))
    assert not ended.covers(PLACED)


def test_a_product_that_does_not_participate_says_why() -> None:
    none = percent(kind=RateKind.NONE, rate_ppm=None)
    assert outcome(of=line(product_id=None)) is Outcome.UNKNOWN_PRODUCT
    assert outcome(rates=()) is Outcome.NOT_PARTICIPATING
    assert outcome(rates=(none,)) is Outcome.EXCLUDED


def test_a_renewal_under_a_rate_for_new_orders_earns_nothing_and_does_not_fall_through() -> None:
    only_new = percent(referrer_id=ADA, line_kinds=frozenset({LineKind.NEW}))
    assert outcome(rates=(percent(), only_new), of=line(kind=LineKind.RENEWAL)) is Outcome.KIND_NOT_PAID
    assert outcome(rates=(percent(), only_new), of=line(kind=LineKind.NEW)) is Outcome.EARNS


def test_a_spent_duration_earns_nothing_and_does_not_fall_through() -> None:
    first_only = percent(referrer_id=ADA, duration=Duration.FIRST_ORDER)
    second: dict[str, Any] = {"order_id": "o2", "first_paid": (PLACED, "o1")}
    assert outcome(rates=(percent(), first_only), **second) is Outcome.DURATION_SPENT
    assert outcome(rates=(percent(),), **second) is Outcome.EARNS


@pytest.mark.parametrize("kind", list(LineKind))
def test_every_kind_of_line_earns_by_default(kind: LineKind) -> None:
    assert outcome(of=line(kind=kind)) is Outcome.EARNS
