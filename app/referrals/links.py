"""Referral links: their tags, their click ids and their URLs.

The keys are ``LINK_KEYS``, oldest first: the last one signs, all of them verify, so a printed link lives as
long as its key stays in the list. Each purpose has its own salt, so no tag is ever a click id's signature.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

from itsdangerous import Signer

from app.kernel import ids
from app.referrals.domain import click_id as codec
from app.referrals.domain.click_id import ClickId, NoClickId
from app.referrals.domain.tags import canonical_tag, tag_message, tag_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_SALT: Final = b"refledger."

ASSET_CAMPAIGN: Final = re.compile(r"b-[0-9]+", re.ASCII)
"""The campaigns of banners and texts, which nobody makes by hand."""


class _KeyedSigner(Signer):
    """itsdangerous' key list and salts, with SHA-256, its keys derived once, and raw signatures of our own
    length.

    Its own text form is not used: base64 signatures are malleable (variants of the last character also
    verify).
    """

    def __init__(self, keys: Sequence[str], purpose: bytes) -> None:
        super().__init__(
            list(keys), salt=_SALT + purpose, key_derivation="hmac", digest_method=hashlib.sha256
        )
        # Keyed once and copied for each message: starting from the key costs OpenSSL several times as much.
        self._keyed = [hmac.new(self.derive_key(key), digestmod="sha256") for key in self.secret_keys]

    def newest(self, message: bytes) -> bytes:
        """The digest under the key that signs."""
        return _digest(self._keyed[-1], message)

    def all(self, message: bytes) -> list[bytes]:
        """The digests under every key, the newest first."""
        return [_digest(keyed, message) for keyed in reversed(self._keyed)]


def _digest(keyed: hmac.HMAC, message: bytes) -> bytes:
    mac = keyed.copy()
    mac.update(message)
    return mac.digest()


class LinkSigner:
    """Makes and checks what a referral link carries. ``keys`` are oldest first and not empty."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._tags = _KeyedSigner(keys, b"tag")
        self._click_ids = _KeyedSigner(keys, b"click-id")

    def tag(self, program: str, code: str, campaign: str = "") -> str:
        """The tag of a link: ``program`` is the programme's slug, ``code`` the referrer's."""
        return tag_text(self._tags.newest(tag_message(program, code, campaign)))

    def verifies(self, tag: str, program: str, code: str, campaign: str = "") -> bool:
        """Whether a person's spelling of a tag is one of ours for exactly this link."""
        given = canonical_tag(tag)
        if given is None:
            return False
        digests = self._tags.all(tag_message(program, code, campaign))
        return any(hmac.compare_digest(tag_text(digest), given) for digest in digests)

    def new_click_id(self, at: datetime, program_id: int, referrer_id: int, campaign: str = "") -> str:
        """A click id of its own for a click at ``at`` (aware; kept to the millisecond)."""
        return self.click_id(
            ClickId(at, program_id, referrer_id, campaign, ids.token_bytes(codec.NONCE_BYTES))
        )

    def click_id(self, click: ClickId) -> str:
        """The one text of a click."""
        tail = codec.link_tail(click.program_id, click.referrer_id, click.campaign)
        return self.sign_click(codec.payload(codec.milliseconds(click.at), click.nonce, tail))

    def sign_click(self, payload: bytes) -> str:
        """The text of an encoded click (see :func:`app.referrals.domain.click_id.payload`)."""
        return codec.to_text(payload + self._click_ids.newest(payload)[: codec.SIGNATURE_BYTES])

    def read_click_id(self, text: str) -> ClickId | None:
        """What a click id says, or ``None`` where it is not one of ours, letter by letter."""
        try:
            payload, signature = codec.from_text(text)
            digests = self._click_ids.all(payload)
            if any(hmac.compare_digest(digest[: codec.SIGNATURE_BYTES], signature) for digest in digests):
                return codec.read_payload(payload)
        except NoClickId:
            pass
        return None


def referral_path(links: LinkSigner, program: str, code: str, campaign: str = "") -> str:
    """The path of a referral link: ``/r/{code}/{tag}`` or ``/r/{code}/{campaign}/{tag}``."""
    middle = f"{campaign}/" if campaign else ""
    return f"/r/{code}/{middle}{links.tag(program, code, campaign)}"


def referral_url(links: LinkSigner, public_url: str, program: str, code: str, campaign: str = "") -> str:
    """The URL that a referrer copies; ``program`` is a slug, ``public_url`` has no trailing slash."""
    return public_url + referral_path(links, program, code, campaign)


def asset_campaign(asset_id: int) -> str:
    """The campaign of a banner's or text's links, so that its clicks are counted like any campaign's."""
    return f"b-{asset_id}"
