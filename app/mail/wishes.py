"""Which mails a referrer wants, and the link that stops a kind without a login.

The link is good for a year and again and again: stopping twice is stopping. What is compared is the decoded payload,
never the token string, which itsdangerous accepts in more than one spelling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

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


def want(session: Session, referrer_id: int, wanted: Collection[str], *, now: datetime) -> None:
    """Keep which optional kinds a referrer wants, and that they want no others. Mandatory kinds are never refused."""
    for kind in sorted(OPTIONAL):
        if kind in wanted:
            session.execute(
                delete(MailRefusal).where(MailRefusal.referrer_id == referrer_id, MailRefusal.kind == kind)
            )
        else:
            refuse(session, referrer_id, kind, now=now)


def refuse(session: Session, referrer_id: int, kind: MailKind, *, now: datetime) -> bool:
    """Turn a kind off; whether it was on."""
    row = {"referrer_id": referrer_id, "kind": kind, "refused_at": now}
    return insert_or_ignore(session, MailRefusal, [row], key=("referrer_id", "kind")) == 1


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
