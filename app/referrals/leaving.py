"""A referrer leaves the programme: nothing new is earned, what is due is still paid. And comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.identity.audit import Actor, record_event
from app.referrals import locks
from app.referrals.intake import AHEAD
from app.referrals.merged import merger_of
from app.referrals.models import Product, RateVersion, ReferrerStatus
from app.referrals.rates import RateChangesRecordedOrders, RateTerms, set_rate
from app.referrals.referrers import NotActive
from app.referrals.words import RateKind, RateScope

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program, Referrer


def leave(session: Session, program: Program, referrer: Referrer, *, actor: Actor, now: datetime) -> None:
    """Take the referrer out: links land unattributed, and orders paid from now on earn nothing.

    The latter by a rate of their own, ``none`` for every order, so that an explanation and a replay find why. What was
    earned matures and is paid like anybody's. Raises :class:`NotActive`; somebody who left cannot leave again.
    """
    referrer = locks.own_referrer(session, referrer.id)
    if referrer.status is not ReferrerStatus.ACTIVE:
        raise NotActive(referrer.code)
    referrer.status = ReferrerStatus.LEFT
    referrer.suspensions = [*referrer.suspensions, [now.isoformat(), None]]
    for product in _with_own_rates(session, referrer):
        _set_own(session, program, referrer, product, RateKind.NONE, actor, now)
    subject = f"referrer:{referrer.code}"
    record_event(session, actor, "referrer.left", subject, now=now, program_id=program.id)


def come_back(
    session: Session, program: Program, referrer: Referrer, terms_version: str, *, actor: Actor, now: datetime
) -> None:
    """Let a referrer who left take part again, having accepted the terms anew, on the terms that hold for everybody.

    Code, links, history and balance are as they were; what was paid while they were away earns nothing, and rates of
    their own must be agreed anew. Raises :class:`NotActive` unless they had left, and of who was merged.
    """
    referrer = locks.own_referrer(session, referrer.id)
    merged = merger_of(session, referrer.id)
    if referrer.status is not ReferrerStatus.LEFT or referrer.erased_at is not None or merged is not None:
        raise NotActive(referrer.code)
    referrer.status = ReferrerStatus.ACTIVE
    referrer.suspensions = [*referrer.suspensions[:-1], [referrer.suspensions[-1][0], now.isoformat()]]
    referrer.terms_version, referrer.terms_accepted_at = terms_version, now
    for product in _with_own_rates(session, referrer):
        _set_own(session, program, referrer, product, RateKind.STANDARD, actor, now)
    subject, details = f"referrer:{referrer.code}", {"terms_version": terms_version}
    record_event(session, actor, "referrer.came_back", subject, details, now=now, program_id=program.id)


def _with_own_rates(session: Session, referrer: Referrer) -> Sequence[Product | None]:
    """The levels at which the referrer has rates of their own: all products (null), and each product that is named."""
    named = select(RateVersion.product_id).where(RateVersion.referrer_id == referrer.id)
    return (None, *session.scalars(select(Product).where(Product.id.in_(named)).order_by(Product.id)))


def _set_own(
    session: Session,
    program: Program,
    referrer: Referrer,
    product: Product | None,
    kind: RateKind,
    actor: Actor,
    now: datetime,
) -> None:
    terms = RateTerms(kind.value, scope=RateScope.ALL)
    # An order is recorded as paid by a shop whose clock is ahead of ours: it goes by what held before.
    for valid_from in (now, now + AHEAD):
        try:
            set_rate(
                session,
                program,
                terms,
                product=product,
                referrer=referrer,
                valid_from=valid_from,
                actor=actor,
                now=now,
            )
        except RateChangesRecordedOrders:
            if valid_from > now:
                raise
        else:
            return
