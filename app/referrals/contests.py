"""A referrer contests a commission, an order or a click; staff answer. Both stay as they were written, until they
are cleared: with the person who wrote, with the customer it is about, or when their time is over.

Whether the subject is the referrer's own is for the caller to see: it shows the page that the contest is sent from.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import CursorResult, case, func, select, update

from app.identity.audit import Actor, record_event
from app.kernel import ids
from app.kernel.db import table_of
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.referrals import locks
from app.referrals.models import Contest, ContestState, ContestSubject, Referrer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.referrals.models import Program

MAX_WORDS: Final = 1000
A_DAY: Final = 10
"""How many contests one referrer may send in 24 hours."""
CLEARED: Final = "\u2013"
"""Stands where words were."""


class ContestNotFound(NotFound):
    """No such contest in this programme."""

    def __init__(self, contest_id: str) -> None:
        super().__init__(f"there is no contest {contest_id!r}")


class ContestAnswered(Conflict):
    """Somebody answered it before."""

    def __init__(self, contest_id: str) -> None:
        super().__init__(f"contest {contest_id!r} was answered before")


class ContestOpen(Conflict):
    """The referrer's last contest about the same thing still waits for its answer."""

    def __init__(self) -> None:
        super().__init__("an earlier contest about this still waits for its answer", pointer="/words")


class TooManyContests(Conflict):
    """The referrer sent as many today as one may."""

    def __init__(self) -> None:
        super().__init__(f"at most {A_DAY} contests can be sent in 24 hours", pointer="/words")


@dataclass(frozen=True, slots=True)
class Contested:
    """What is contested, the page that shows it, and the order behind it where there is one."""

    subject: ContestSubject
    about: str
    path: str
    order_id: int | None = None


def open_contest(
    session: Session, referrer: Referrer, what: Contested, words: str, *, actor: Actor, now: datetime
) -> str:
    """Keep what the referrer says about it; its id. Raises :class:`ContestOpen`, :class:`TooManyContests`,
    ``InvalidInput`` for no words or too many.
    """
    words = _checked(words, "/words")
    # The race: the same form sent twice at once. Each would see no open contest and count one less than there are.
    locks.own_referrer(session, referrer.id)
    recent = select(func.count()).where(
        Contest.referrer_id == referrer.id, Contest.opened_at > now - timedelta(days=1)
    )
    if (session.scalar(recent) or 0) >= A_DAY:
        raise TooManyContests
    open_one = select(Contest.id).where(
        Contest.referrer_id == referrer.id,
        Contest.subject == what.subject,
        Contest.about == what.about,
        Contest.state == ContestState.OPEN,
    )
    if session.scalar(open_one) is not None:
        raise ContestOpen
    contest_id = ids.random_id("con_")
    session.add(
        Contest(
            contest_id=contest_id,
            program_id=referrer.program_id,
            referrer_id=referrer.id,
            subject=what.subject,
            about=what.about,
            order_id=what.order_id,
            path=what.path,
            state=ContestState.OPEN,
            words=words,
            opened_at=now,
        )
    )
    details = {"referrer": referrer.code, "subject": what.subject.value, "about": what.about}
    _record(session, actor, "contest.opened", contest_id, details, referrer.program_id, now)
    return contest_id


def answer_contest(
    session: Session, program: Program, contest_id: str, answer: str, *, actor: Actor, now: datetime
) -> Contest:
    """Keep the answer. Raises :class:`ContestNotFound`, :class:`ContestAnswered`, ``InvalidInput``."""
    answer = _checked(answer, "/answer")
    wanted = select(Contest).where(Contest.contest_id == contest_id, Contest.program_id == program.id)
    contest = session.scalar(wanted)
    if contest is None:
        raise ContestNotFound(contest_id)
    # The race: two people answer at once, and the second would overwrite what the referrer was mailed.
    locks.own_referrer(session, contest.referrer_id)
    session.refresh(contest)
    if contest.state is not ContestState.OPEN:
        raise ContestAnswered(contest_id)
    contest.state, contest.answer = ContestState.ANSWERED, answer
    contest.answered_by, contest.answered_at = actor.label, now
    session.flush()
    _record(session, actor, "contest.answered", contest_id, {}, program.id, now)
    return contest


def contests_about(session: Session, referrer: Referrer, what: Contested) -> list[Contest]:
    """What the referrer said about one thing, oldest first."""
    wanted = select(Contest).where(
        Contest.referrer_id == referrer.id, Contest.subject == what.subject, Contest.about == what.about
    )
    return list(session.scalars(wanted.order_by(Contest.id)))


def contests_of_order(session: Session, order_id: int) -> list[tuple[Contest, Referrer]]:
    """What referrers said about an order and its commissions, oldest first."""
    wanted = select(Contest, Referrer).join(Referrer, Referrer.id == Contest.referrer_id)
    rows = session.execute(wanted.where(Contest.order_id == order_id).order_by(Contest.id))
    return [(contest, referrer) for contest, referrer in rows]


def clear_words(session: Session, *which: ColumnElement[bool], limit: int | None = None) -> int:
    """Take away what people wrote in these contests, on both sides; how many. What it was about, and when, stays.

    Free text may name anybody, so nothing looks for names in it.
    """
    wanted = select(Contest.id).where(Contest.words != CLEARED, *which).limit(limit)
    contests = table_of(Contest)
    answer = case((contests.c.answer.is_not(None), CLEARED))
    statement = update(contests).where(contests.c.id.in_(wanted.scalar_subquery()))
    session.flush()
    cleared = session.execute(statement.values(words=CLEARED, answer=answer))
    return cast("CursorResult[Any]", cleared).rowcount


def _checked(text: str, pointer: str) -> str:
    tidy = "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
    if not 1 <= len(tidy) <= MAX_WORDS:
        raise InvalidInput(f"expected 1 to {MAX_WORDS} characters", pointer=pointer)
    return tidy


def _record(
    session: Session,
    actor: Actor,
    action: str,
    contest_id: str,
    details: dict[str, str],
    program_id: int,
    now: datetime,
) -> None:
    record_event(session, actor, action, f"contest:{contest_id}", details, now=now, program_id=program_id)
