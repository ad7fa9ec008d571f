"""The cookie ``ref_click``: a visitor's last five click ids, set where a programme needs no consent for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

COOKIE: Final = "ref_click"
KEPT: Final = 5
"""How many click ids the cookie keeps, the newest last."""

_SEPARATOR: Final = "."


def read_cookie(header: str) -> list[str]:
    """The texts in a ``Cookie`` header's ``ref_click``, unverified, the newest last; at most five."""
    if COOKIE not in header:
        return []
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return [text for text in value.strip('"').split(_SEPARATOR)[-KEPT:] if text]
    return []


def set_cookie(click_ids: Sequence[str], click_id: str, *, seconds: int, secure: bool) -> str:
    """The ``Set-Cookie`` value after ``click_id``: it is the newest now, and the oldest goes when there are six."""
    kept = [*(text for text in click_ids if text != click_id), click_id][-KEPT:]
    value = f"{COOKIE}={_SEPARATOR.join(kept)}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax"
    return f"{value}; Secure" if secure else value
