"""Taking a change of the bank account back by the mailed link, without logging in.

Whoever has somebody's password can change their account, and could change it twice. So the link of any change that
still rests leads back to the account that would be paid to without it, past whatever was changed in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from app.identity.audit import Actor, record_event
from app.identity.tokens import LinkPurpose
from app.kernel import ids
from app.kernel.clock import local_day
from app.payouts import queries
from app.payouts.deps import PayoutEvent, PayoutNews
from app.payouts.destinations import copy_account
from app.payouts.errors import ChangeNotUndoable
from app.payouts.models import PayoutDestination
from app.referrals.locks import own_referrer
from app.referrals.models import Program, Referrer

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.identity.tokens import MailLinks
    from app.payouts.deps import PayoutDeps

_BY_LINK: Final = Actor.system("undo_link")
_STATE: Final = "a change that rests"


@dataclass(frozen=True, slots=True)
class Undoable:
    """A change that can be taken back now, and the account that is paid to again afterwards."""

    program: Program
    referrer: Referrer
    change: PayoutDestination
    earlier: PayoutDestination


def undo_token(links: MailLinks, destination: str, now: datetime) -> str:
    """The token that takes back the change that made the destination of this public id."""
    return links.sign(LinkPurpose.UNDO_ACCOUNT, destination, _STATE, now)


def read_undo(session: Session, links: MailLinks, token: str, now: datetime) -> Undoable:
    """What a mailed link would take back. Raises ``MailLinkRefused``, :class:`ChangeNotUndoable`."""
    link = links.read(LinkPurpose.UNDO_ACCOUNT, token, now)
    link.require(_STATE)
    wanted = select(PayoutDestination).where(PayoutDestination.public_id == link.subject)
    change = session.scalar(wanted.execution_options(populate_existing=True))
    if change is None:
        raise ChangeNotUndoable
    referrer = session.get_one(Referrer, change.referrer_id)
    program = session.get_one(Program, referrer.program_id)
    today = local_day(now, program.timezone)
    latest = queries.current_destination(session, referrer.id)
    gone = change.undone_at is not None or referrer.erased_at is not None
    if gone or latest is None or change.usable_on <= today or latest.usable_on <= today:
        raise ChangeNotUndoable
    return Undoable(program, referrer, change, _earlier(session, change, today))


def undo_change(
    deps: PayoutDeps, session: Session, links: MailLinks, token: str, *, now: datetime
) -> PayoutDestination:
    """Put the account of before on file again, as the next version, and tell its owner. Works once.

    Raises ``MailLinkRefused``, :class:`ChangeNotUndoable`.
    """
    found = read_undo(session, links, token, now)
    # The race: the link is pressed twice at once, or while the account is changed again. Read anew under the lock,
    # the second finds the change undone.
    own_referrer(session, found.referrer.id)
    found = read_undo(session, links, token, now)
    latest = queries.current_destination(session, found.referrer.id)
    version = 1 + (latest or found.change).version
    restored = copy_account(
        deps, found.earlier, version=version, public_id=ids.random_id("dst_"), by=_BY_LINK, now=now
    )
    session.execute(
        update(PayoutDestination)
        .where(
            PayoutDestination.referrer_id == found.referrer.id,
            PayoutDestination.version >= found.change.version,
            PayoutDestination.undone_at.is_(None),
        )
        .values(undone_at=now)
    )
    session.add(restored)
    session.flush()
    facts = {"undone": found.change.version, "restored": found.earlier.version, "version": version}
    subject = f"referrer:{found.referrer.code}"
    record_event(
        session, _BY_LINK, "destination.undone", subject, facts, now=now, program_id=found.program.id
    )
    deps.tell(session, PayoutNews(PayoutEvent.ACCOUNT_RESTORED, found.referrer.id, now, restored.id))
    return restored


def _earlier(session: Session, change: PayoutDestination, today: date) -> PayoutDestination:
    """The newest account before the change that is past its own rest and was not taken back itself."""
    earlier = session.scalar(
        select(PayoutDestination)
        .where(
            PayoutDestination.referrer_id == change.referrer_id,
            PayoutDestination.version < change.version,
            PayoutDestination.usable_on <= today,
            PayoutDestination.undone_at.is_(None),
        )
        .order_by(PayoutDestination.version.desc())
        .limit(1)
    )
    if earlier is None:
        raise ChangeNotUndoable
    return earlier
