"""Sealed columns, their re-sealing under a new key, and the index root that outlives the key it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import CheckConstraint, LargeBinary, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime, insert_or_ignore

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Row
    from sqlalchemy.orm import InstrumentedAttribute

    from app.kernel.crypto import Keyring
    from app.kernel.db import Database

_BATCH: Final = 500
_THE_ROW: Final = 1


class IndexRoot(Base):
    """What fingerprints are made with, sealed under ``ENCRYPTION_KEYS``. One row.

    Most of what has a fingerprint is stored in no other form (customers' addresses, payers' accounts), so a
    fingerprint can never be made anew: its key has to stay, and only what protects that key changes.
    """

    __tablename__ = "index_roots"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    root_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column that :meth:`~app.kernel.crypto.Keyring.seal` filled, and how its associated data is made.

    ``aad`` gets the values of ``bound``, the columns that the sealed bytes are bound to.
    """

    column: InstrumentedAttribute[Any]
    bound: tuple[InstrumentedAttribute[Any], ...]
    aad: Callable[..., bytes]

    @property
    def name(self) -> str:
        """``table.column``."""
        return f"{self.column.class_.__tablename__}.{self.column.key}"


@dataclass(frozen=True, slots=True)
class Resealed:
    """What a rotation found and did in one column, in rows."""

    name: str
    rows: int
    """That hold something sealed; what was erased is empty and does not count."""
    resealed: int
    """That were not yet under the newest key."""


def kept_root(database: Database) -> bytes | None:
    """The sealed index root, where one is kept yet."""
    with database.reading() as session:
        return session.scalar(select(IndexRoot.root_sealed))


def keep_root(database: Database, keyring: Keyring, now: datetime) -> None:
    """Keep the index root in the database, sealed under the newest key. Safe to call again.

    From then on the key that it was made from may go. Raises ``CannotOpen`` where it is kept already under a key
    that is not at hand.
    """
    sealed = keyring.seal_index_root()
    with database.transaction() as session:
        row = {"id": _THE_ROW, "root_sealed": sealed, "created_at": now}
        if insert_or_ignore(session, IndexRoot, [row], key=("id",)):
            return
        root = session.get_one(IndexRoot, _THE_ROW, with_for_update=True)
        if not keyring.is_newest(root.root_sealed):
            root.root_sealed = sealed


def reseal(database: Database, keyring: Keyring, sealed: SealedColumn, *, batch: int = _BATCH) -> Resealed:
    """Seal a whole column under the newest key, in transactions of ``batch`` rows.

    Killed anywhere, the next call goes on: rows under the newest key are passed over. Raises ``CannotOpen`` at a
    row that no key at hand opens; what was re-sealed before it stays so.
    """
    after, done = 0, 0
    while True:
        last, changed = _reseal_batch(database, keyring, sealed, after, batch)
        done += changed
        if last is None:
            break
        after = last
    with database.reading() as session:
        rows = session.scalars(select(func.count()).where(func.length(sealed.column) > 0)).one()
    return Resealed(sealed.name, rows, done)


def _reseal_batch(
    database: Database, keyring: Keyring, sealed: SealedColumn, after: int, batch: int
) -> tuple[int | None, int]:
    """Re-seal the next rows; the last of them, if there was any, and how many."""
    key = sealed.column.class_.id
    begins = func.substr(sealed.column, 1, len(keyring.newest_key_id))
    with database.transaction() as session:
        # The race: two rotations at once, or a change of the row meanwhile. Whoever comes second must see what the
        # first one wrote, or it would put an older value back.
        rows = session.execute(
            select(key, sealed.column, *sealed.bound)
            .where(key > after, func.length(sealed.column) > 0, begins != keyring.newest_key_id)
            .order_by(key)
            .limit(batch)
            .with_for_update()
        ).all()
        for row in rows:
            statement = update(sealed.column.class_).where(key == row[0])
            session.execute(statement.values({sealed.column: _fresh(keyring, sealed, row)}))
        return (rows[-1][0] if rows else None), len(rows)


def _fresh(keyring: Keyring, sealed: SealedColumn, row: Row[*tuple[Any, ...]]) -> bytes:
    aad = sealed.aad(*row[2:])
    return keyring.seal(keyring.open(row[1], aad), aad)
