"""Anybody may report a rating or its answer; staff decide. Who reported is not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.directory.domain.states import ReportedPart, ReportState
from app.directory.domain.texts import clean_line
from app.directory.errors import NothingShown, RatingNotFound, ReportNotFound
from app.directory.models import REASON, Rating, RatingReport
from app.directory.ratings import close_answer, locked_rating, take_rating_down
from app.identity.audit import Actor, record_event
from app.kernel import ids
from app.kernel.errors import Conflict

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.referrals.models import Program, Referrer

MOST_OPEN: Final = 5
"""Reports of one thing that wait at once: what five people said, staff will look at anyway."""

VISITOR: Final = Actor.system("visitor")


class ReportDecided(Conflict):
    """Somebody decided it before."""

    def __init__(self, report_id: str) -> None:
        super().__init__(f"report {report_id!r} was decided before")


def report_rating(
    session: Session, referrer: Referrer, rating_id: str, part: ReportedPart, reason: str, *, now: datetime
) -> None:
    """Ask staff to look at a shown rating of the partner, or at its answer. Nothing is taken down by itself.

    The same again, and more than a few, change nothing. Raises :class:`RatingNotFound`, :class:`NothingShown`,
    ``InvalidInput``.
    """
    reason = clean_line(reason, "/reason", most=REASON)
    rating = locked_rating(session, referrer.program_id, rating_id)
    if rating.referrer_id != referrer.id:
        raise RatingNotFound(rating_id)
    if rating.shown_at is None or (part is ReportedPart.ANSWER and rating.answer is None):
        raise NothingShown
    waiting = list(session.scalars(select(RatingReport.reason).where(*_open(rating, part))))
    if len(waiting) >= MOST_OPEN or reason in waiting:
        return
    report = RatingReport(
        report_id=ids.random_id("rep_"),
        program_id=rating.program_id,
        rating_id=rating.id,
        part=part,
        reason=reason,
        state=ReportState.OPEN,
        made_at=now,
    )
    session.add(report)
    session.flush()
    _record(session, report, rating, "rating.reported", VISITOR, now)


def dismiss_report(
    session: Session, program: Program, report_id: str, *, actor: Actor, now: datetime
) -> None:
    """Leave what was reported, and decide every open report of it with this one.

    Raises :class:`ReportNotFound`, :class:`ReportDecided`.
    """
    _decide(session, program, report_id, ReportState.DISMISSED, actor, now)


def uphold_report(
    session: Session, program: Program, report_id: str, reason: str, *, actor: Actor, now: datetime
) -> None:
    """Take down what was reported, and say to its author why. Raises as :func:`dismiss_report`, ``InvalidInput``."""
    reason = clean_line(reason, "/reason", most=REASON)
    rating, part = _decide(session, program, report_id, ReportState.UPHELD, actor, now)
    if part is ReportedPart.ANSWER:
        close_answer(session, rating, actor=actor, now=now)
    elif rating.shown_at is not None:
        take_rating_down(session, rating, reason, actor=actor, now=now)


def _decide(
    session: Session, program: Program, report_id: str, state: ReportState, actor: Actor, now: datetime
) -> tuple[Rating, ReportedPart]:
    found = session.execute(
        select(RatingReport, Rating.rating_id)
        .join(Rating, Rating.id == RatingReport.rating_id)
        .where(RatingReport.report_id == report_id, RatingReport.program_id == program.id)
    ).first()
    if found is None:
        raise ReportNotFound(report_id)
    report, rating_id = found
    rating = locked_rating(session, program.id, rating_id)
    session.refresh(report)
    if report.state is not ReportState.OPEN:
        raise ReportDecided(report_id)
    for each in session.scalars(select(RatingReport).where(*_open(rating, report.part))):
        each.state, each.decided_at = state, now
        _record(session, each, rating, f"report.{state.value}", actor, now)
    session.flush()
    return rating, report.part


def _open(rating: Rating, part: ReportedPart) -> tuple[ColumnElement[bool], ...]:
    return (
        RatingReport.rating_id == rating.id,
        RatingReport.state == ReportState.OPEN,
        RatingReport.part == part,
    )


def _record(
    session: Session, report: RatingReport, rating: Rating, action: str, actor: Actor, now: datetime
) -> None:
    details = {"rating": rating.rating_id, "part": report.part.value}
    subject = f"report:{report.report_id}"
    record_event(session, actor, action, subject, details, now=now, program_id=rating.program_id)
