"""The one place that makes random names."""

from __future__ import annotations

import base64
import secrets

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base32 alphabet in lower case: no i, l, o, u."""


def random_id(prefix: str, chars: int = 26) -> str:
    """A public id: ``prefix`` plus ``chars`` characters of 5 random bits each (26 make 130 bits)."""
    bits = secrets.randbits(5 * chars)
    return prefix + "".join(CROCKFORD[bits >> 5 * place & 31] for place in range(chars))


def end_to_end_id() -> str:
    """An ISO 20022 EndToEndId: "PO" and 30 base32 characters (150 random bits), 32 of the 35 allowed."""
    return "PO" + base64.b32encode(secrets.token_bytes(20)).decode()[:30]


def token_bytes(count: int) -> bytes:
    """``count`` bytes that nobody can guess."""
    return secrets.token_bytes(count)


def token_text(count: int = 32) -> str:
    """``count`` unguessable bytes as URL-safe text, for cookies and keys."""
    return secrets.token_urlsafe(count)
