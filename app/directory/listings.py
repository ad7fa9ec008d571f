"""The public copy of a profile: put there, counted, taken away. The use cases around it hold the partner's row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from app.directory.domain.profile import Content, terms_of
from app.directory.domain.stars import rank
from app.directory.domain.texts import sort_key
from app.directory.models import Listing, ListingTerm, Rating
from app.kernel.db import insert_all

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.directory.models import Profile


def put_listing(session: Session, profile: Profile, now: datetime) -> None:
    """Have the public see what the profile says now."""
    content = Content.load(profile.content)
    listing = session.get(Listing, profile.referrer_id)
    if listing is None:
        listing = Listing(
            referrer_id=profile.referrer_id,
            program_id=profile.program_id,
            rank=rank(0, 0),
            rating_total=0,
            rating_count=0,
            published_at=now,
        )
        session.add(listing)
    listing.content, listing.name_key = profile.content, sort_key(content.name)
    session.flush()
    count_ratings(session, listing)
    session.execute(delete(ListingTerm).where(ListingTerm.referrer_id == listing.referrer_id))
    own = {"program_id": listing.program_id, "referrer_id": listing.referrer_id}
    insert_all(session, ListingTerm, [own | {"term": term} for term in sorted(terms_of(content))])


def remove_listing(session: Session, referrer_id: int) -> bool:
    """Have the public see nothing any more; whether there was something. Ratings stay for a later copy."""
    listing = session.get(Listing, referrer_id)
    if listing is None:
        return False
    session.execute(delete(ListingTerm).where(ListingTerm.referrer_id == referrer_id))
    session.delete(listing)
    session.flush()
    return True


def count_ratings(session: Session, listing: Listing) -> None:
    """Add up what is shown, anew from the ratings themselves."""
    session.flush()
    wanted = select(func.sum(Rating.shown_stars), func.count(Rating.shown_stars))
    row = session.execute(
        wanted.where(Rating.referrer_id == listing.referrer_id, Rating.shown_at.is_not(None))
    ).one()
    total, count = int(row[0] or 0), row[1]
    listing.rating_total, listing.rating_count, listing.rank = total, count, rank(total, count)
    session.flush()
