"""What the pages of the directory read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import false, func, select, tuple_

from app.directory.domain.profile import (
    SEARCHED,
    country_term,
    expertise_term,
    language_term,
    price_term,
    word_term,
)
from app.directory.domain.states import ProfileState, RatingState, ReportState
from app.directory.domain.texts import words_of
from app.directory.errors import NoDirectory, NoProfile, NotListed, RatingNotFound
from app.directory.models import (
    Directory,
    Expertise,
    Listing,
    ListingTerm,
    Profile,
    Rating,
    RatingReport,
)
from app.referrals.models import Program, Referrer, ReferrerStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

PAGE: Final = 20
"""Partners of one page."""

_AFTER_EVERY_WORD: Final = "\U0010ffff"


class Order(StrEnum):
    """How the list is sorted."""

    RATING = "rating"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a visitor looks for; empty means any. ``after`` is the code of the last partner seen."""

    expertise: int = 0
    language: str = ""
    country: str = ""
    price_band: str = ""
    search: str = ""
    order: Order = Order.RATING
    after: str = ""


class Partner(NamedTuple):
    """A listing and whose it is."""

    listing: Listing
    referrer: Referrer


class Offered(NamedTuple):
    """What a filter can choose from: no language, country or expertise that would find nobody."""

    expertises: list[Expertise]
    languages: frozenset[str]
    countries: frozenset[str]


def directory_of(session: Session, program_id: int) -> Directory | None:
    """The programme's directory, open or not."""
    return session.get(Directory, program_id)


def directories_of(session: Session, program_ids: Sequence[int]) -> dict[int, Directory]:
    """The directories of these programmes, open or not, by programme."""
    found = session.scalars(select(Directory).where(Directory.program_id.in_(program_ids)))
    return {row.program_id: row for row in found}


def open_program(session: Session, slug: str) -> Program:
    """The programme whose directory everybody sees. Raises :class:`NoDirectory`."""
    found = session.scalar(
        select(Program)
        .join(Directory, Directory.program_id == Program.id)
        .where(Program.slug == slug, Directory.is_open)
    )
    if found is None:
        raise NoDirectory(slug)
    return found


def programs_with_a_directory(session: Session) -> frozenset[int]:
    """The programmes that have one, open or not: their partners write profiles."""
    return frozenset(session.scalars(select(Directory.program_id)))


def expertises(session: Session, program_id: int, *, retired: bool = False) -> list[Expertise]:
    """The list that staff keep, by name; with those that are offered no more where asked."""
    wanted = select(Expertise).where(Expertise.program_id == program_id).order_by(Expertise.name_en)
    return list(session.scalars(wanted if retired else wanted.where(Expertise.retired_at.is_(None))))


def partner_of(session: Session, program_id: int, code: str) -> Referrer:
    """The referrer of a code. Raises :class:`NoProfile`."""
    found = session.scalar(select(Referrer).where(Referrer.code == code, Referrer.program_id == program_id))
    if found is None:
        raise NoProfile(code)
    return found


def profile_of(session: Session, referrer_id: int) -> Profile | None:
    """The partner's own version, if they wrote one."""
    return session.get(Profile, referrer_id)


def listing_of(session: Session, referrer_id: int) -> Listing | None:
    """What the public sees of a partner, whether or not they are suspended."""
    return session.get(Listing, referrer_id)


def listed_among(session: Session, referrer_ids: Sequence[int]) -> frozenset[int]:
    """Those of these partners of whom there is a public copy."""
    wanted = select(Listing.referrer_id).where(Listing.referrer_id.in_(referrer_ids))
    return frozenset(session.scalars(wanted))


def listed_partner(session: Session, program_id: int, code: str) -> Partner:
    """A partner whom everybody sees. Raises :class:`NotListed`, also for one who is suspended or has left."""
    found = session.execute(_listed(program_id).where(Referrer.code == code)).first()
    if found is None:
        raise NotListed(code)
    return Partner(found[0], found[1])


def find_partners(session: Session, program_id: int, wanted: Wanted, *, limit: int = PAGE) -> list[Partner]:
    """The partners that a visitor looks for, from the one after ``wanted.after`` on."""
    found = _matching(program_id, wanted)
    key = Listing.name_key if wanted.order is Order.NAME else Listing.rank
    last = session.execute(
        select(key, Listing.referrer_id)
        .join(Referrer, Referrer.id == Listing.referrer_id)
        .where(Referrer.code == wanted.after, Listing.program_id == program_id)
    ).first()
    here = tuple_(key, Listing.referrer_id)
    if wanted.order is Order.NAME:
        found = found.order_by(key, Listing.referrer_id)
        found = found if last is None else found.where(here > tuple_(*last))
    else:
        found = found.order_by(key.desc(), Listing.referrer_id.desc())
        found = found if last is None else found.where(here < tuple_(*last))
    return [Partner(listing, referrer) for listing, referrer in session.execute(found.limit(limit))]


def count_partners(session: Session, program_id: int, wanted: Wanted) -> int:
    """How many there are in all."""
    return session.scalar(select(func.count()).select_from(_matching(program_id, wanted).subquery())) or 0


def offered(session: Session, program_id: int) -> Offered:
    """What the filters offer now."""
    used = set(
        session.scalars(
            select(ListingTerm.term)
            .where(
                ListingTerm.program_id == program_id,
                # Terms of words, the many, lie behind those of countries (c), expertise (e) and languages (l).
                ListingTerm.term < "m",
            )
            .distinct()
        )
    )
    return Offered(
        [row for row in expertises(session, program_id, retired=True) if expertise_term(row.id) in used],
        frozenset(term[2:] for term in used if term.startswith("l:")),
        frozenset(term[2:] for term in used if term.startswith("c:")),
    )


def _listed(program_id: int) -> Select[Listing, Referrer]:
    return (
        select(Listing, Referrer)
        .join(Referrer, Referrer.id == Listing.referrer_id)
        .where(Listing.program_id == program_id, Referrer.status == ReferrerStatus.ACTIVE)
    )


def _matching(program_id: int, wanted: Wanted) -> Select[Listing, Referrer]:
    found = _listed(program_id)
    exact = [
        expertise_term(wanted.expertise) if wanted.expertise else "",
        language_term(wanted.language) if wanted.language else "",
        country_term(wanted.country) if wanted.country else "",
        price_term(wanted.price_band) if wanted.price_band else "",
    ]
    for term in filter(None, exact):
        found = found.where(_has(program_id, ListingTerm.term == term))
    words = words_of(wanted.search)[:SEARCHED]
    if wanted.search.strip() and not words:
        return found.where(false())
    for word in words:
        begins = ListingTerm.term.between(word_term(word), word_term(word + _AFTER_EVERY_WORD))
        found = found.where(_has(program_id, begins))
    return found


def _has(program_id: int, term: ColumnElement[bool]) -> ColumnElement[bool]:
    return Listing.referrer_id.in_(
        select(ListingTerm.referrer_id).where(ListingTerm.program_id == program_id, term)
    )


def shown_ratings(
    session: Session, referrer_id: int, *, before: tuple[datetime, int] | None = None, limit: int = PAGE
) -> list[Rating]:
    """What the public reads of a partner, newest first."""
    wanted = select(Rating).where(Rating.referrer_id == referrer_id, Rating.shown_at.is_not(None))
    if before is not None:
        wanted = wanted.where(tuple_(Rating.shown_at, Rating.id) < tuple_(*before))
    return list(session.scalars(wanted.order_by(Rating.shown_at.desc(), Rating.id.desc()).limit(limit)))


def shown_rating(session: Session, referrer_id: int, rating_id: str) -> Rating:
    """One of them. Raises :class:`RatingNotFound`."""
    found = session.scalar(
        select(Rating).where(
            Rating.rating_id == rating_id, Rating.referrer_id == referrer_id, Rating.shown_at.is_not(None)
        )
    )
    if found is None:
        raise RatingNotFound(rating_id)
    return found


def waiting_profiles(
    session: Session, program_id: int, *, limit: int = PAGE
) -> list[tuple[Profile, Referrer]]:
    """What partners have submitted, oldest first."""
    wanted = (
        select(Profile, Referrer)
        .join(Referrer, Referrer.id == Profile.referrer_id)
        .where(Profile.program_id == program_id, Profile.state == ProfileState.SUBMITTED)
        .order_by(Profile.submitted_at)
        .limit(limit)
    )
    return [(profile, referrer) for profile, referrer in session.execute(wanted)]


def waiting_ratings(session: Session, program_id: int, *, limit: int = PAGE) -> list[tuple[Rating, Referrer]]:
    """What customers have written, oldest first."""
    wanted = (
        select(Rating, Referrer)
        .join(Referrer, Referrer.id == Rating.referrer_id)
        .where(Rating.program_id == program_id, Rating.state == RatingState.WAITING)
        .order_by(Rating.written_at)
        .limit(limit)
    )
    return [(rating, referrer) for rating, referrer in session.execute(wanted)]


def open_reports(
    session: Session, program_id: int, *, limit: int = PAGE
) -> list[tuple[RatingReport, Rating, Referrer]]:
    """What was reported, oldest first."""
    wanted = (
        select(RatingReport, Rating, Referrer)
        .join(Rating, Rating.id == RatingReport.rating_id)
        .join(Referrer, Referrer.id == Rating.referrer_id)
        .where(RatingReport.program_id == program_id, RatingReport.state == ReportState.OPEN)
        .order_by(RatingReport.made_at)
        .limit(limit)
    )
    return [(report, rating, referrer) for report, rating, referrer in session.execute(wanted)]
