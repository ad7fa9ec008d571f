"""Passwords: which are accepted, and how they are kept (Argon2id)."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.kernel.errors import InvalidInput

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 1024
"""Bounds of a password in characters. The upper one keeps a request from buying much hashing time."""

_DISTINCT: Final = 4
_COMMON: Final = Path(__file__).with_name("common_passwords.txt")

# OWASP's second Argon2id profile: 19 MiB and two passes, so that a burst of logins does not exhaust a small
# machine.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

_NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$cmVmbGVkZ2VyLW5vYm9keQ$sfsxPzAmvTHMl/rd8Wo80oC6kxI9V2z2bHatg7867DM"
)
"""The hash of no password: verified against when there is no user, so that both answers cost the same."""


class WeakPassword(InvalidInput):
    """The password is too short, too long, well known or says who it belongs to."""

    title = "Weak password"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, pointer="/password")


def check_strength(password: str, *, email: str) -> None:
    """Raise :class:`WeakPassword` unless it has 10 to 1,024 characters and is not one that guessers try
    first.

    No rule about digits or capitals (NIST SP 800-63B, 3.1.1.2).
    """
    text = _normal(password)
    if len(text) < MIN_LENGTH:
        raise WeakPassword(f"the password must have at least {MIN_LENGTH} characters")
    if len(text) > MAX_LENGTH:
        raise WeakPassword(f"the password must have at most {MAX_LENGTH} characters")
    folded = text.casefold()
    if folded in _common() or len(set(folded)) < _DISTINCT:
        raise WeakPassword("the password is one of those that are guessed first; take another one")
    if folded in {email.casefold(), email.casefold().partition("@")[0]}:
        raise WeakPassword("the password must not be the e-mail address")


def hash_password(password: str) -> str:
    """The Argon2id hash to store."""
    return _HASHER.hash(_normal(password))


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password belongs to the hash. ``None`` never does, and takes as long to say so."""
    if len(password) > MAX_LENGTH:
        password = ""
    try:
        _HASHER.verify(password_hash or _NOBODY, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other costs than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


@cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split())
