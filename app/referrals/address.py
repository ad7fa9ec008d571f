"""Another e-mail address for a referrer, where theirs is wrong or given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.identity.audit import record_event
from app.identity.emails import clean_email
from app.identity.models import User
from app.identity.roles import Role
from app.identity.users import change_email
from app.kernel.crypto import Keyring, email_key
from app.kernel.errors import Conflict, Forbidden
from app.referrals import locks
from app.referrals.models import Program, Referrer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor


class AddressTaken(Conflict):
    """Another referrer of this installation has the mailbox."""

    title = "E-mail address in use"

    def __init__(self) -> None:
        super().__init__("another referrer has this e-mail address", pointer="/email")


class Erased(Conflict):
    """Nobody is behind the referrer any more."""

    def __init__(self, code: str) -> None:
        super().__init__(f"referrer {code!r} was erased")


class StaffAddress(Forbidden):
    """The referrer's login is also one of the merchant's people: whoever changes its address could take its rights."""

    def __init__(self, code: str) -> None:
        super().__init__(f"referrer {code!r} is one of the staff, whose address is not changed here")


def correct_address(
    session: Session, keyring: Keyring, referrer: Referrer, raw: str, *, actor: Actor, now: datetime
) -> frozenset[str]:
    """Put another address in the place of every one that this person takes part or logs in with; those that went.

    Their sessions end. The trail says that it was corrected, not what it is: it can never be erased. Raises
    :class:`AddressTaken`, ``EmailTaken``, :class:`Erased`, :class:`StaffAddress` and ``InvalidEmail``.
    """
    email = clean_email(raw)
    referrer = locks.own_referrer(session, referrer.id)
    if referrer.erased_at is not None:
        raise Erased(referrer.code)
    user = session.get(User, referrer.user_id) if referrer.user_id is not None else None
    if user is not None and user.role is not Role.REFERRER:
        raise StaffAddress(referrer.code)
    rows = _same_person(session, referrer)
    before = {row.email for row in rows} | ({user.email} if user else set())
    if before == {email}:
        return frozenset()
    _move(session, rows, email, email_key(keyring, email))
    if user is not None:
        change_email(session, user, email, actor=actor, now=now)
    for row in rows:
        subject = f"referrer:{row.code}"
        record_event(
            session, actor, "referrer.email_corrected", subject, {}, now=now, program_id=row.program_id
        )
    return frozenset(before - {email})


def _same_person(session: Session, referrer: Referrer) -> Sequence[Referrer]:
    """The referrer, and what else their login takes part in."""
    if referrer.user_id is None:
        return [referrer]
    wanted = select(Referrer).where(Referrer.user_id == referrer.user_id)
    return session.scalars(wanted.order_by(Referrer.id)).all()


def _move(session: Session, rows: Sequence[Referrer], email: str, key: str) -> None:
    # By programme, since that is how the fingerprints are indexed.
    taken = select(Referrer.id).where(Referrer.program_id.in_(select(Program.id)), Referrer.email_key == key)
    if session.scalar(taken.where(Referrer.id.not_in([row.id for row in rows])).limit(1)) is not None:
        raise AddressTaken
    try:
        # Somebody may join with the address at this instant: the unique key of their programme decides.
        with session.begin_nested():
            for row in rows:
                row.email, row.email_key = email, key
    except IntegrityError as error:
        raise AddressTaken from error
