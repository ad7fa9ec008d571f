"""The random bytes of click ids, drawn from the kernel for many clicks at once.

Each draw lets go of the interpreter's lock, and a thread that let go of it waits in line for it again: that costs more
than the draw.
"""

from __future__ import annotations

import os
from typing import Final

from app.kernel import ids
from app.referrals.domain.click_id import NONCE_BYTES

_AT_ONCE: Final = 256

_drawn: list[bytes] = []
os.register_at_fork(after_in_child=_drawn.clear)  # or parent and child would give the same nonces


def new_nonce() -> bytes:
    """Nine random bytes that no other click has."""
    try:
        return _drawn.pop()
    except IndexError:
        together = ids.token_bytes(NONCE_BYTES * _AT_ONCE)
        nonce, *rest = (together[at : at + NONCE_BYTES] for at in range(0, len(together), NONCE_BYTES))
        _drawn.extend(rest)
        return nonce
