"""Who brought this customer: precedence, the window, what came before, and choices of a partner."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.referrals.domain.attribution import (
    LEAD_DAYS,
    Assignment,
    Attribution,
    Candidate,
    CandidateKind,
    Choice,
    Lost,
    Occasion,
    Span,
    Suspensions,
    attribute,
)
from app.referrals.words import AttributionModel, BindingMethod

ADA, BOB, CLEO, DAN = 11, 12, 13, 14
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WINDOW = 30


def day(number: float) -> datetime:
    return BEGIN + timedelta(days=number)


def click(
    referrer: int | None, at: datetime, value: str | None = None, flaw: Lost | None = None
) -> Candidate:
    return Candidate(CandidateKind.CLICK, value or f"click-{referrer}-{at.timestamp()}", referrer, at, flaw)


def coupon(referrer: int | None, value: str = "SAVE") -> Candidate:
    return Candidate(CandidateKind.COUPON, value, referrer)


def code(referrer: int | None, value: str = "ada") -> Candidate:
    return Candidate(CandidateKind.CODE, value, referrer)


def lead(referrer: int, at: datetime, value: str | None = None) -> Candidate:
    return Candidate(CandidateKind.LEAD, value or f"lead-{referrer}", referrer, at)


def signup(
    at: datetime, *candidates: Candidate, model: AttributionModel = AttributionModel.LAST_CLICK
) -> Occasion:
    return Occasion("signup", "c1", at, candidates, model, WINDOW)


def order(order_id: str, at: datetime, *candidates: Candidate) -> Occasion:
    return Occasion("order", order_id, at, candidates, AttributionModel.LAST_CLICK, WINDOW)


def told(
    *events: Occasion | Choice | Assignment,
    first_seen: datetime | None = None,
    suspensions: Suspensions | None = None,
) -> Attribution:
    """The story; the customer is first seen at its first occasion unless said otherwise."""
    occasions = [event for event in events if isinstance(event, Occasion)]
    choices = [event for event in events if isinstance(event, Choice)]
    seen = first_seen or min((event.at for event in occasions), default=None)
    assigned = [event for event in events if isinstance(event, Assignment)]
    return attribute(occasions, choices, seen, suspensions or Suspensions(), assigned)


def reasons(story: Attribution, verdict: int = 0) -> dict[str, Lost | None]:
    return {candidate.value: lost for candidate, lost in story.verdicts[verdict].considered}


def test_the_last_click_wins_and_the_earlier_one_says_so() -> None:
    story = told(signup(day(10), click(ADA, day(1), "a"), click(BOB, day(2), "b")))
    assert story.spans == (Span(BOB, BindingMethod.CLICK, day(2)),)
    assert reasons(story) == {"b": None, "a": Lost.EARLIER_CLICK}


def test_in_a_first_click_programme_the_first_one_wins() -> None:
    clicks = click(ADA, day(1), "a"), click(BOB, day(2), "b")
    story = told(signup(day(10), *clicks, model=AttributionModel.FIRST_CLICK))
    assert story.spans == (Span(ADA, BindingMethod.CLICK, day(1)),)
    assert reasons(story) == {"a": None, "b": Lost.LATER_CLICK}


def test_in_a_first_click_programme_the_first_one_within_the_window_wins() -> None:
    clicks = click(ADA, day(1), "a"), click(BOB, day(20), "b")
    story = told(signup(day(40), *clicks, model=AttributionModel.FIRST_CLICK))
    assert story.spans[0].referrer_id == BOB
    assert reasons(story) == {"a": Lost.OUTSIDE_WINDOW, "b": None}


def test_a_decision_names_the_winner_first_then_the_others_as_they_would_follow() -> None:
    presented = code(BOB, "code"), click(ADA, day(2), "b"), click(BOB, day(3), "c"), click(ADA, day(1), "a")
    last = told(signup(day(10), *presented))
    first = told(signup(day(10), *presented, model=AttributionModel.FIRST_CLICK))
    assert list(reasons(last)) == ["c", "b", "a", "code"]
    assert list(reasons(first)) == ["a", "b", "c", "code"]


def test_a_click_exactly_at_the_windows_end_is_out_and_one_second_before_is_in() -> None:
    out = told(signup(day(WINDOW), click(ADA, day(0), "a")))
    assert out.spans == ()
    assert reasons(out) == {"a": Lost.OUTSIDE_WINDOW}
    assert out.verdicts[0].method is None
    assert told(signup(day(WINDOW) - SECOND, click(ADA, day(0)))).spans != ()
    assert told(signup(day(WINDOW), click(ADA, day(0) + SECOND))).spans != ()


def test_fractions_of_a_second_do_not_decide_about_the_window_or_the_binding() -> None:
    late = click(ADA, day(1) + timedelta(microseconds=900_000))
    story = told(signup(day(1), late))
    assert story.spans == (Span(ADA, BindingMethod.CLICK, day(1)),)


def test_a_click_after_the_signup_counts_within_five_minutes_of_clock_skew() -> None:
    inside, outside = day(1) + timedelta(minutes=5), day(1) + timedelta(minutes=5, seconds=1)
    assert told(signup(day(1), click(ADA, inside))).spans == (Span(ADA, BindingMethod.CLICK, day(1)),)
    assert reasons(told(signup(day(1), click(ADA, outside, "a")))) == {"a": Lost.AFTER_SIGNUP}


def test_a_coupon_beats_a_click_and_a_click_beats_a_typed_code() -> None:
    story = told(signup(day(10), code(ADA, "code"), click(BOB, day(9), "click"), coupon(ADA, "coupon")))
    assert story.spans == (Span(ADA, BindingMethod.COUPON, day(10)),)
    assert reasons(story) == {"coupon": None, "click": Lost.LOWER_PRECEDENCE, "code": Lost.LOWER_PRECEDENCE}
    story = told(signup(day(10), code(ADA, "code"), click(BOB, day(9), "click")))
    assert story.spans == (Span(BOB, BindingMethod.CLICK, day(9)),)
    assert told(signup(day(10), code(ADA))).spans == (Span(ADA, BindingMethod.CODE, day(10)),)


def test_a_candidate_that_fails_leaves_the_field_to_the_next() -> None:
    story = told(signup(day(40), coupon(None, "gone"), click(ADA, day(1), "old"), code(BOB, "code")))
    assert story.spans == (Span(BOB, BindingMethod.CODE, day(40)),)
    assert reasons(story) == {"gone": Lost.UNKNOWN, "old": Lost.OUTSIDE_WINDOW, "code": None}


def test_of_two_coupons_the_first_in_the_alphabet_wins_whatever_came_first() -> None:
    for coupons in ([coupon(ADA, "A"), coupon(BOB, "B")], [coupon(BOB, "B"), coupon(ADA, "A")]):
        story = told(signup(day(1), *coupons))
        assert story.spans[0].referrer_id == ADA
        assert reasons(story) == {"A": None, "B": Lost.SAME_KIND}


def test_what_leads_nowhere_says_why() -> None:
    foreign = click(None, day(1), "foreign", Lost.OTHER_PROGRAM)
    other = Candidate(CandidateKind.CODE, "other", BOB, flaw=Lost.OTHER_PROGRAM)
    story = told(signup(day(2), foreign, click(None, day(1), "broken"), other))
    assert story.spans == ()
    assert story.verdicts[0].winner is None
    assert reasons(story) == {
        "foreign": Lost.OTHER_PROGRAM,
        "broken": Lost.UNKNOWN,
        "other": Lost.OTHER_PROGRAM,
    }


def test_the_same_candidate_twice_is_one() -> None:
    once = click(ADA, day(1), "a")
    assert reasons(told(signup(day(2), once, once))) == {"a": None}


def test_a_click_does_not_bind_a_customer_who_was_there_before_it() -> None:
    story = told(signup(day(10), click(ADA, day(5), "a")), first_seen=day(4))
    assert reasons(story) == {"a": Lost.EXISTED_BEFORE}
    assert told(signup(day(10), click(ADA, day(5))), first_seen=day(5)).spans != ()
    assert told(signup(day(10), code(ADA)), first_seen=day(4)).spans != ()
    # Its own signup does not count as having been there, even where the shop's clock is behind the click's.
    assert told(signup(day(10), click(ADA, day(10) + SECOND)), first_seen=day(10)).spans != ()


def test_later_clicks_by_others_never_move_a_binding() -> None:
    story = told(
        signup(day(1), click(ADA, day(1))), order("o1", day(9), click(BOB, day(8), "b"), coupon(BOB, "B"))
    )
    assert story.spans == (Span(ADA, BindingMethod.CLICK, day(1)),)
    assert reasons(story, 1) == {"b": Lost.ALREADY_BOUND, "B": Lost.ALREADY_BOUND}


def test_an_order_may_bind_where_the_signup_did_not() -> None:
    story = told(signup(day(1)), order("o1", day(9), coupon(BOB)))
    assert story.spans == (Span(BOB, BindingMethod.COUPON, day(9)),)


def test_at_one_instant_the_signup_speaks_first_then_orders_by_id_then_the_choice() -> None:
    events: list[Occasion | Choice] = [
        Choice(day(1), BOB),
        order("o2", day(1), coupon(BOB, "two")),
        order("o1", day(1), coupon(ADA, "one")),
        replace(signup(day(1)), ref="z1"),
    ]
    story = told(*events)
    assert [verdict.occasion.ref for verdict in story.verdicts] == ["z1", "o1", "o2"]
    assert reasons(story, 1) == {"one": None}
    assert reasons(story, 2) == {"two": Lost.ALREADY_BOUND}
    assert story.spans == (Span(BOB, BindingMethod.CHOSEN, day(1)),)


def test_a_suspended_referrer_wins_nothing_from_the_suspension_on_until_reinstated() -> None:
    out = Suspensions({ADA: [(day(5), day(10))], BOB: [(day(20), None)]})
    for at, won in ((day(5) - SECOND, True), (day(5), False), (day(10) - SECOND, False), (day(10), True)):
        assert bool(told(signup(at, code(ADA)), suspensions=out).spans) is won
    assert reasons(told(signup(day(99), code(BOB, "b")), suspensions=out)) == {"b": Lost.REFERRER_SUSPENDED}


def test_a_chosen_partner_takes_over_from_then_on() -> None:
    story = told(signup(day(1), code(ADA)), Choice(day(5), BOB))
    assert story.spans == (
        Span(ADA, BindingMethod.CODE, day(1), day(5)),
        Span(BOB, BindingMethod.CHOSEN, day(5)),
    )


def test_choosing_the_partner_one_has_changes_nothing() -> None:
    bound = Span(ADA, BindingMethod.CODE, day(1))
    assert told(signup(day(1), code(ADA)), Choice(day(5), ADA)).spans == (bound,)
    chosen = Span(ADA, BindingMethod.CHOSEN, day(1))
    assert told(Choice(day(1), ADA), Choice(day(5), ADA)).spans == (chosen,)


def test_an_ended_partner_earns_no_more_and_no_click_binds_the_customer_again() -> None:
    story = told(signup(day(1), code(ADA)), Choice(day(5), None), order("o1", day(9), coupon(BOB, "B")))
    assert story.spans == (Span(ADA, BindingMethod.CODE, day(1), day(5)),)
    assert reasons(story, 1) == {"B": Lost.ALREADY_BOUND}


def test_after_an_end_the_customer_may_choose_again() -> None:
    story = told(Choice(day(1), ADA), Choice(day(5), None), Choice(day(6), None), Choice(day(9), ADA))
    assert story.spans == (
        Span(ADA, BindingMethod.CHOSEN, day(1), day(5)),
        Span(ADA, BindingMethod.CHOSEN, day(9)),
    )


def test_ending_what_one_never_had_changes_nothing() -> None:
    assert told(Choice(day(1), None)).spans == ()
    assert told(Choice(day(1), None), signup(day(2), code(ADA))).spans == (
        Span(ADA, BindingMethod.CODE, day(2)),
    )


@pytest.mark.parametrize("chosen", [None, BOB])
def test_a_binding_that_would_end_where_it_began_never_was(chosen: int | None) -> None:
    story = told(signup(day(1), code(ADA)), Choice(day(1), chosen))
    assert story.spans == (() if chosen is None else (Span(BOB, BindingMethod.CHOSEN, day(1)),))


def test_every_partner_that_was_chosen_keeps_its_own_time() -> None:
    earlier = Choice(day(2), ADA), Choice(day(4), BOB), Choice(day(6), CLEO)
    spans = [(span.referrer_id, span.from_at, span.until_at) for span in told(*earlier).spans]
    assert spans == [(ADA, day(2), day(4)), (BOB, day(4), day(6)), (CLEO, day(6), None)]
    # Staff at the instant of the last choice: that partner never was, the two before stay.
    corrected = told(*earlier, Assignment(day(6), DAN, 1)).spans
    assert [(span.referrer_id, span.from_at) for span in corrected] == [
        (ADA, day(2)),
        (BOB, day(4)),
        (DAN, day(6)),
    ]


def test_the_rule_and_its_terms_are_written_down() -> None:
    assert told(signup(day(1))).verdicts[0].rule == "last_click/1 window 30d"


def test_a_lead_comes_after_clicks_and_before_typed_codes() -> None:
    everything = (
        coupon(ADA, "coupon"),
        click(BOB, day(9), "click"),
        lead(ADA, day(8), "lead"),
        code(BOB, "code"),
    )
    for number, method in enumerate(
        (BindingMethod.COUPON, BindingMethod.CLICK, BindingMethod.LEAD, BindingMethod.CODE)
    ):
        story = told(signup(day(10), *reversed(everything[number:])))
        assert story.verdicts[0].method is method
        assert reasons(story) == {
            each.value: Lost.LOWER_PRECEDENCE if place else None
            for place, each in enumerate(everything[number:])
        }


def test_a_lead_binds_from_the_signup_on() -> None:
    assert told(signup(day(10), lead(ADA, day(8)))).spans == (Span(ADA, BindingMethod.LEAD, day(10)),)


@pytest.mark.parametrize("model", list(AttributionModel))
def test_of_two_leads_the_first_registered_wins_in_every_model(model: AttributionModel) -> None:
    leads = lead(ADA, day(2), "first"), lead(BOB, day(5), "second")
    for given_leads in (leads, leads[::-1]):
        story = told(signup(day(10), *given_leads, model=model))
        assert story.spans[0].referrer_id == ADA
        assert reasons(story) == {"first": None, "second": Lost.LATER_LEAD}


def test_a_lead_counts_for_90_days_and_then_leaves_the_field_to_the_next() -> None:
    first, second = lead(ADA, day(0), "first"), lead(BOB, day(1), "second")
    story = told(signup(day(LEAD_DAYS), first, second))
    assert story.spans[0].referrer_id == BOB
    assert reasons(story) == {"first": Lost.LEAD_EXPIRED, "second": None}
    assert told(signup(day(LEAD_DAYS) - SECOND, first, second)).spans[0].referrer_id == ADA


def test_a_lead_of_somebody_who_signed_up_already_counts_for_nothing() -> None:
    assert reasons(told(signup(day(1), lead(ADA, day(1) + SECOND, "a")))) == {"a": Lost.AFTER_SIGNUP}
    within_the_second = day(1) + timedelta(microseconds=900_000)
    assert told(signup(day(1), lead(ADA, within_the_second))).spans != ()
    story = told(signup(day(10), lead(ADA, day(5), "a")), first_seen=day(4))
    assert reasons(story) == {"a": Lost.EXISTED_BEFORE}
    assert told(signup(day(10), lead(ADA, day(5))), first_seen=day(5)).spans != ()


def test_a_suspended_referrers_lead_counts_for_nothing() -> None:
    out = Suspensions({ADA: [(day(5), None)]})
    story = told(signup(day(10), lead(ADA, day(1), "a")), suspensions=out)
    assert reasons(story) == {"a": Lost.REFERRER_SUSPENDED}


def test_staff_move_a_customer_from_an_instant_on() -> None:
    story = told(signup(day(1), code(ADA)), Assignment(day(5), BOB, 1))
    assert story.spans == (
        Span(ADA, BindingMethod.CODE, day(1), day(5)),
        Span(BOB, BindingMethod.STAFF, day(5)),
    )
    assert reasons(story) == {"ada": None}


def test_staff_move_earlier_orders_too_where_they_say_so() -> None:
    earlier = Assignment(day(5), BOB, 1, also_earlier=True)
    assert told(signup(day(1), code(ADA)), earlier).spans == (Span(BOB, BindingMethod.STAFF, day(1)),)
    assert told(earlier).spans == (Span(BOB, BindingMethod.STAFF, day(5)),)
    assert told(earlier, first_seen=day(3)).spans == (Span(BOB, BindingMethod.STAFF, day(3)),)
    # An order that came in later than the correction is dated is no reason to begin later.
    assert told(earlier, first_seen=day(9)).spans == (Span(BOB, BindingMethod.STAFF, day(5)),)


@pytest.mark.parametrize("also_earlier", [False, True])
def test_staff_may_say_that_a_customer_belongs_to_nobody_and_no_candidate_wins_after_that(
    also_earlier: bool,
) -> None:
    nobody = Assignment(day(5), None, 1, also_earlier=also_earlier)
    story = told(signup(day(1), code(ADA)), nobody, order("o1", day(9), coupon(BOB, "B")))
    kept = () if also_earlier else (Span(ADA, BindingMethod.CODE, day(1), day(5)),)
    assert story.spans == kept
    assert reasons(story, 1) == {"B": Lost.DECIDED_BY_STAFF}
    assert told(nobody, signup(day(9), code(BOB, "b"))).spans == ()


def test_a_choice_of_the_customers_own_after_staffs_word_counts() -> None:
    story = told(Assignment(day(5), ADA, 1), Choice(day(9), BOB))
    assert story.spans == (
        Span(ADA, BindingMethod.STAFF, day(5), day(9)),
        Span(BOB, BindingMethod.CHOSEN, day(9)),
    )


def test_of_two_corrections_at_one_instant_the_one_made_later_counts_and_staff_speak_last() -> None:
    both = Assignment(day(5), ADA, 1), Assignment(day(5), BOB, 2)
    for events in (both, both[::-1]):
        assert told(*events, Choice(day(5), ADA)).spans == (Span(BOB, BindingMethod.STAFF, day(5)),)


def test_assigning_whom_the_customer_has_changes_nothing() -> None:
    story = told(signup(day(1), code(ADA)), Assignment(day(5), ADA, 1))
    assert story.spans == (Span(ADA, BindingMethod.CODE, day(1)),)


def test_every_reason_to_lose_is_given_by_some_test() -> None:
    """The list of reasons and this file go together: a new one needs its own test here."""
    named = Path(__file__).read_text(encoding="utf-8")
    assert [reason.name for reason in Lost if f"Lost.{reason.name}" not in named] == []


moments = st.integers(0, 60).map(lambda hours: BEGIN + timedelta(hours=12 * hours))
referrers = st.sampled_from([None, ADA, BOB])
candidates = st.one_of(
    st.builds(click, referrers, moments),
    st.sampled_from([coupon(ADA, "A"), coupon(BOB, "B"), coupon(BOB, "C"), coupon(None, "D")]),
    st.sampled_from([lead(ADA, day(3), "la"), lead(BOB, day(4), "lb"), lead(BOB, day(20), "lc")]),
    st.sampled_from([code(ADA, "ada"), code(BOB, "bob"), code(None, "cem")]),
)
occasions = st.builds(
    lambda kind, ref, at, several, model: Occasion(kind, ref, at, tuple(several), model, 10),
    st.just("order"),
    st.sampled_from(["o1", "o2", "o3"]),
    moments,
    st.lists(candidates, max_size=4),
    st.sampled_from(list(AttributionModel)),
)
choices = st.builds(Choice, moments, referrers)
assignments = st.builds(Assignment, moments, referrers, st.integers(1, 99), st.booleans())
several_assignments = st.lists(assignments, max_size=2, unique_by=lambda each: each.number)


@given(
    st.lists(occasions, max_size=3, unique_by=lambda each: each.ref),
    st.lists(choices, max_size=3, unique_by=lambda each: each.at),
    several_assignments,
    st.none() | moments,
    st.data(),
)
def test_a_story_does_not_depend_on_the_order_in_which_it_is_told(
    several: list[Occasion],
    chosen: list[Choice],
    assigned: list[Assignment],
    first_seen: datetime | None,
    data: st.DataObject,
) -> None:
    suspensions = Suspensions({ADA: [(day(5), day(9))]})
    story = attribute(several, chosen, first_seen, suspensions, assigned)
    again = attribute(
        [
            replace(each, candidates=tuple(data.draw(st.permutations(each.candidates))))
            for each in data.draw(st.permutations(several))
        ],
        data.draw(st.permutations(chosen)),
        first_seen,
        suspensions,
        data.draw(st.permutations(assigned)),
    )
    assert again.spans == story.spans
    assert [each.considered for each in again.verdicts] == [each.considered for each in story.verdicts]


@given(
    st.lists(occasions, max_size=3, unique_by=lambda each: each.ref),
    st.lists(choices, max_size=3, unique_by=lambda each: each.at),
    several_assignments,
)
def test_bindings_follow_one_another_and_only_choices_and_staff_make_a_second(
    several: list[Occasion], chosen: list[Choice], assigned: list[Assignment]
) -> None:
    story = attribute(several, chosen, None, Suspensions(), assigned)
    for before, after in zip(story.spans, story.spans[1:], strict=False):
        assert before.until_at is not None
        assert before.from_at < before.until_at <= after.from_at
        assert after.method in {BindingMethod.CHOSEN, BindingMethod.STAFF}
    for verdict in story.verdicts:
        winners = [candidate for candidate, lost in verdict.considered if lost is None]
        assert winners == ([verdict.winner] if verdict.winner else [])
