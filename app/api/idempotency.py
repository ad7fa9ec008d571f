"""``Idempotency-Key``: the same request under the same key gets the first answer again.

The facts are idempotent by their own ids already; the key matters where a call makes its own id (a referrer without a
code) and for clients that repeat blindly. Only what was recorded is kept: a refusal rolls back and may be tried again.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select, update

from app.api.models import StoredAnswer
from app.kernel.db import insert_or_ignore
from app.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.api.bodies import Json

KEPT: Final = timedelta(hours=24)
"""How long an answer is kept."""

_MAX_KEY: Final = 255


class KeyReused(InvalidInput):
    """The key was used before for another request."""

    title = "Idempotency key reused"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used before for another request")


class BadIdempotencyKey(InvalidInput):
    """The header is not a usable key."""

    title = "Bad idempotency key"

    def __init__(self) -> None:
        super().__init__(f"Idempotency-Key must be 1 to {_MAX_KEY} printable ASCII characters")


def checked_key(header: str | None) -> str | None:
    """The key of a request, or ``None`` where it sent none. Raises :class:`BadIdempotencyKey`."""
    if header is None:
        return None
    if not 1 <= len(header) <= _MAX_KEY or not header.isascii() or not header.isprintable():
        raise BadIdempotencyKey
    return header


def request_hash(method: str, path: str, body: Json) -> str:
    """What a key stands for: method, path and body, whatever the order of the body's names."""
    text = json.dumps([method, path, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def stored_answer(
    session: Session, program_id: int, key: str, hashed: str, now: datetime
) -> tuple[int, dict[str, Any]] | None:
    """The status and body given before, or ``None``: then the key is taken and :func:`keep` must follow.

    Inserting first is the lock: of two requests at once under one key, the second waits here for the first's commit
    and then finds its answer, so that nothing is made twice. Raises :class:`KeyReused`.
    """
    session.execute(delete(StoredAnswer).where(StoredAnswer.created_at < now - KEPT))
    row = {
        "program_id": program_id,
        "key": key,
        "request_hash": hashed,
        "status": 0,
        "body": {},
        "created_at": now,
    }
    if insert_or_ignore(session, StoredAnswer, [row], key=["program_id", "key"]):
        return None
    found = session.execute(
        select(StoredAnswer.request_hash, StoredAnswer.status, StoredAnswer.body).where(
            StoredAnswer.program_id == program_id, StoredAnswer.key == key
        )
    ).one()
    if found.request_hash != hashed:
        raise KeyReused
    return found.status, found.body


def keep(session: Session, program_id: int, key: str, status: int, body: dict[str, Any]) -> None:
    """Keep the answer of the request that took the key."""
    session.execute(
        update(StoredAnswer)
        .where(StoredAnswer.program_id == program_id, StoredAnswer.key == key)
        .values(status=status, body=body)
    )
