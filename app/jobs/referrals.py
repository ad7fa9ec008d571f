"""What a commission waits for and no fact of its own brings: other customers' orders, exchange rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.kernel import clock
from app.kernel.queue import JobRequest
from app.referrals.mergers import FOLLOW, follow, unfollowed
from app.referrals.resettle import decide_latecomers, recount_tiers, recounts_due, settle_waiting
from app.referrals.tiers import RECOUNT

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.services import Services

_log = structlog.get_logger(__name__)


def recount(services: Services, referrer_id: int) -> None:
    """Settle the referrer's later orders again, where their customers' numbers changed."""
    customers = recount_tiers(services.referrals, services.db, referrer_id, clock.now())
    if customers:
        _log.info("tiers_recounted", referrer=referrer_id, customers=customers)


def follow_merger(services: Services, gone_id: int) -> None:
    """Move the customers of a merged referrer to the one that stands for it."""
    moved = follow(services.referrals, services.db, gone_id, clock.now())
    _log.info("merger_followed", referrer=gone_id, customers=moved)


def settle_what_waits(services: Services, now: datetime) -> None:
    """Settle what an import of exchange rates left: an order that came while it ran, or an import that was killed."""
    settled, waiting = settle_waiting(services.referrals, services.db, now)
    if settled or waiting:
        _log.info("waited_for_exchange_rates", settled=settled, waiting=waiting)


def look_back_at_clicks(services: Services) -> None:
    """Decide anew where a click's record came after the decision that should name it."""
    customers = decide_latecomers(services.referrals, services.db, clock.now())
    _log.info("looked_back_at_clicks", customers=customers)


def due_jobs(session: Session) -> list[JobRequest]:
    """A job for each referrer whose tiers are to be counted again, and for each merger that customers lag behind."""
    recounts = [JobRequest(RECOUNT, (referrer_id,)) for referrer_id in recounts_due(session)]
    return recounts + [JobRequest(FOLLOW, (gone_id,)) for gone_id in unfollowed(session)]
