"""Who stands for a referrer that was merged into another one, and from when on (docs/adr/0028)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.referrals.models import Merger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.domain.attribution import Candidate, Occasion


def merger_of(session: Session, referrer_id: int) -> Merger | None:
    """Where a referrer went, if it was merged."""
    return session.scalar(select(Merger).where(Merger.gone_id == referrer_id))


def standing_for(session: Session, referrer_ids: Collection[int]) -> Mapping[int, tuple[int, datetime]]:
    """Of these referrers and of whoever stands for them: who stands for each, and from when on."""
    found: dict[int, tuple[int, datetime]] = {}
    wanted = set(referrer_ids)
    while wanted:
        rows = session.execute(
            select(Merger.gone_id, Merger.survivor_id, Merger.made_at).where(Merger.gone_id.in_(wanted))
        ).all()
        found.update({gone: (survivor, at) for gone, survivor, at in rows})
        # A survivor may have been merged later, too; a circle cannot be: only who takes part can be merged into.
        wanted = {survivor for _, survivor, _ in rows} - found.keys()
    return found


def stands_at(referrer_id: int, at: datetime, mergers: Mapping[int, tuple[int, datetime]]) -> int:
    """Who stands for a referrer at that instant."""
    while (found := mergers.get(referrer_id)) is not None and found[1] <= at:
        referrer_id = found[0]
    return referrer_id


def spoken_for(session: Session, occasions: Sequence[Occasion]) -> Sequence[Occasion]:
    """The occasions, where what speaks for a merged referrer after the merger speaks for who stands for it then."""
    mergers = standing_for(session, named_in(occasions))
    if not mergers:
        return occasions
    return [
        replace(
            occasion,
            candidates=tuple(_now_for(each, occasion.at, mergers) for each in occasion.candidates),
        )
        for occasion in occasions
    ]


def _now_for(candidate: Candidate, at: datetime, mergers: Mapping[int, tuple[int, datetime]]) -> Candidate:
    if candidate.referrer_id is None:
        return candidate
    return replace(candidate, referrer_id=stands_at(candidate.referrer_id, at, mergers))


def named_in(occasions: Iterable[Occasion]) -> set[int]:
    """The referrers that something speaks for."""
    named = (candidate.referrer_id for occasion in occasions for candidate in occasion.candidates)
    return {referrer_id for referrer_id in named if referrer_id is not None}
