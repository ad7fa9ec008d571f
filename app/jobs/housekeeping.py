"""What is thrown away because we said that we do not keep it (see docs/privacy.md)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from app.identity import sessions
from app.mail import outbox
from app.referrals import visitor_keys

if TYPE_CHECKING:
    from datetime import datetime

    from app.services import Services

_log = structlog.get_logger(__name__)

SENT_MAIL_KEPT: Final = timedelta(days=90)
"""How long the outbox remembers what it sent."""


def keep_house(services: Services, now: datetime) -> None:
    """Delete raw clicks, visitor keys, ended sessions and sent mails that are past their time.

    One transaction each, so that a large heap of one does not hold up the others.
    """
    with services.db.transaction() as session:
        clicks = visitor_keys.forget(session, now)
    with services.db.transaction() as session:
        ended = sessions.forget_ended(session, now)
    with services.db.transaction() as session:
        mails = outbox.forget_sent(session, now - SENT_MAIL_KEPT)
    _log.info("house_kept", clicks=clicks, sessions=ended, mails=mails)
