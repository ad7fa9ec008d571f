"""API keys: one programme's shop or billing system proves who it is, and may do what its scopes say.

A key reads ``rfl_PREFIX_SECRET``. The part up to the prefix is public and finds the row; only the SHA-256 of
the secret is stored. It is shown once, when it is made.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select

from app.identity.audit import Actor, record_event
from app.identity.models import ApiKey
from app.identity.queries import api_key_by_prefix
from app.kernel import ids
from app.kernel.errors import Forbidden, InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

KEY_MARK: Final = "rfl_"
"""How every key begins, so that secret scanners and people recognise one."""

_PREFIX_CHARS: Final = 10
_SECRET_CHARS: Final = 40
_KEY: Final = re.compile(r"(rfl_[0-9a-z]{10})_([0-9a-z]{40})", re.ASCII)
_NO_KEY: Final = hashlib.sha256(b"refledger: no such key").hexdigest()
MAX_NAME: Final = 80
_PRESENTED: Final = select(
    ApiKey.id, ApiKey.program_id, ApiKey.prefix, ApiKey.secret_hash, ApiKey.scopes, ApiKey.revoked_at
).where(ApiKey.prefix == bindparam("prefix"))


class Scope(StrEnum):
    """What a key may be used for."""

    REFERRERS_WRITE = "referrers:write"
    """Join referrers, make links, and open their pages signed in."""
    REPORTS_READ = "reports:read"
    """Read referrers, balances, clicks, commissions, payouts and explanations."""
    PAYOUTS_WRITE = "payouts:write"
    """Put a referrer's bank account on file."""
    SIGNUPS_WRITE = "signups:write"
    """Report signups, chosen partners and erasures."""
    ORDERS_WRITE = "orders:write"
    """Report orders, payments, corrections, cancellations and refunds."""


class MissingScope(Forbidden):
    """The key is good, but not for this."""

    title = "Missing scope"

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"this key does not have the scope {scope.value}")
        self.scope = scope


class UnknownApiKey(NotFound):
    """No key begins like this."""

    title = "Unknown API key"

    def __init__(self, prefix: str) -> None:
        super().__init__(f"there is no API key {prefix[:40]!r}", pointer="/key")


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """A verified key, as plain values."""

    key_id: int
    program_id: int
    prefix: str
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        """Who the audit trail says did it."""
        return Actor.api_key(self.prefix)

    def require(self, scope: Scope) -> None:
        """Raise :class:`MissingScope` unless the key has it."""
        if scope.value not in self.scopes:
            raise MissingScope(scope)


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key. ``key`` is the only time that the whole of it is known."""

    key: str
    row: ApiKey


def create_api_key(
    session: Session, *, program_id: int, name: str, scopes: Iterable[str], actor: Actor, now: datetime
) -> CreatedKey:
    """Make a key for one programme. Raises :class:`InvalidInput` for a bad name, no scope or an
    unknown one.
    """
    label = " ".join(name.split())
    if not 0 < len(label) <= MAX_NAME or not label.isprintable():
        raise InvalidInput(f"a key needs a name of at most {MAX_NAME} printable characters", pointer="/name")
    granted = _scopes(scopes)
    prefix = ids.random_id(KEY_MARK, _PREFIX_CHARS)
    secret = ids.random_id("", _SECRET_CHARS)
    row = ApiKey(
        program_id=program_id,
        name=label,
        prefix=prefix,
        secret_hash=_hash(secret),
        scopes=[scope.value for scope in granted],
        created_at=now,
    )
    session.add(row)
    session.flush()
    record_event(
        session,
        actor,
        "api_key.created",
        f"key:{prefix}",
        {"scopes": row.scopes},
        now=now,
        program_id=program_id,
    )
    return CreatedKey(f"{prefix}_{secret}", row)


def authenticate_api_key(session: Session, presented: str) -> ApiAccess | None:
    """What a presented key opens, or ``None`` for anything that is not a live key. One indexed query.

    The secret is compared in constant time, also when there is no such prefix.
    """
    match = _KEY.fullmatch(presented)
    if match is None:
        return None
    # Plain columns by a statement made once: every call of the API begins with this look-up.
    row = session.execute(_PRESENTED, {"prefix": match[1]}).first()
    matches = hmac.compare_digest(_NO_KEY if row is None else row.secret_hash, _hash(match[2]))
    if row is None or not matches or row.revoked_at is not None:
        return None
    return ApiAccess(row.id, row.program_id, row.prefix, frozenset(row.scopes))


def revoke_api_key(session: Session, prefix: str, *, actor: Actor, now: datetime) -> ApiKey:
    """End a key by its public first part (or the whole key). Revoking again is nothing. Raises
    UnknownApiKey.
    """
    row = api_key_by_prefix(session, prefix[: len(KEY_MARK) + _PREFIX_CHARS])
    if row is None:
        raise UnknownApiKey(prefix)
    if row.revoked_at is None:
        row.revoked_at = now
        record_event(
            session, actor, "api_key.revoked", f"key:{row.prefix}", now=now, program_id=row.program_id
        )
    return row


def _scopes(raw: Iterable[str]) -> list[Scope]:
    known = {scope.value: scope for scope in Scope}
    wanted = set(raw)
    for name in sorted(wanted):
        if name not in known:
            raise InvalidInput(f"{name!r} is not a scope; there are {', '.join(known)}", pointer="/scopes")
    if not wanted:
        raise InvalidInput(f"a key needs at least one scope of {', '.join(known)}", pointer="/scopes")
    return [scope for scope in Scope if scope.value in wanted]


def _hash(secret: str) -> str:
    # The secret has 200 random bits: a plain hash cannot be turned round, and costs a request nothing.
    return hashlib.sha256(secret.encode()).hexdigest()
