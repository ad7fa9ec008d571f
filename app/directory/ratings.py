"""A customer rates a partner they have or had; staff let it through; the partner answers.

Every move holds the partner's row, after the customer's where a customer writes (``app/referrals/locks.py``): two
decisions at once would each add up the stars without the other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.directory.domain import stars
from app.directory.domain.states import RatingMove, RatingState, next_rating_state
from app.directory.domain.texts import clean_line, clean_text
from app.directory.errors import (
    AnswerClosed,
    ChangedMeanwhile,
    NeverTheirPartner,
    NoSuchStars,
    NothingShown,
    OwnRating,
    RatingNotFound,
)
from app.directory.listings import count_ratings
from app.directory.models import REASON, Listing, Rating
from app.directory.queries import listed_partner
from app.identity.audit import Actor, record_event
from app.kernel import ids
from app.referrals import locks
from app.referrals.models import Binding, Referrer
from app.referrals.outcome import CREATED, REPEATED, Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Customer, Program

WORDS: Final = 1_500
ANSWER: Final = 1_000
SIGNATURE: Final = 60
CUSTOMER: Final = Actor.system("customer")
"""Who wrote a rating, in the trail: a customer has no account of ours."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer says: stars, words, and the name under which it is shown (empty: none)."""

    stars: int
    words: str
    signature: str = ""

    def checked(self) -> Said:
        """Tidied. Raises ``InvalidInput``."""
        if not stars.LEAST <= self.stars <= stars.MOST:
            raise NoSuchStars
        return Said(
            self.stars,
            clean_text(self.words, "/words", most=WORDS),
            clean_line(self.signature, "/signature", most=SIGNATURE, least=0),
        )


def had_partner(session: Session, customer_pk: int, referrer_id: int, now: datetime) -> bool:
    """Whether the customer is, or ever was, the partner's."""
    wanted = select(Binding.id).where(
        Binding.customer_id == customer_pk, Binding.referrer_id == referrer_id, Binding.from_at <= now
    )
    return session.scalar(wanted.limit(1)) is not None


def rating_by(session: Session, customer_pk: int, referrer_id: int) -> Rating | None:
    """What the customer said of the partner, if anything."""
    return session.scalar(
        select(Rating).where(Rating.customer_id == customer_pk, Rating.referrer_id == referrer_id)
    )


def record_rating(
    session: Session, program: Program, customer: Customer, code: str, said: Said, *, now: datetime
) -> Outcome:
    """Keep what the customer says of a partner, in place of what they said before; it waits for staff.

    What is shown stays until then. The same again changes nothing. Raises ``NotListed``, :class:`NeverTheirPartner`,
    :class:`OwnRating`, ``InvalidInput``.
    """
    said = said.checked()
    referrer = listed_partner(session, program.id, code).referrer
    # The race: the form is sent twice, or the customer is erased at this moment, and words would stay behind.
    row = locks.lock_known_customer(session, customer.id)
    session.refresh(customer)
    if customer.erased_at is not None or not had_partner(session, row.id, referrer.id, now):
        raise NeverTheirPartner(code)
    if customer.email_key is not None and customer.email_key == referrer.email_key:
        raise OwnRating
    locks.own_referrer(session, referrer.id)
    rating = rating_by(session, row.id, referrer.id)
    if rating is not None and said == Said(rating.stars, rating.words, rating.signature):
        return REPEATED
    if rating is None:
        rating = Rating(
            rating_id=ids.random_id("rat_"),
            program_id=program.id,
            referrer_id=referrer.id,
            customer_id=row.id,
            state=RatingState.WAITING,
            revision=0,
        )
        session.add(rating)
    rating.state = next_rating_state(rating.state, RatingMove.WRITE)
    rating.stars, rating.words, rating.signature = said.stars, said.words, said.signature
    rating.written_at, rating.remark, rating.decided_at = now, None, None
    rating.revision += 1
    _record(session, rating, "rating.written", CUSTOMER, now)
    return CREATED


def show_rating(
    session: Session, program: Program, rating_id: str, revision: int, *, actor: Actor, now: datetime
) -> Rating:
    """Have the public see the revision that staff read. Raises :class:`RatingNotFound`, :class:`ChangedMeanwhile`,
    ``NotThatWay``.
    """
    rating = _read(session, program, rating_id, revision)
    rating.state = next_rating_state(rating.state, RatingMove.SHOW)
    rating.shown_stars, rating.shown_words = rating.stars, rating.words
    rating.shown_signature, rating.shown_at = rating.signature, rating.written_at
    _decided(session, rating, "rating.shown", actor, now)
    return rating


def refuse_rating(
    session: Session,
    program: Program,
    rating_id: str,
    revision: int,
    reason: str,
    *,
    actor: Actor,
    now: datetime,
) -> Rating:
    """Do not let the revision through that staff read, and say why; what is shown stays. Raises as
    :func:`show_rating`.
    """
    reason = clean_line(reason, "/reason", most=REASON)
    rating = _read(session, program, rating_id, revision)
    rating.state = next_rating_state(rating.state, RatingMove.REFUSE)
    rating.remark = reason
    _decided(session, rating, "rating.refused", actor, now)
    return rating


def take_rating_down(session: Session, rating: Rating, reason: str, *, actor: Actor, now: datetime) -> None:
    """Have the public see it no more, nor its answer; say why. The caller holds the partner's row.

    Raises :class:`NothingShown`.
    """
    if rating.shown_at is None:
        raise NothingShown
    rating.state = next_rating_state(rating.state, RatingMove.TAKE_DOWN)
    rating.remark = clean_line(reason, "/reason", most=REASON)
    rating.shown_stars = rating.shown_words = rating.shown_signature = rating.shown_at = None
    rating.answer = rating.answered_at = None
    _decided(session, rating, "rating.taken_down", actor, now)


def answer_rating(
    session: Session, referrer: Referrer, rating_id: str, answer: str, *, actor: Actor, now: datetime
) -> None:
    """Keep the partner's one answer, in place of what it said before; empty takes it back. The public sees it at once.

    Raises :class:`RatingNotFound`, :class:`NothingShown`, :class:`AnswerClosed`, ``InvalidInput``.
    """
    answer = clean_text(answer, "/answer", most=ANSWER, least=0)
    rating = locked_rating(session, referrer.program_id, rating_id)
    if rating.referrer_id != referrer.id:
        raise RatingNotFound(rating_id)
    if rating.shown_at is None:
        raise NothingShown
    if rating.answer_closed:
        raise AnswerClosed
    if (rating.answer or "") == answer:
        return
    rating.answer, rating.answered_at = answer or None, now if answer else None
    _record(session, rating, "rating.answered" if answer else "rating.answer_removed", actor, now)


def close_answer(session: Session, rating: Rating, *, actor: Actor, now: datetime) -> None:
    """Take the partner's answer down for good. The caller holds the partner's row."""
    rating.answer, rating.answered_at, rating.answer_closed = None, None, True
    _record(session, rating, "rating.answer_taken_down", actor, now)


def locked_rating(session: Session, program_id: int, rating_id: str) -> Rating:
    """A rating of the programme, with its partner's row held. Raises :class:`RatingNotFound`."""
    wanted = select(Rating).where(Rating.rating_id == rating_id, Rating.program_id == program_id)
    found = session.scalar(wanted)
    if found is None:
        raise RatingNotFound(rating_id)
    locks.own_referrer(session, found.referrer_id)
    # Read again: whoever held the partner before us may have changed it.
    session.refresh(found)
    return found


def _read(session: Session, program: Program, rating_id: str, revision: int) -> Rating:
    rating = locked_rating(session, program.id, rating_id)
    if rating.revision != revision:
        raise ChangedMeanwhile
    return rating


def _decided(session: Session, rating: Rating, action: str, actor: Actor, now: datetime) -> None:
    rating.decided_at = now
    session.flush()
    listing = session.get(Listing, rating.referrer_id)
    if listing is not None:
        count_ratings(session, listing)
    _record(session, rating, action, actor, now)


def _record(session: Session, rating: Rating, action: str, actor: Actor, now: datetime) -> None:
    session.flush()
    code = session.get_one(Referrer, rating.referrer_id).code
    details = {"referrer": code, "stars": rating.stars, "revision": rating.revision}
    subject = f"rating:{rating.rating_id}"
    record_event(session, actor, action, subject, details, now=now, program_id=rating.program_id)
