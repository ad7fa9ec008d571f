"""What this slice needs from above: the wired parts, of which ``app.services.Services`` is one form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kernel.crypto import Keyring
    from app.kernel.db import Database


class KeptMail(Protocol):
    """A mail as the export tells of it."""

    @property
    def kind(self) -> str:
        """What it is about."""

    @property
    def recipient(self) -> str:
        """The address it went to."""

    @property
    def created_at(self) -> datetime:
        """When it was called for."""

    @property
    def sent_at(self) -> datetime | None:
        """When the mail server took it."""


class Mails(Protocol):
    """The outbox, which an edge keeps."""

    def kept_for(self, session: Session, addresses: Collection[str]) -> Sequence[KeptMail]:
        """The mails to these addresses that are still kept, oldest first."""

    def forget_recipient(self, session: Session, addresses: Collection[str]) -> int:
        """Delete every mail to these addresses, sent or not; how many."""

    def forget_old(self, session: Session, before: datetime, limit: int) -> int:
        """Delete at most ``limit`` mails that were sent or given up before an instant; how many."""


class House(Protocol):
    """The parts that retention, export and erasure work with."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def keyring(self) -> Keyring:
        """What fingerprints are made with."""

    @property
    def mail(self) -> Mails:
        """The outbox."""
