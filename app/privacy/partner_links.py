"""Links that the shop shows a customer who is logged in there: to the page about their partner, without a login of
ours.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from app.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

VALID_FOR: Final = timedelta(hours=1)
"""Long enough to read and decide; short enough that a link in a browser's history opens nothing tomorrow."""

PATH: Final = "/partner/"
"""The page that the link opens; the token follows."""

_EARLY: Final = timedelta(minutes=1)


class PartnerLinkRefused(InvalidInput):
    """The link was altered or has expired. Which one is not told."""

    title = "Link no longer valid"

    def __init__(self) -> None:
        super().__init__("this link has expired; open it again in the shop", pointer="/token")


class Whose(NamedTuple):
    """The rows that a link is bound to: no id of the merchant's stands in it."""

    program_id: int
    customer_id: int


@dataclass(frozen=True)
class PartnerLinks:
    """Signs and reads them with ``SECRET_KEYS``, oldest first: the last one signs, all of them verify.

    What is compared is the decoded payload, never the token string, which itsdangerous accepts in more than one
    spelling.
    """

    keys: Sequence[str]

    def sign(self, whose: Whose, now: datetime) -> str:
        """A URL-safe token, valid for :data:`VALID_FOR`."""
        return self._serializer().dumps([*whose, int(now.timestamp())])

    def read(self, token: str, now: datetime) -> Whose:
        """Whose page a token opens. Raises :class:`PartnerLinkRefused`."""
        try:
            payload = self._serializer().loads(token)
        except (BadData, ValueError) as error:
            raise PartnerLinkRefused from error
        match payload:
            case [int(program_id), int(customer_id), int(signed_at)]:
                age = timedelta(seconds=now.timestamp() - signed_at)
            case _:
                raise PartnerLinkRefused
        if not -_EARLY <= age < VALID_FOR:
            raise PartnerLinkRefused
        return Whose(program_id, customer_id)

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            list(self.keys),
            salt="refledger.partner-link",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
