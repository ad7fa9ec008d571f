"""Sealing and indexing of what may not be read in a stolen copy of the database."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from app.kernel import ids
from app.kernel.errors import RefledgerError

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOT_ROW: Final = b"index_roots:1"
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
    """``ENCRYPTION_KEYS``, oldest first: the last one seals, all of them open.

    Fingerprints hang on the *index root*, made from the first key that the installation ever had. ``kept`` reads it
    sealed from the database (``kernel/sealed.py``), so that they stay the same when that key is gone; ``None``, or a
    database without one, means that the oldest key at hand is still that first one.
    """

    keys: tuple[str, ...]
    kept: Callable[[], bytes | None] | None = None

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

        Neither a new key nor the loss of an old one changes it. Raises :class:`CannotOpen` where the index root is
        sealed with a key that is not at hand.
        """
        key = _expand(self._index_root, b"index:" + purpose.encode())
        return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()

    def seal_index_root(self) -> bytes:
        """The index root, sealed under the newest key, as it is kept in the database."""
        return self.seal(self._index_root, _ROOT_ROW)

    def is_newest(self, sealed: bytes) -> bool:
        """Whether these bytes are sealed under the newest key."""
        return sealed[:_KEY_ID] == self.newest_key_id

    @property
    def newest_key_id(self) -> bytes:
        """With what everything begins that is sealed under the newest key."""
        return _key_id(self.keys[-1])

    @cached_property
    def _index_root(self) -> bytes:
        sealed = self.kept() if self.kept is not None else None
        return _derive(self.keys[0], b"index-root") if sealed is None else self.open(sealed, _ROOT_ROW)


def _derive(secret: str, purpose: bytes) -> bytes:
    return _expand(hashlib.sha256(secret.encode()).digest(), purpose)


@lru_cache(maxsize=64)
def _expand(root: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), 32, b"refledger:" + purpose).derive(root)


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
