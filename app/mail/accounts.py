"""Mails on a person's own login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.mail.models import MailKind
from app.mail.outbox import NewMail, queue_mail

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.models import User


def tell_factor_changed(session: Session, user: User, *, is_new: bool, now: datetime) -> None:
    """A second step was set up, or taken away: whoever did that was at the keyboard, perhaps not its owner."""
    key = f"factor-changed:{user.public_id}:{now.timestamp():.6f}"
    context = {"name": user.name, "is_new": is_new, "is_left": user.second_factor_at is not None}
    queue_mail(session, NewMail(key, MailKind.FACTOR_CHANGED, user.email, user.locale, context), now=now)
