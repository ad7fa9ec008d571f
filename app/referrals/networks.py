"""From which networks referrers log in: kept as hashes for a week, for one review rule."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.kernel.db import insert_or_ignore
from app.referrals.domain.visitor import network_hash, network_of
from app.referrals.models import Referrer, ReferrerNetwork
from app.referrals.visitor_keys import shared_key

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def note_login(session: Session, user_id: int, address: str, now: datetime) -> None:
    """Remember the network of ``address`` for the referrers that this person is; nothing of it for anybody else."""
    network = network_of(address)
    wanted = select(Referrer.id).where(Referrer.user_id == user_id).order_by(Referrer.id)
    referrers = session.scalars(wanted).all() if network else []
    if not referrers:
        return
    day = now.astimezone(UTC).date()
    name = network_hash(shared_key(session, day), network)
    rows = [{"day": day, "referrer_id": referrer_id, "network": name} for referrer_id in referrers]
    insert_or_ignore(session, ReferrerNetwork, rows, key=("day", "referrer_id", "network"))
