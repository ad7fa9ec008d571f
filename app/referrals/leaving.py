"""A referrer leaves the programme: nothing new is earned, what is due is still paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.identity.audit import Actor, record_event
from app.referrals import locks
from app.referrals.intake import AHEAD
from app.referrals.models import Product, RateVersion, ReferrerStatus
from app.referrals.rates import RateChangesRecordedOrders, RateTerms, set_rate
from app.referrals.referrers import NotActive
from app.referrals.words import RateScope

if TYPE_CHECKING:
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
    own = select(Product).where(
        Product.id.in_(select(RateVersion.product_id).where(RateVersion.referrer_id == referrer.id))
    )
    for product in (None, *session.scalars(own).all()):
        _earn_nothing(session, program, referrer, product, actor, now)
    subject = f"referrer:{referrer.code}"
    record_event(session, actor, "referrer.left", subject, now=now, program_id=program.id)


def _earn_nothing(
    session: Session,
    program: Program,
    referrer: Referrer,
    product: Product | None,
    actor: Actor,
    now: datetime,
) -> None:
    nothing = RateTerms("none", scope=RateScope.ALL)
    try:
        set_rate(
            session,
            program,
            nothing,
            product=product,
            referrer=referrer,
            valid_from=now,
            actor=actor,
            now=now,
        )
    except RateChangesRecordedOrders:
        # An order is recorded as paid by a shop whose clock is ahead of ours: it still earns.
        later = now + AHEAD
        set_rate(
            session,
            program,
            nothing,
            product=product,
            referrer=referrer,
            valid_from=later,
            actor=actor,
            now=now,
        )
