"""Somebody who joined twice, under two addresses, and whom staff merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.demo.cast import HOSTING
from app.identity.audit import Actor
from app.referrals.mergers import merge
from app.referrals.models import Program, Referrer
from app.referrals.referrers import Joining, join

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kernel.crypto import Keyring

TWICE: Final = "bram"
"""The code of who stays."""

AGAIN: Final = "bram-too"
"""The code under which the same person joined once more."""


def merge_twins(session: Session, keyring: Keyring, now: datetime) -> None:
    """Have them join a second time and be merged; nothing where that has happened."""
    actor = Actor.system("demo")
    if session.scalar(select(Referrer.id).where(Referrer.code == AGAIN)) is not None:
        return
    survivor = session.scalar(select(Referrer).where(Referrer.code == TWICE))
    if survivor is None:
        return
    program = session.scalars(select(Program).where(Program.slug == HOSTING)).one()
    joining = Joining(survivor.name, f"{AGAIN}@example.net", survivor.locale, AGAIN)
    gone, _is_new = join(session, keyring, program, joining, actor=actor, now=now)
    reason = "The same person, with a second address."
    merge(session, program, gone, survivor, reason=reason, actor=actor, now=now)
