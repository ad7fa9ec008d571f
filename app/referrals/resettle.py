"""Settling orders again that no fact of their own customer touched: later tiers, exchange rates that came.

Each customer in a transaction of its own under its own lock, so that a long list keeps nobody waiting. What is due is
said by the database; doing it twice, or again after a crash, changes nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from app.referrals import locks
from app.referrals.exchange import find_exchange
from app.referrals.models import Customer, Order, Program, TierRecount
from app.referrals.queries.waiting import waiting_lines
from app.referrals.settle import Touched, settle, settle_again
from app.referrals.visitor_keys import KEPT_DAYS
from app.referrals.visitors import customers_of_crossing_clicks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.kernel.db import Database
    from app.referrals.intake import ReferralDeps


def recounts_due(session: Session) -> list[int]:
    """The referrers whose later orders must be settled again."""
    return list(session.scalars(select(TierRecount.referrer_id).distinct().order_by(TierRecount.referrer_id)))


def recount_tiers(deps: ReferralDeps, db: Database, referrer_id: int, now: datetime) -> int:
    """Settle the referrer's orders again from the first moment on at which the numbers changed; how many customers."""
    with db.reading() as session:
        requests, customers = recount_of(session, referrer_id)
    if requests:
        _settle_each(deps, db, customers, now)
        with db.transaction() as session:
            forget_recount(session, referrer_id, requests)
    return len(customers)


def recount_of(session: Session, referrer_id: int) -> tuple[int, Sequence[int]]:
    """The newest request for the referrer (0: none), and the customers whose orders all requests reach."""
    newest, since = session.execute(
        select(func.max(TierRecount.id), func.min(TierRecount.since)).where(
            TierRecount.referrer_id == referrer_id
        )
    ).one()
    if not newest:
        return 0, ()
    later = select(Order.customer_id).where(Order.referrer_id == referrer_id, Order.paid_at >= since)
    return newest, session.scalars(later.distinct().order_by(Order.customer_id)).all()


def forget_recount(session: Session, referrer_id: int, newest: int) -> None:
    """Drop what was asked for up to ``newest``: what came since is for orders that may have come since."""
    session.execute(
        delete(TierRecount).where(TierRecount.referrer_id == referrer_id, TierRecount.id <= newest)
    )


def recount_all(deps: ReferralDeps, db: Database, now: datetime) -> None:
    """Settle everything that is due because of tiers, for a replay."""
    with db.reading() as session:
        due = recounts_due(session)
    for referrer_id in due:
        recount_tiers(deps, db, referrer_id, now)


def settle_waiting(deps: ReferralDeps, db: Database, now: datetime) -> tuple[int, int]:
    """Settle the orders whose exchange rate has come; how many did, and how many still wait."""
    with db.reading() as session:
        ready: dict[int, None] = {}
        count = waiting = 0
        for order, program in session.execute(waiting_orders()):
            if _rate_is_there(session, order, program):
                ready[order.customer_id] = None
                count += 1
            else:
                waiting += 1
    _settle_each(deps, db, ready, now)
    return count, waiting


def waiting_orders() -> Select[Order, Program]:
    """The paid orders that wait for an exchange rate, oldest first."""
    return (
        select(Order, Program)
        .join(Program, Program.id == Order.program_id)
        .where(Order.id.in_(waiting_lines()))
        .order_by(Order.paid_at, Order.id)
    )


def decide_latecomers(deps: ReferralDeps, db: Database, now: datetime) -> int:
    """Decide anew on those whose visitor's other clicks may have reached the database late; how many customers.

    Looks at the clicks of the last week, which is how long a spool may go unnoticed. Where nothing was missed, nothing
    changes.
    """
    since = now - timedelta(days=KEPT_DAYS)
    with db.reading() as session:
        programs = session.scalars(select(Program.id).order_by(Program.id)).all()
        customers = [
            customer
            for program_id in programs
            for customer in customers_of_crossing_clicks(session, program_id, since)
        ]
    for customer_pk in customers:
        with db.transaction() as session:
            customer = locks.lock_known_customer(session, customer_pk)
            program = session.get_one(Program, session.get_one(Customer, customer_pk).program_id)
            settle(deps, session, program, customer, Touched(), now, rebind=True)
    return len(customers)


def _rate_is_there(session: Session, order: Order, program: Program) -> bool:
    if order.paid_at is None:
        return False
    found = find_exchange(
        session,
        currency=order.currency,
        into=program.currency,
        paid_at=order.paid_at,
        timezone=program.timezone,
    )
    return found is not None


def _settle_each(deps: ReferralDeps, db: Database, customers: Iterable[int], now: datetime) -> None:
    for customer in customers:
        with db.transaction() as session:
            settle_again(deps, session, customer, now)
