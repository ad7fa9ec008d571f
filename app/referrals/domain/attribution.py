"""Who brought this customer? The one place where precedence and eligibility are decided, pure.

A customer's *occasions* (its signup, and orders that carried a click id or coupon), *choices* of a partner and
*assignments* by staff are sorted by their own times, so the answer does not depend on the order in which they arrived.

Rules (docs/adr/0013): coupon > click ids within the attribution window > lead of the last 90 days > typed referrer
code. The first occasion that has a winner binds the customer for good; only the customer's own choice of a partner, or
staff with a reason, move or end a binding.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from app.referrals.words import AttributionModel, BindingMethod

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

RULE_VERSION: Final = 1
LEAD_DAYS: Final = 90
"""How long a registered lead speaks for its referrer; a lead exactly that old is out."""
MOST_UNPRESENTED: Final = 5
"""How many clicks that were not presented a decision names: behind one address there may be a crowd."""
CLOCK_SKEW: Final = timedelta(minutes=5)
"""A click presented with a signup happened before it; a shop's clock may still say otherwise by this much."""


class CandidateKind(StrEnum):
    """What speaks for a referrer, most convincing first."""

    COUPON = "coupon"
    CLICK = "click"
    LEAD = "lead"
    """The referrer had registered the customer's e-mail address as a prospect."""
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
    """The click or lead came after the signup or order that it speaks at."""
    EXISTED_BEFORE = "existed_before"
    """The customer had signed up or ordered before this click or lead."""
    REFERRER_SUSPENDED = "referrer_suspended"
    """The referrer was suspended, or had left, at that time."""
    ALREADY_BOUND = "already_bound"
    """The customer already belonged to a referrer, or had ended a partner."""
    DECIDED_BY_STAFF = "decided_by_staff"
    """Staff had said whom the customer belongs to, or that it belongs to nobody."""
    LEAD_EXPIRED = "lead_expired"
    """The prospect was registered too long before."""
    LOWER_PRECEDENCE = "lower_precedence"
    """A coupon beats a click, a click beats a lead, a lead beats a typed code."""
    EARLIER_CLICK = "earlier_click"
    """The programme counts the last click, and there was a later one."""
    LATER_CLICK = "later_click"
    """The programme counts the first click, and there was an earlier one."""
    LATER_LEAD = "later_lead"
    """The same prospect had been registered before; the first to register wins."""
    SAME_KIND = "same_kind"
    """Another coupon or code of equal standing was taken."""


class _Precedence(IntEnum):
    COUPON = 0
    CLICK = 1
    LEAD = 2
    CODE = 3


_METHODS: Final = {
    CandidateKind.COUPON: BindingMethod.COUPON,
    CandidateKind.CLICK: BindingMethod.CLICK,
    CandidateKind.LEAD: BindingMethod.LEAD,
    CandidateKind.CODE: BindingMethod.CODE,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that was presented. ``referrer_id`` is null where it leads nowhere, and ``flaw`` then says why.

    ``at`` is the click's or lead's own time; null for coupons and codes.
    """

    kind: CandidateKind
    value: str
    referrer_id: int | None
    at: datetime | None = None
    flaw: Lost | None = None
    campaign: str = ""
    """The campaign of the link that a click followed."""


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
class Assignment:
    """Staff said at ``number`` whom the customer belongs to from ``at`` on (null: nobody).

    ``also_earlier`` moves what lies before ``at`` too, as if the customer had never belonged to anyone else. Of two at
    the same instant the higher number counts.
    """

    at: datetime
    referrer_id: int | None
    number: int
    also_earlier: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """[from_at, until_at): orders placed within it earn for the referrer."""

    referrer_id: int
    method: BindingMethod
    from_at: datetime
    until_at: datetime | None = None
    campaign: str = ""
    """The campaign that brought the customer, where a click did."""

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
    assignments: Sequence[Assignment] = (),
) -> Attribution:
    """Tell a customer's story from its facts.

    ``first_seen`` is the earliest own time of its signup and orders. The arguments' order does not matter.
    """
    verdicts: list[Verdict] = []
    spans: list[Span] = []
    assigned = False
    events: list[_Event] = [*occasions, *choices, *assignments]
    for event in sorted(events, key=_when):
        if isinstance(event, Choice):
            spans = _moved(spans, event.at, event.referrer_id, BindingMethod.CHOSEN)
        elif isinstance(event, Assignment):
            assigned, spans = True, _assigned(spans, event, first_seen)
        else:
            taken = Lost.DECIDED_BY_STAFF if assigned else Lost.ALREADY_BOUND if spans else None
            verdict = decide(event, taken=taken, first_seen=first_seen, suspensions=suspensions)
            verdicts.append(verdict)
            spans = _bound(verdict) or spans
    return Attribution(tuple(verdicts), tuple(spans))


_Event: TypeAlias = Occasion | Choice | Assignment


def _when(event: _Event) -> tuple[datetime, int, int, str]:
    """Sort key: own time; at the same instant the signup, then orders by id, then the choice, then staff."""
    if isinstance(event, Choice):
        return event.at, 2, 0, ""
    if isinstance(event, Assignment):
        return event.at, 3, event.number, ""
    return event.at, 0 if event.kind == "signup" else 1, 0, event.ref


def _bound(verdict: Verdict) -> list[Span]:
    """The binding that a verdict makes, if any."""
    winner = verdict.winner
    if winner is None or winner.referrer_id is None or verdict.bound_from is None:
        return []
    method = _METHODS[winner.kind]
    return [Span(winner.referrer_id, method, verdict.bound_from, campaign=winner.campaign)]


def _assigned(spans: list[Span], event: Assignment, first_seen: datetime | None) -> list[Span]:
    if not event.also_earlier:
        return _moved(spans, event.at, event.referrer_id, BindingMethod.STAFF)
    if event.referrer_id is None:
        return []
    return [Span(event.referrer_id, BindingMethod.STAFF, min(event.at, first_seen or event.at))]


def _moved(spans: list[Span], at: datetime, referrer_id: int | None, method: BindingMethod) -> list[Span]:
    """End the open binding at ``at`` and begin one with ``referrer_id``; the partner one has stays as it is."""
    current = spans[-1] if spans and spans[-1].until_at is None else None
    if current and current.referrer_id == referrer_id:
        return spans
    kept = spans
    if current:
        # A binding that would end where it began never was.
        ended = replace(current, until_at=at)
        kept = spans[:-1] if current.from_at >= at else [*spans[:-1], ended]
    if referrer_id is None:
        return kept
    return [*kept, Span(referrer_id, method, at)]


def decide(
    occasion: Occasion, *, taken: Lost | None, first_seen: datetime | None, suspensions: Suspensions
) -> Verdict:
    """Judge one occasion; ``taken`` is why no candidate can win: the customer belonged to someone, or had chosen."""
    rule = f"{occasion.model}/{RULE_VERSION} window {occasion.window_days}d"
    flaws = {
        candidate: _flaw(candidate, occasion, taken=taken, first_seen=first_seen, suspensions=suspensions)
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


def unpresented(
    verdict: Verdict, seen: Iterable[Candidate], *, first_seen: datetime | None, suspensions: Suspensions
) -> tuple[Candidate, ...]:
    """Of the clicks ``seen`` by the visitor who presented the winning one, those of other referrers that would have
    won in its place, had they been presented too; the best first.

    Where something stronger than a click decided, no click was missed.
    """
    winner, occasion = verdict.winner, verdict.occasion
    if winner is None or winner.kind is not CandidateKind.CLICK:
        return ()
    speaking = {candidate.referrer_id for candidate, _ in verdict.considered}
    best = _rank(winner, occasion.model)
    missed = [
        click
        for click in dict.fromkeys(seen)
        if click.at is not None
        and click.at <= occasion.at
        and click.referrer_id not in speaking
        and _rank(click, occasion.model) < best
        and _flaw(click, occasion, taken=None, first_seen=first_seen, suspensions=suspensions) is None
    ]
    return tuple(sorted(missed, key=lambda click: _rank(click, occasion.model))[:MOST_UNPRESENTED])


def _instant(winner: Candidate, occasion: Occasion) -> datetime:
    """The binding's instant: the click's time, in whole seconds as shops send them, else the occasion's."""
    if winner.at is None or winner.kind is not CandidateKind.CLICK:
        return occasion.at
    return min(_whole_second(winner.at), occasion.at)


def _whole_second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _flaw(
    candidate: Candidate,
    occasion: Occasion,
    *,
    taken: Lost | None,
    first_seen: datetime | None,
    suspensions: Suspensions,
) -> Lost | None:
    if candidate.flaw or candidate.referrer_id is None:
        return candidate.flaw or Lost.UNKNOWN
    if taken:
        return taken
    if suspensions.at(candidate.referrer_id, occasion.at):
        return Lost.REFERRER_SUSPENDED
    if candidate.at is None:
        return None
    since = _whole_second(candidate.at)
    if candidate.kind is CandidateKind.LEAD:
        # No allowance for clocks here: a prospect that has just signed up is easily "registered".
        skew, days, too_old = timedelta(), LEAD_DAYS, Lost.LEAD_EXPIRED
    else:
        skew, days, too_old = CLOCK_SKEW, occasion.window_days, Lost.OUTSIDE_WINDOW
    if since > occasion.at + skew:
        return Lost.AFTER_SIGNUP
    if occasion.at - since >= timedelta(days=days):
        return too_old
    if first_seen is not None and first_seen < since and first_seen < occasion.at:
        return Lost.EXISTED_BEFORE
    return None


def _rank(candidate: Candidate, model: AttributionModel) -> tuple[int, float, str]:
    """Lower is better. Coupons and codes of equal standing are taken in alphabetical order, whatever came first.

    Of several leads the first one registered is best, in every model.
    """
    time = candidate.at.timestamp() if candidate.at else 0.0
    if candidate.kind is CandidateKind.CLICK and model is AttributionModel.LAST_CLICK:
        time = -time
    return _Precedence[candidate.kind.name], time, candidate.value


def _beaten(candidate: Candidate, winner: Candidate, model: AttributionModel) -> Lost:
    if candidate.kind is not winner.kind:
        return Lost.LOWER_PRECEDENCE
    if candidate.kind is CandidateKind.LEAD:
        return Lost.LATER_LEAD
    if candidate.kind is not CandidateKind.CLICK:
        return Lost.SAME_KIND
    return Lost.EARLIER_CLICK if model is AttributionModel.LAST_CLICK else Lost.LATER_CLICK
