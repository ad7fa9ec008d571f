"""Where a profile and a rating stand on their way to the public, and what moves them."""

from __future__ import annotations

from enum import StrEnum

from app.kernel.errors import Conflict


class ProfileState(StrEnum):
    """Where the partner's own version stands. What the public sees is a copy that staff let through."""

    DRAFT = "draft"
    """The partner is writing."""
    SUBMITTED = "submitted"
    """It waits for staff."""
    PUBLISHED = "published"
    """It is what the public sees."""
    RETURNED = "returned"
    """Staff sent it back, and said why."""


class ProfileMove(StrEnum):
    """What happens to it."""

    SAVE = "save"
    """The partner changes it; out of the queue it comes back by being submitted again."""
    SUBMIT = "submit"
    """The partner asks for publication."""
    PUBLISH = "publish"
    """Staff let it through."""
    RETURN = "return"
    """Staff send it back. What the public sees stays."""
    HIDE = "hide"
    """The partner takes the public copy down."""
    TAKE_DOWN = "take_down"
    """Staff take the public copy down, and say why."""


class RatingState(StrEnum):
    """Where a customer's newest words stand. What the public sees is a copy, as with a profile."""

    WAITING = "waiting"
    """Staff have not looked at it."""
    SHOWN = "shown"
    """It is what the public sees."""
    REFUSED = "refused"
    """Staff did not let it through, or took it down."""


class RatingMove(StrEnum):
    """What happens to it."""

    WRITE = "write"
    """The customer writes, or writes anew."""
    SHOW = "show"
    """Staff let it through."""
    REFUSE = "refuse"
    """Staff do not let it through. What the public sees stays."""
    TAKE_DOWN = "take_down"
    """Staff take the public copy down, after a report or by themselves."""


class ReportState(StrEnum):
    """What became of a report."""

    OPEN = "open"
    """Staff have not looked at it."""
    DISMISSED = "dismissed"
    """What it is about stays."""
    UPHELD = "upheld"
    """What it is about was taken down."""


class ReportedPart(StrEnum):
    """What a report is about."""

    RATING = "rating"
    """The customer's words."""
    ANSWER = "answer"
    """The partner's answer to them."""


class NotThatWay(Conflict):
    """The move does not start from where the thing stands; mostly somebody was faster."""

    title = "No longer possible"

    def __init__(self, state: StrEnum, move: StrEnum) -> None:
        super().__init__(f"what is {state.value} cannot be moved by {move.value!r}; look at the page again")


def next_profile_state(state: ProfileState, move: ProfileMove) -> ProfileState:
    """Where a profile stands after a move. Raises :class:`NotThatWay`."""
    match move:
        case ProfileMove.SAVE:
            return ProfileState.DRAFT
        case ProfileMove.SUBMIT if state in {ProfileState.DRAFT, ProfileState.RETURNED}:
            return ProfileState.SUBMITTED
        case ProfileMove.PUBLISH if state is ProfileState.SUBMITTED:
            return ProfileState.PUBLISHED
        case ProfileMove.RETURN if state is ProfileState.SUBMITTED:
            return ProfileState.RETURNED
        case ProfileMove.HIDE:
            return ProfileState.DRAFT if state is ProfileState.PUBLISHED else state
        case ProfileMove.TAKE_DOWN:
            return ProfileState.RETURNED
        case _:
            raise NotThatWay(state, move)


def next_rating_state(state: RatingState, move: RatingMove) -> RatingState:
    """Where a rating stands after a move. Raises :class:`NotThatWay`."""
    match move:
        case RatingMove.WRITE:
            return RatingState.WAITING
        case RatingMove.SHOW if state is RatingState.WAITING:
            return RatingState.SHOWN
        case RatingMove.REFUSE if state is RatingState.WAITING:
            return RatingState.REFUSED
        case RatingMove.TAKE_DOWN if state is not RatingState.WAITING:
            return RatingState.REFUSED
        case RatingMove.TAKE_DOWN:
            # Newer words wait: they are judged by themselves.
            return state
        case _:
            raise NotThatWay(state, move)
