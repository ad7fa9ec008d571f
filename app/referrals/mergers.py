"""Staff merge two referrers of a programme who are one person (docs/adr/0028).

The one that goes is closed and its links, coupons and codes speak for the other from that instant on. Its customers
move by corrections of their attribution, in a job and some at a time: what they order from that instant on earns for
the survivor. What was earned before stays where it was earned, and is paid from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, or_, select

from app.identity.audit import Actor, record_event
from app.kernel import clock
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.queue import collect
from app.referrals import locks
from app.referrals.assignments import NothingToCorrect, Wanted, correct_attribution
from app.referrals.merged import merger_of, standing_for, stands_at
from app.referrals.models import Binding, Customer, Merger, Program, Referrer, ReferrerStatus
from app.referrals.referrers import MAX_REASON, NotActive
from app.referrals.story import suspension_spans

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.kernel.db import Database
    from app.referrals.intake import ReferralDeps

FOLLOW: Final = "referrals.follow_merger"
_BATCH: Final = 50
"""Customers that one transaction moves: each keeps its lock until the end."""


class SameReferrer(Conflict):
    """Nobody can be merged into themselves."""

    def __init__(self, code: str) -> None:
        super().__init__(f"{code!r} cannot be merged into itself", pointer="/into")


class MergedElsewhere(Conflict):
    """The referrer was merged before, into another one."""

    def __init__(self, code: str) -> None:
        super().__init__(f"{code!r} was merged into another referrer before")


def merge(
    session: Session,
    program: Program,
    gone: Referrer,
    survivor: Referrer,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Merger:
    """Close ``gone`` and have ``survivor`` stand for it from now on; the same again changes nothing.

    Both take part: a suspended referrer is reinstated first, or stays as it is. Raises :class:`SameReferrer`,
    :class:`MergedElsewhere`, :class:`NotActive`, and ``InvalidInput`` where no reason is given.
    """
    text = " ".join(reason.split())
    if not 1 <= len(text) <= MAX_REASON:
        raise InvalidInput(f"reason: expected 1 to {MAX_REASON} characters", pointer="/reason")
    if gone.id == survivor.id:
        raise SameReferrer(gone.code)
    # Both, by number: two people merge the same two at once, each the other way round. Without the locks each would
    # find the other active, and both would be closed, each in favour of the other.
    for referrer_id in sorted((gone.id, survivor.id)):
        locks.own_referrer(session, referrer_id)
    there = merger_of(session, gone.id)
    if there is not None:
        if there.survivor_id != survivor.id:
            raise MergedElsewhere(gone.code)
        return there
    for referrer in (gone, survivor):
        if referrer.status is not ReferrerStatus.ACTIVE:
            raise NotActive(referrer.code)
    gone.status = ReferrerStatus.LEFT
    gone.suspensions = [*gone.suspensions, [now.isoformat(), None]]
    merger = Merger(
        program_id=program.id,
        gone_id=gone.id,
        survivor_id=survivor.id,
        reason=text,
        made_by=actor.label,
        made_at=now,
    )
    session.add(merger)
    subject, details = f"referrer:{gone.code}", {"into": survivor.code, "reason": text}
    record_event(session, actor, "referrer.merged", subject, details, now=now, program_id=program.id)
    collect(session, FOLLOW, gone.id)
    session.flush()
    return merger


def follow(deps: ReferralDeps, db: Database, gone_id: int, now: datetime) -> int:
    """Move the customers that still belong to a merged referrer; how many. Killed anywhere, the next one goes on."""
    moved, after = 0, 0
    while True:
        with db.transaction() as session:
            merger = merger_of(session, gone_id)
            survivor = _taking_part(session, merger, now) if merger else None
            if merger is None or survivor is None:
                return moved
            wanted = select(Binding.customer_id).where(*_still_bound(merger), Binding.customer_id > after)
            keys = session.scalars(wanted.distinct().order_by(Binding.customer_id).limit(_BATCH)).all()
            moved += sum(_move(deps, session, merger, survivor, key, now) for key in keys)
        if len(keys) < _BATCH:
            return moved
        after = keys[-1]


def _taking_part(session: Session, merger: Merger, now: datetime) -> Referrer | None:
    """Who stands for the one that is gone; nobody while that one is suspended: its customers wait for what follows."""
    standing = stands_at(merger.gone_id, now, standing_for(session, [merger.gone_id]))
    referrer = session.get_one(Referrer, standing)
    out = any(
        start <= merger.made_at and (end is None or merger.made_at < end)
        for start, end in suspension_spans(referrer)
    )
    return None if out or referrer.status is not ReferrerStatus.ACTIVE else referrer


def _move(
    deps: ReferralDeps, session: Session, merger: Merger, survivor: Referrer, customer_pk: int, now: datetime
) -> bool:
    customer = session.get_one(Customer, customer_pk)
    program = session.get_one(Program, merger.program_id)
    wanted = Wanted(survivor, merger.reason, merger.made_at)
    by = Actor(merger.made_by)
    try:
        correct_attribution(deps, session, program, customer.customer_id, wanted, actor=by, now=now)
    except NothingToCorrect:
        # Somebody else moved it between our reading and its lock.
        return False
    return True


def _still_bound(merger: Merger) -> tuple[ColumnElement[bool], ...]:
    """Customers whose orders from the merger on would still earn for the one that is gone."""
    later = or_(Binding.until_at.is_(None), Binding.until_at > merger.made_at)
    return Binding.referrer_id == merger.gone_id, later


def unfollowed(session: Session) -> list[int]:
    """The merged referrers with customers that have not moved yet: a job was lost, or a late fact brought one."""
    later = or_(Binding.until_at.is_(None), Binding.until_at > Merger.made_at)
    bound = select(Binding.id).where(Binding.referrer_id == Merger.gone_id, later)
    wanted = select(Merger).where(bound.exists()).order_by(Merger.id)
    now = clock.now()
    return [each.gone_id for each in session.scalars(wanted) if _taking_part(session, each, now)]


def bound_customers(session: Session, referrer_id: int) -> int:
    """How many customers belong to a referrer now."""
    wanted = select(func.count()).where(Binding.referrer_id == referrer_id, Binding.until_at.is_(None))
    return int(session.scalar(wanted) or 0)
