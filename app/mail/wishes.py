"""Which mails a referrer wants, and the link that stops a kind without a login.

The link is good for a year and again and again: stopping twice is stopping. What is compared is the decoded payload,
never the token string, which itsdangerous accepts in more than one spelling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from app.identity.audit import Actor, record_event
from app.identity.tokens import LinkPurpose, MailLinkRefused
from app.kernel.db import insert_or_ignore
from app.mail.models import OPTIONAL, MailKind, MailRefusal
from app.referrals.models import Program, Referrer, ReferrerStatus

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.tokens import MailLinks
    from app.mail.models import Mail

_STATE: Final = "a kind of mail"
_BY_LINK: Final = Actor.system("unsubscribe_link")


@dataclass(frozen=True, slots=True)
class Stop:
    """What an unsubscribe link is about: one referrer, one kind."""

    referrer: Referrer
    program: Program
    kind: MailKind

    @property
    def has_left(self) -> bool:
        """Whether they no longer take part, so that little is sent anyhow."""
        return self.referrer.status is ReferrerStatus.LEFT


def refused_kinds(session: Session, referrer_id: int) -> frozenset[MailKind]:
    """The kinds that a referrer turned off."""
    return frozenset(session.scalars(select(MailRefusal.kind).where(MailRefusal.referrer_id == referrer_id)))


def want(
    session: Session, referrer: Referrer, wanted: Collection[str], *, actor: Actor, now: datetime
) -> None:
    """Keep which optional kinds a referrer wants, and that they want no others. Mandatory kinds are never refused."""
    before = refused_kinds(session, referrer.id)
    refused = OPTIONAL.difference(wanted)
    mine = delete(MailRefusal).where(MailRefusal.referrer_id == referrer.id)
    session.execute(mine.where(MailRefusal.kind.not_in(refused)))
    _keep(session, referrer, refused, now)
    if refused != before:
        _record(session, referrer, refused, actor, now)


def stop(session: Session, found: Stop, *, now: datetime) -> None:
    """Turn a kind off by its link; again changes nothing."""
    if _keep(session, found.referrer, {found.kind}, now):
        refused = refused_kinds(session, found.referrer.id)
        _record(session, found.referrer, refused, _BY_LINK, now)


def _keep(session: Session, referrer: Referrer, refused: Collection[MailKind], now: datetime) -> int:
    rows = [{"referrer_id": referrer.id, "kind": kind, "refused_at": now} for kind in sorted(refused)]
    return insert_or_ignore(session, MailRefusal, rows, key=("referrer_id", "kind"))


def _record(
    session: Session, referrer: Referrer, refused: Collection[MailKind], actor: Actor, now: datetime
) -> None:
    subject, details = f"referrer:{referrer.code}", {"off": sorted(refused)}
    record_event(session, actor, "mails.chosen", subject, details, now=now, program_id=referrer.program_id)


def is_refused(session: Session, mail: Mail) -> bool:
    """Whether its recipient has turned this mail off."""
    if mail.referrer_id is None or mail.kind not in OPTIONAL:
        return False
    return mail.kind in refused_kinds(session, mail.referrer_id)


def stop_token(session: Session, links: MailLinks, mail: Mail) -> str:
    """The token that stops the kind of this mail for its referrer; the same each time that the mail is tried."""
    referrer = session.get_one(Referrer, mail.referrer_id)
    return links.sign(LinkPurpose.UNSUBSCRIBE, f"{referrer.code}:{mail.kind.value}", _STATE, mail.created_at)


def read_stop(session: Session, links: MailLinks, token: str, now: datetime) -> Stop:
    """What a link would stop. Raises ``MailLinkRefused`` if it was altered, is too old, or its referrer was erased."""
    link = links.read(LinkPurpose.UNSUBSCRIBE, token, now)
    link.require(_STATE)
    code, _, kind = link.subject.partition(":")
    referrer = session.scalar(select(Referrer).where(Referrer.code == code, Referrer.erased_at.is_(None)))
    if referrer is None or kind not in OPTIONAL:
        raise MailLinkRefused
    return Stop(referrer, session.get_one(Program, referrer.program_id), MailKind(kind))
