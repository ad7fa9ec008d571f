"""Taking in facts: each once under its natural key, the same again is no news, another under that key is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from app.kernel.db import connection_of, table_of
from app.referrals.errors import InTheFuture, OtherBody
from app.referrals.facts import KIND_OF, AnyFact, body_of, hash_of
from app.referrals.models import Fact, FactState
from app.referrals.rulebook import Rulebooks

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session
    from sqlalchemy.sql.dml import ReturningInsert

    from app.kernel.crypto import Keyring
    from app.referrals.links import LinkSigner
    from app.referrals.models import Program

AHEAD: Final = timedelta(minutes=5)
"""How far a fact's own time may lie ahead of ours: clocks differ."""


@dataclass(frozen=True, slots=True)
class PartnerNews:
    """A customer chose (``chosen``) or left a referrer at ``at``; ``event`` names it, once for ever."""

    referrer_id: int
    chosen: bool
    event: str
    at: datetime
    now: datetime


@dataclass(frozen=True)
class ReferralDeps:
    """What the use cases of this slice need besides a session; wired in ``factory.py``.

    ``referrer_iban_keys(session, referrer_id)`` gives the fingerprints of a referrer's bank accounts, which a higher
    slice keeps. ``tell_partner`` mails a referrer that a customer chose or left them.
    """

    links: LinkSigner
    keyring: Keyring
    referrer_iban_keys: Callable[[Session, int], frozenset[str]]
    tell_partner: Callable[[Session, PartnerNews], None]
    rulebooks: Rulebooks = field(default_factory=Rulebooks)


@dataclass(frozen=True, slots=True)
class Taken:
    """``fresh`` is the id of the new row; where it is null the fact was there before, in ``state``."""

    fresh: int | None
    state: FactState = FactState.RECORDED
    reason: str | None = None


def take(
    deps: ReferralDeps,
    session: Session,
    program: Program,
    fact: AnyFact,
    *,
    key: str,
    order_id: str | None,
    now: datetime,
) -> Taken:
    """Store ``fact`` under (programme, kind, ``key``). Raises :class:`OtherBody` where the key says something else.

    On PostgreSQL a second writer of the same key waits here for the first one's commit.
    """
    body = body_of(fact, deps.keyring)
    body_hash = hash_of(body)
    kind = KIND_OF[type(fact)]
    row: dict[str, Any] = {
        "program_id": program.id,
        "kind": kind,
        "key": key,
        "order_id": order_id,
        "body_hash": body_hash,
        "body": body,
        "state": FactState.RECORDED,
        "received_at": now,
    }
    connection = connection_of(session)
    fresh = connection.execute(_insert_new(connection.dialect.name), row).scalar()
    if fresh is not None:
        return Taken(int(fresh))
    there = session.execute(
        select(Fact.body_hash, Fact.state, Fact.reason).where(
            Fact.program_id == program.id, Fact.kind == kind, Fact.key == key
        )
    ).one()
    if there.body_hash != body_hash:
        raise OtherBody(kind, key)
    return Taken(None, there.state, there.reason)


@cache
def _insert_new(dialect: str) -> ReturningInsert[int]:
    """The insert that answers the id of a fact whose key is new, and nothing for one that is there."""
    table = table_of(Fact)
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return statement.on_conflict_do_nothing(index_elements=["program_id", "kind", "key"]).returning(
        table.c.id
    )


def park(session: Session, fact_id: int, reason: str) -> None:
    """Mark a stored fact as waiting; ``reason`` names what for."""
    fact = session.get_one(Fact, fact_id)
    fact.state, fact.reason = FactState.PARKED, reason


def not_in_future(at: datetime | None, now: datetime, pointer: str) -> None:
    """Raise :class:`InTheFuture` for a time more than five minutes ahead."""
    if at is not None and at > now + AHEAD:
        raise InTheFuture(pointer)
