"""Links in mails: signed, expiring, and good for one use.

A link carries a fingerprint of the state that it is meant to change (the password hash, the unverified
address). Once that state has changed the fingerprint no longer fits, so no table of used links is needed.
What is compared is the decoded payload, never the token string, which itsdangerous accepts in more than one
spelling.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from itsdangerous import BadData, URLSafeSerializer

from app.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class LinkPurpose(StrEnum):
    """What following the link does. Each purpose has its own salt, so that no link opens another door."""

    SET_PASSWORD = "set-password"  # noqa: S105 -- a purpose, not a secret
    """Set the first or a new password."""
    VERIFY_EMAIL = "verify-email"
    """Confirm that the mailbox is theirs."""
    UNDO_ACCOUNT = "undo-account"
    """Take a change of the bank account back; the use case ends it with the cooling-off."""
    UNSUBSCRIBE = "unsubscribe"
    """Stop one kind of mail. May be followed again and again."""
    JOIN_TEAM = "join-team"
    """Come into a referrer's team; the use case ends it with its answer."""
    CONFIRM_ADDRESS = "confirm-address"
    """Show that a new address is theirs; the use case ends it with its first use."""
    UNDO_ADDRESS = "undo-address"
    """Take a change of the address back; the use case ends it with its first use."""


VALID_FOR: Final = {
    LinkPurpose.SET_PASSWORD: timedelta(days=3),
    LinkPurpose.VERIFY_EMAIL: timedelta(days=7),
    LinkPurpose.UNDO_ACCOUNT: timedelta(days=9),
    LinkPurpose.UNSUBSCRIBE: timedelta(days=366),
    LinkPurpose.JOIN_TEAM: timedelta(days=14),
    LinkPurpose.CONFIRM_ADDRESS: timedelta(days=2),
    LinkPurpose.UNDO_ADDRESS: timedelta(days=14),
}
"""How long each link can be used after it was signed."""

_FINGERPRINT: Final = 33
_EARLY: Final = timedelta(minutes=1)


class MailLinkRefused(InvalidInput):
    """The link was altered, has expired, or has been used already. Which one is not told."""

    title = "Link no longer valid"

    def __init__(self) -> None:
        super().__init__("this link has been used or has expired; ask for a new one", pointer="/token")


@dataclass(frozen=True)
class MailLinks:
    """Signs and reads mailed links with ``SECRET_KEYS``, oldest first: the last one signs, all of them
    verify.
    """

    keys: Sequence[str]

    def sign(self, purpose: LinkPurpose, subject: str, state: str, now: datetime) -> str:
        """A URL-safe token for ``subject`` (a random id) while its ``state`` stays as it is."""
        return self._serializer(purpose).dumps([subject, int(now.timestamp()), _fingerprint(state)])

    def read(self, purpose: LinkPurpose, token: str, now: datetime) -> MailLink:
        """What a token says. Raises :class:`MailLinkRefused` if it was altered or is too old."""
        try:
            payload = self._serializer(purpose).loads(token)
        except (BadData, ValueError) as error:
            raise MailLinkRefused from error
        match payload:
            case [str(subject), int(signed_at), str(fingerprint)]:
                age = timedelta(seconds=now.timestamp() - signed_at)
            case _:
                raise MailLinkRefused
        if not -_EARLY <= age < VALID_FOR[purpose]:
            raise MailLinkRefused
        return MailLink(subject, fingerprint)

    def _serializer(self, purpose: LinkPurpose) -> URLSafeSerializer:
        return URLSafeSerializer(
            list(self.keys),
            salt=f"refledger.mail.{purpose}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )


@dataclass(frozen=True, slots=True)
class MailLink:
    """A verified token: whom it is for, and the fingerprint of the state that it may change."""

    subject: str
    fingerprint: str

    def require(self, state: str) -> None:
        """Raise :class:`MailLinkRefused` when the state has changed since the link was signed."""
        if not hmac.compare_digest(self.fingerprint, _fingerprint(state)):
            raise MailLinkRefused


def _fingerprint(state: str) -> str:
    """132 bits that tell nothing of the state; the token itself is signed, so it needs no key."""
    return hashlib.sha256(state.encode()).hexdigest()[:_FINGERPRINT]
