"""Clicks that would have won, had they been presented: what an explanation can say of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.referrals.domain.attribution import (
    MOST_UNPRESENTED,
    Candidate,
    CandidateKind,
    Suspensions,
    attribute,
    unpresented,
)
from app.referrals.words import AttributionModel
from tests.domain.test_attribution import ADA, BOB, CLEO, DAN, SECOND, WINDOW, click, coupon, day, signup

if TYPE_CHECKING:
    from datetime import datetime

FIRST, LAST = AttributionModel.FIRST_CLICK, AttributionModel.LAST_CLICK
SIGNED_UP = day(40)
BY_BOB = click(BOB, day(35), "bob")


def missed(
    *seen: Candidate,
    presented: tuple[Candidate, ...] = (BY_BOB,),
    model: AttributionModel = LAST,
    first_seen: datetime = SIGNED_UP,
    suspensions: Suspensions | None = None,
) -> list[str]:
    out = suspensions or Suspensions()
    story = attribute([signup(SIGNED_UP, *presented, model=model)], [], first_seen, out)
    found = unpresented(story.verdicts[0], seen, first_seen=first_seen, suspensions=out)
    return [candidate.value for candidate in found]


def test_a_click_that_was_not_presented_is_named_where_it_would_have_won() -> None:
    earlier, later = click(ADA, day(30), "earlier"), click(ADA, day(38), "later")
    assert missed(earlier, later, model=LAST) == ["later"]
    assert missed(earlier, later, model=FIRST) == ["earlier"]
    assert missed() == []


def test_who_spoke_already_missed_nothing() -> None:
    assert missed(click(BOB, day(38))) == []
    too_old = click(ADA, day(1), "old")
    assert missed(click(ADA, day(38)), presented=(too_old, BY_BOB)) == []


def test_a_click_after_the_signup_could_not_be_presented() -> None:
    assert missed(click(ADA, SIGNED_UP, "then")) == ["then"]
    assert missed(click(ADA, SIGNED_UP + timedelta(microseconds=1))) == []
    assert missed(Candidate(CandidateKind.CLICK, "never", ADA)) == []


def test_a_click_that_had_lost_for_a_reason_of_its_own_is_not_named() -> None:
    too_old = SIGNED_UP - timedelta(days=WINDOW)
    assert missed(click(ADA, too_old), model=FIRST) == []
    assert missed(click(ADA, too_old + SECOND, "young"), model=FIRST) == ["young"]
    assert missed(click(ADA, day(38)), suspensions=Suspensions({ADA: [(day(39), None)]})) == []
    assert missed(click(ADA, day(38)), first_seen=day(37)) == []


def test_where_nothing_or_something_stronger_decided_no_click_was_missed() -> None:
    assert missed(click(ADA, day(38)), presented=()) == []
    assert missed(click(ADA, day(38)), presented=(BY_BOB, coupon(BOB))) == []


def test_each_is_named_once_the_best_first_and_not_more_than_five() -> None:
    by_cleo, by_dan = click(CLEO, day(37), "cleo"), click(DAN, day(36), "dan")
    assert missed(by_dan, by_cleo, by_dan, by_cleo) == ["cleo", "dan"]
    crowd = [click(100 + number, day(20 + number), f"c{number}") for number in range(8)]
    assert missed(*reversed(crowd), model=FIRST) == ["c0", "c1", "c2", "c3", "c4"]
    assert MOST_UNPRESENTED == 5
