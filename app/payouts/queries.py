"""What pages, the API and the use cases read. Nothing here changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.payouts.models import PayoutDestination, PayoutRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.orm import Session


def current_destination(session: Session, referrer_id: int) -> PayoutDestination | None:
    """The bank account on file: the latest version."""
    return session.scalar(
        select(PayoutDestination)
        .where(PayoutDestination.referrer_id == referrer_id)
        .order_by(PayoutDestination.version.desc())
        .limit(1)
    )


def current_destinations(session: Session, referrer_ids: Iterable[int]) -> Mapping[int, PayoutDestination]:
    """The bank accounts on file of several referrers."""
    wanted = list(referrer_ids)
    latest = (
        select(PayoutDestination.referrer_id, func.max(PayoutDestination.version).label("version"))
        .where(PayoutDestination.referrer_id.in_(wanted))
        .group_by(PayoutDestination.referrer_id)
        .subquery()
    )
    rows = session.scalars(
        select(PayoutDestination).join(
            latest,
            (PayoutDestination.referrer_id == latest.c.referrer_id)
            & (PayoutDestination.version == latest.c.version),
        )
    )
    return {row.referrer_id: row for row in rows}


def referrer_iban_keys(session: Session, referrer_id: int) -> frozenset[str]:
    """The fingerprints of every bank account that a referrer has or had on file."""
    return frozenset(
        session.scalars(
            select(PayoutDestination.iban_key).where(PayoutDestination.referrer_id == referrer_id)
        )
    )


def run_by_name(session: Session, name: str) -> PayoutRun | None:
    """The run called ``PROGRAM:YYYY-MM:CUR:SEQ``."""
    return session.scalar(select(PayoutRun).where(PayoutRun.name == name))
