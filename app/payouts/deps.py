"""What the use cases of this slice need besides a session; wired in ``factory.py``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kernel.crypto import Keyring
    from app.kernel.db import Database

BATCH: Final = 1_000
"""The most rows that one transaction of a run or an import touches."""


class PayoutEvent(StrEnum):
    """What a referrer is told about."""

    ACCOUNT_CHANGED = "account_changed"
    """Another bank account is on file; goes to every address that is known of its owner."""
    ACCOUNT_RESTORED = "account_restored"
    """A change was taken back by the mailed link; goes to the same addresses."""
    SENT = "sent"
    """The bank booked a payout."""
    REJECTED = "rejected"
    """The bank refused a payout; the money is available again."""
    RETURNED = "returned"
    """A payout came back; the money is available again."""


@dataclass(frozen=True, slots=True)
class PayoutNews:
    """Something that happened to a referrer's money or bank account, told in the transaction that did it."""

    event: PayoutEvent
    referrer_id: int
    now: datetime
    destination_id: int
    payout_id: int | None = None


def say_nothing(_session: Session, _news: PayoutNews) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class PayoutDeps:
    """The database (runs and imports take several transactions), the keys, and whom to tell.

    ``tell(session, news)`` is called inside the transaction that made the news.
    """

    db: Database
    keyring: Keyring
    tell: Callable[[Session, PayoutNews], None] = say_nothing
    batch: int = BATCH
    """The most rows that one transaction touches, at most :data:`BATCH`."""
