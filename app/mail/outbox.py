"""The outbox: what is to be mailed is written down in the transaction of the event that it tells of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import CursorResult, delete, func, or_, select

from app.kernel.db import insert_or_ignore
from app.kernel.queue import collect
from app.mail.models import PASSED_ON, Mail, MailKind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

SEND_JOB: Final = "mail.send"
"""The job that sends one mail; its argument is the row's id."""

MAX_ATTEMPTS: Final = 12
"""After this many tries (about a day and a half) a mail is given up."""

_FIRST_DELAY: Final = timedelta(minutes=2)
_LONGEST_DELAY: Final = timedelta(hours=6)
_GRACE: Final = timedelta(minutes=1)
_ERROR: Final = 200


@dataclass(frozen=True, slots=True)
class NewMail:
    """A message to be sent once for ``event_key``. ``context`` is JSON and holds no token and no password."""

    event_key: str
    kind: MailKind
    recipient: str
    locale: str
    context: Mapping[str, Any] = field(default_factory=dict)
    referrer_id: int | None = None


def queue_mail(session: Session, mail: NewMail, *, now: datetime) -> bool:
    """Write the message down and have it sent after the commit; whether it was new for its event."""
    row = {
        "event_key": mail.event_key,
        "kind": mail.kind,
        "referrer_id": mail.referrer_id,
        "recipient": mail.recipient,
        "locale": mail.locale,
        "context": dict(mail.context),
        "created_at": now,
        "attempts": 0,
        "next_attempt_at": now,
    }
    if not insert_or_ignore(session, Mail, [row], key=["event_key"]):
        return False
    mail_id = session.scalars(select(Mail.id).where(Mail.event_key == mail.event_key)).one()
    collect(session, SEND_JOB, mail_id)
    return True


def due_mails(session: Session, now: datetime, limit: int = 500) -> list[int]:
    """The ids of mails whose job got lost or whose next try has come, oldest first. For the sweeper.

    A minute's grace leaves those alone whose first job is on its way.
    """
    return list(
        session.scalars(
            select(Mail.id)
            .where(Mail.next_attempt_at <= now - _GRACE)
            .order_by(Mail.next_attempt_at, Mail.id)
            .limit(limit)
        )
    )


def claim(session: Session, mail_id: int, now: datetime) -> Mail | None:
    """Take a mail for sending, or ``None`` if there is nothing to do: sent, given up, or taken just now."""
    # Two workers may hold a job for one mail: the first, and the sweeper's. The row lock lets one of them
    # move the next try ahead; the other then reads that and leaves. Without it the mail would go out twice.
    mail = session.get(Mail, mail_id, with_for_update=True)
    if mail is None or mail.next_attempt_at is None or mail.next_attempt_at > now:
        return None
    mail.attempts += 1
    mail.next_attempt_at = now + min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** (mail.attempts - 1))
    return mail


def mark_sent(session: Session, mail_id: int, now: datetime) -> None:
    """Write down that the mail server took it."""
    mail = session.get_one(Mail, mail_id)
    mail.sent_at, mail.next_attempt_at, mail.last_error = now, None, None
    _forget_what_was_passed_on(mail)


def mark_failed(session: Session, mail_id: int, error: str, now: datetime, *, for_good: bool) -> None:
    """Write down why a try failed. It is given up where trying again is no use, or after the last try."""
    mail = session.get_one(Mail, mail_id)
    mail.last_error = error[:_ERROR]
    if for_good or mail.attempts >= MAX_ATTEMPTS:
        mail.failed_at, mail.next_attempt_at = now, None
        _forget_what_was_passed_on(mail)


def _forget_what_was_passed_on(mail: Mail) -> None:
    if mail.kind in PASSED_ON:
        mail.context = {}


def old_mails(session: Session, before: datetime, limit: int) -> list[Mail]:
    """Mails that were sent or given up before an instant, since they hold names and addresses."""
    over = or_(Mail.sent_at < before, Mail.failed_at < before)
    return list(session.scalars(select(Mail).where(over).limit(limit)))


def mails_to(session: Session, addresses: Collection[str]) -> list[Mail]:
    """Every mail to these addresses, in any spelling of their case, oldest first."""
    wanted = select(Mail).where(func.lower(Mail.recipient).in_({address.lower() for address in addresses}))
    return list(session.scalars(wanted.order_by(Mail.id)))


def forget(session: Session, mails: Collection[Mail]) -> int:
    """Delete them; how many there were."""
    gone = session.execute(delete(Mail).where(Mail.id.in_([mail.id for mail in mails])))
    return cast("CursorResult[Any]", gone).rowcount
