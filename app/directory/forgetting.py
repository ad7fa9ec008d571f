"""What goes with a person, and what goes when its time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import CursorResult, delete, select, update

from app.directory.domain.states import RatingState, ReportState
from app.directory.listings import remove_listing
from app.directory.models import Profile, Rating, RatingReport
from app.kernel.db import table_of
from app.referrals import locks

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

CLEARED: Final = "\u2013"
"""Stands where words were."""


def forget_customer(session: Session, customer_pk: int) -> None:
    """Take away what a customer wrote, and answers and reports that may quote it. The stars that are shown stay: they
    name nobody, and a partner's average does not change because a customer of theirs was erased.
    """
    session.flush()
    wanted = select(Rating).where(Rating.customer_id == customer_pk).order_by(Rating.referrer_id)
    mine = list(session.scalars(wanted))
    for rating in mine:
        # The race: staff let the words through at this moment, and the public copy would stay behind.
        locks.own_referrer(session, rating.referrer_id)
        session.refresh(rating)
    _delete_reports(session, RatingReport.rating_id.in_([rating.id for rating in mine]))
    for rating in mine:
        if rating.shown_at is None:
            session.delete(rating)
            continue
        rating.state, rating.stars = RatingState.SHOWN, rating.shown_stars or rating.stars
        rating.words = rating.shown_words = CLEARED
        rating.signature = rating.shown_signature = ""
        rating.remark = rating.answer = rating.answered_at = None
        rating.revision += 1
    session.flush()


def forget_partner(session: Session, referrer_id: int) -> None:
    """Take away a partner's profile, and what was said of them."""
    session.flush()
    remove_listing(session, referrer_id)
    ratings = select(Rating.id).where(Rating.referrer_id == referrer_id)
    _delete_reports(session, RatingReport.rating_id.in_(ratings))
    for model in (Rating, Profile):
        session.execute(delete(model).where(model.referrer_id == referrer_id))


def forget_refused(session: Session, before: datetime, limit: int) -> int:
    """Take away words that staff refused before an instant; how many. A rating of which nothing is shown goes whole."""
    over = Rating.state == RatingState.REFUSED, Rating.decided_at < before
    ratings = table_of(Rating)
    gone = list(session.scalars(select(Rating.id).where(*over, Rating.shown_at.is_(None)).limit(limit)))
    if gone:
        _delete_reports(session, RatingReport.rating_id.in_(gone))
        return _count(session, delete(ratings).where(ratings.c.id.in_(gone)))
    kept = select(Rating.id).where(*over, Rating.shown_at.is_not(None)).limit(limit)
    # What is shown becomes what was said last.
    same = {"stars": ratings.c.shown_stars, "words": ratings.c.shown_words, "remark": None}
    again = {"state": RatingState.SHOWN, "signature": ratings.c.shown_signature}
    return _count(
        session, update(ratings).where(ratings.c.id.in_(kept.scalar_subquery())).values(**same, **again)
    )


def forget_reports(session: Session, before: datetime, limit: int) -> int:
    """Delete reports that were decided before an instant; how many."""
    old = select(RatingReport.id).where(
        RatingReport.state != ReportState.OPEN, RatingReport.decided_at < before
    )
    reports = table_of(RatingReport)
    return _count(session, delete(reports).where(reports.c.id.in_(old.limit(limit).scalar_subquery())))


def _delete_reports(session: Session, which: ColumnElement[bool]) -> None:
    session.execute(delete(RatingReport).where(which))


def _count(session: Session, statement: Any) -> int:  # noqa: ANN401 - an update or a delete
    return cast("CursorResult[Any]", session.connection().execute(statement)).rowcount
