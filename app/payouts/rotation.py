"""Putting everything that is sealed under the newest of ``ENCRYPTION_KEYS``, so that an older one may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.identity.audit import record_event
from app.identity.second_factor import SEALED_SECRETS
from app.kernel.sealed import Resealed, SealedColumn, keep_root, reseal
from app.payouts.destinations import SEALED_IBANS

if TYPE_CHECKING:
    from datetime import datetime

    from app.identity.audit import Actor
    from app.kernel.crypto import Keyring
    from app.kernel.db import Database

SEALED_COLUMNS: Final[tuple[SealedColumn, ...]] = (SEALED_IBANS, SEALED_SECRETS)
"""Every sealed column of the schema; a test compares this with the tables."""


def rotate_keys(
    database: Database, keyring: Keyring, *, by: Actor, now: datetime, batch: int = 500
) -> list[Resealed]:
    """Re-seal every column in batches, and the index root; what was done, by column.

    Safe to run again and killed anywhere: what is under the newest key is passed over. Raises ``CannotOpen`` where
    something is sealed with a key that is not at hand.
    """
    keep_root(database, keyring, now)
    done = [reseal(database, keyring, column, batch=batch) for column in SEALED_COLUMNS]
    facts = {each.name: each.resealed for each in done}
    with database.transaction() as session:
        record_event(session, by, "keys.rotated", "keys:encryption", facts, now=now)
    return done
