"""Sealing and indexing of what may not be read in a stolen copy of the database."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from app.kernel import ids
from app.kernel.errors import RefledgerError

_KEY_ID: Final = 4
_NONCE: Final = 12


class CannotOpen(RefledgerError):
    """Sealed bytes that none of the configured keys opens, or that belong to another row."""

    title = "Sealed data cannot be opened"

    def __init__(self) -> None:
        super().__init__(
            "sealed data does not open: ENCRYPTION_KEYS lacks its key, or the data was moved or altered"
        )


@dataclass(frozen=True)
class Keyring:
    """``ENCRYPTION_KEYS``, oldest first: the last one seals, all of them open, the first one indexes."""

    keys: tuple[str, ...]

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """AES-256-GCM under the newest key. ``aad`` names the row that the result belongs to.

        Layout: 4 bytes key id, 12 bytes nonce, ciphertext with its 16-byte tag.
        """
        secret = self.keys[-1]
        nonce = ids.token_bytes(_NONCE)
        return _key_id(secret) + nonce + AESGCM(_derive(secret, b"seal")).encrypt(nonce, plain, aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """The plain bytes. Raises :class:`CannotOpen`."""
        key_id, nonce, body = sealed[:_KEY_ID], sealed[_KEY_ID : _KEY_ID + _NONCE], sealed[_KEY_ID + _NONCE :]
        for secret in reversed(self.keys):
            if _key_id(secret) == key_id and len(nonce) == _NONCE:
                try:
                    return AESGCM(_derive(secret, b"seal")).decrypt(nonce, body, aad)
                except InvalidTag:
                    break
        raise CannotOpen

    def index(self, purpose: str, value: str) -> str:
        """A keyed fingerprint (64 hex characters) by which equal values are found again without being readable.

        Made with the oldest key, so that adding a key does not change it.
        """
        key = _derive(self.keys[0], b"index:" + purpose.encode())
        return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=64)
def _derive(secret: str, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), 32, b"refledger:" + purpose).derive(hashlib.sha256(secret.encode()).digest())


def _key_id(secret: str) -> bytes:
    return _derive(secret, b"key-id")[:_KEY_ID]


_GMAIL: Final = frozenset({"gmail.com", "googlemail.com"})


def normalise_email(raw: str) -> str:
    """The mailbox that an address reaches: lower case, no ``+tag``, no dots where Gmail ignores them.

    For comparing people only; mail is sent to the address as it was given.
    """
    local, _, domain = unicodedata.normalize("NFKC", raw).strip().lower().rpartition("@")
    # An address that begins with a plus has no tag: all of those would otherwise be one person.
    local = local.partition("+")[0] or local
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def email_key(keyring: Keyring, raw: str) -> str:
    """The keyed fingerprint of a normalised address, the only form in which a customer's e-mail is kept."""
    return keyring.index("email", normalise_email(raw))
