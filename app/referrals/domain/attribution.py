"""Who brought this customer? The one place where precedence and eligibility are decided, pure.

A customer's *occasions* (its signup, and orders that carried a click id or coupon) and *choices* of a partner are
sorted by their own times, so the answer does not depend on the order in which they arrived.

Rules (DESIGN.md 6): coupon > click ids within the attribution window > typed referrer code. The first occasion that
has a winner binds the customer for good; only the customer's own choice of a partner moves or ends a binding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

from app.referrals.words import AttributionModel, BindingMethod

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RULE_VERSION: Final = 1
CLOCK_SKEW: Final = timedelta(minutes=5)
"""A click presented with a signup happened before it; a shop's clock may still say otherwise by this much."""


class CandidateKind(StrEnum):
    """What speaks for a referrer, most convincing first."""

    COUPON = "coupon"
    CLICK = "click"
    CODE = "code"


class Lost(StrEnum):
    """Why a candidate did not win."""

    UNKNOWN = "unknown"
    """The coupon, click id or code does not exist, or its signature is wrong."""
    OTHER_PROGRAM = "other_program"
    """It belongs to another programme."""
    OUTSIDE_WINDOW = "outside_window"
    """The click is older than the attribution window; a click exactly at the window's end is out."""
    AFTER_SIGNUP = "after_signup"
    """The click came after the signup or order that presented it."""
    EXISTED_BEFORE = "existed_before"
    """The customer had signed up or ordered before this click."""
    REFERRER_SUSPENDED = "referrer_suspended"
    """The referrer was suspended, or had left, at that time."""
    ALREADY_BOUND = "already_bound"
    """The customer already belonged to a referrer, or had ended a partner."""
    LOWER_PRECEDENCE = "lower_precedence"
    """A coupon beats a click, a click beats a typed code."""
    EARLIER_CLICK = "earlier_click"
    """The programme counts the last click, and there was a later one."""
    LATER_CLICK = "later_click"
    """The programme counts the first click, and there was an earlier one."""
    SAME_KIND = "same_kind"
    """Another coupon or code of equal standing was taken."""


class _Precedence(IntEnum):
    COUPON = 0
    CLICK = 1
    CODE = 2


_METHODS: Final = {
    CandidateKind.COUPON: BindingMethod.COUPON,
    CandidateKind.CLICK: BindingMethod.CLICK,
    CandidateKind.CODE: BindingMethod.CODE,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that was presented. ``referrer_id`` is null where it leads nowhere, and ``flaw`` then says why.

    ``at`` is the click's own time; null for coupons and codes.
    """

    kind: CandidateKind
    value: str
    referrer_id: int | None
    at: datetime | None = None
    flaw: Lost | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """A signup, or an order with a click id or coupon, and the terms in force at its time."""

    kind: str
    ref: str
    at: datetime
    candidates: tuple[Candidate, ...]
    model: AttributionModel
    window_days: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The customer chose a partner at an instant, or (``referrer_id`` null) ended the one it had."""

    at: datetime
    referrer_id: int | None


@dataclass(frozen=True, slots=True)
class Span:
    """[from_at, until_at): orders placed within it earn for the referrer."""

    referrer_id: int
    method: BindingMethod
    from_at: datetime
    until_at: datetime | None = None

    def covers(self, placed_at: datetime) -> bool:
        """Whether an order placed then belongs to this binding."""
        return self.from_at <= placed_at and (self.until_at is None or placed_at < self.until_at)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an occasion decided: every candidate with the reason it lost (null for the winner)."""

    occasion: Occasion
    considered: tuple[tuple[Candidate, Lost | None], ...]
    rule: str
    winner: Candidate | None = None
    bound_from: datetime | None = None

    @property
    def method(self) -> BindingMethod | None:
        """How the winner won."""
        return _METHODS[self.winner.kind] if self.winner else None


@dataclass(frozen=True, slots=True)
class Attribution:
    """A customer's whole story: the verdict on every occasion and the resulting bindings, in time order."""

    verdicts: tuple[Verdict, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Suspensions:
    """Half-open spans during which a referrer took no part, by referrer id."""

    spans: Mapping[int, Sequence[tuple[datetime, datetime | None]]] = field(default_factory=dict)

    def at(self, referrer_id: int, instant: datetime) -> bool:
        """Whether the referrer was out then."""
        return any(
            start <= instant and (end is None or instant < end)
            for start, end in self.spans.get(referrer_id, ())
        )


def attribute(
    occasions: Sequence[Occasion],
    choices: Sequence[Choice],
    first_seen: datetime | None,
    suspensions: Suspensions,
) -> Attribution:
    """Tell a customer's story from its facts.

    ``first_seen`` is the earliest own time of its signup and orders. The arguments' order does not matter.
    """
    verdicts: list[Verdict] = []
    spans: list[Span] = []
    events: list[Occasion | Choice] = [*occasions, *choices]
    for event in sorted(events, key=_when):
        if isinstance(event, Choice):
            spans = _chosen(spans, event)
            continue
        verdict = decide(event, bound=bool(spans), first_seen=first_seen, suspensions=suspensions)
        verdicts.append(verdict)
        if (
            verdict.winner
            and verdict.winner.referrer_id is not None
            and verdict.bound_from
            and verdict.method
        ):
            spans = [Span(verdict.winner.referrer_id, verdict.method, verdict.bound_from)]
    return Attribution(tuple(verdicts), tuple(spans))


def _when(event: Occasion | Choice) -> tuple[datetime, int, str]:
    """Sort key: own time; at the same instant the signup, then orders by id, then the choice."""
    if isinstance(event, Choice):
        return event.at, 2, ""
    return event.at, 0 if event.kind == "signup" else 1, event.ref


def _chosen(spans: list[Span], choice: Choice) -> list[Span]:
    current = spans[-1] if spans and spans[-1].until_at is None else None
    if current and current.referrer_id == choice.referrer_id:
        return spans
    kept = spans
    if current:
        # A binding that would end where it began never was.
        ended = Span(current.referrer_id, current.method, current.from_at, choice.at)
        kept = spans[:-1] if current.from_at >= choice.at else [*spans[:-1], ended]
    if choice.referrer_id is None:
        return kept
    return [*kept, Span(choice.referrer_id, BindingMethod.CHOSEN, choice.at)]


def decide(
    occasion: Occasion, *, bound: bool, first_seen: datetime | None, suspensions: Suspensions
) -> Verdict:
    """Judge one occasion; ``bound`` says that the customer belonged to someone, or had chosen, before it."""
    rule = f"{occasion.model}/{RULE_VERSION} window {occasion.window_days}d"
    flaws = {
        candidate: _flaw(candidate, occasion, bound=bound, first_seen=first_seen, suspensions=suspensions)
        for candidate in dict.fromkeys(occasion.candidates)
    }
    valid = [candidate for candidate, flaw in flaws.items() if flaw is None]
    winner = min(valid, key=lambda candidate: _rank(candidate, occasion.model), default=None)
    considered = tuple(
        (
            candidate,
            flaw
            if flaw or candidate is winner or winner is None
            else _beaten(candidate, winner, occasion.model),
        )
        for candidate, flaw in sorted(flaws.items(), key=lambda item: _rank(item[0], occasion.model))
    )
    return Verdict(occasion, considered, rule, winner, _instant(winner, occasion) if winner else None)


def _instant(winner: Candidate, occasion: Occasion) -> datetime:
    """The binding's instant: the click's time, in whole seconds as shops send them, else the occasion's."""
    if winner.at is None:
        return occasion.at
    return min(_whole_second(winner.at), occasion.at)


def _whole_second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _flaw(
    candidate: Candidate,
    occasion: Occasion,
    *,
    bound: bool,
    first_seen: datetime | None,
    suspensions: Suspensions,
) -> Lost | None:
    if candidate.flaw or candidate.referrer_id is None:
        return candidate.flaw or Lost.UNKNOWN
    if bound:
        return Lost.ALREADY_BOUND
    if suspensions.at(candidate.referrer_id, occasion.at):
        return Lost.REFERRER_SUSPENDED
    if candidate.at is None:
        return None
    clicked = _whole_second(candidate.at)
    if clicked > occasion.at + CLOCK_SKEW:
        return Lost.AFTER_SIGNUP
    if occasion.at - clicked >= timedelta(days=occasion.window_days):
        return Lost.OUTSIDE_WINDOW
    if first_seen is not None and first_seen < clicked and first_seen < occasion.at:
        return Lost.EXISTED_BEFORE
    return None


def _rank(candidate: Candidate, model: AttributionModel) -> tuple[int, float, str]:
    """Lower is better. Coupons and codes of equal standing are taken in alphabetical order, whatever came first."""
    time = candidate.at.timestamp() if candidate.at else 0.0
    if model is AttributionModel.LAST_CLICK:
        time = -time
    return _Precedence[candidate.kind.name], time, candidate.value


def _beaten(candidate: Candidate, winner: Candidate, model: AttributionModel) -> Lost:
    if candidate.kind is not winner.kind:
        return Lost.LOWER_PRECEDENCE
    if candidate.kind is not CandidateKind.CLICK:
        return Lost.SAME_KIND
    return Lost.EARLIER_CLICK if model is AttributionModel.LAST_CLICK else Lost.LATER_CLICK
