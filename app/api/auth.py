"""Who calls: the key of the ``Authorization`` header, and what it may do.

A process remembers the keys that it has seen to be right, so that a call need not look its key up before it begins.
Whether the key still lives is asked in the call's own transaction, by the statement that reads the programme.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final

from flask import request
from sqlalchemy import bindparam, select

from app.api.problems import NotAuthenticated
from app.identity.api_keys import ApiAccess, MissingScope, Scope, authenticate_api_key
from app.identity.models import ApiKey
from app.kernel.db import connection_of, table_of
from app.referrals.models import Program
from app.requests import services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.api.limits import RequestLimit
    from app.referrals.rulebook import Rulebooks

_MAX_HEADER: Final = 200
_KEPT: Final = 1024

_KEYS, _PROGRAMS = table_of(ApiKey), table_of(Program)
_STANDING: Final = (
    select(_KEYS.c.revoked_at, _PROGRAMS.c.rules_key)
    .join(_PROGRAMS, _PROGRAMS.c.id == _KEYS.c.program_id)
    .where(_KEYS.c.id == bindparam("key"))
)


class KnownKeys:
    """The keys that this process has seen to be right, by their SHA-256. Safe to share between threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, ApiAccess] = OrderedDict()
        self._lock = Lock()

    def find(self, presented: str) -> ApiAccess | None:
        """What a presented key opened, if it was seen before and not forgotten since."""
        with self._lock:
            return self._kept.get(hashlib.sha256(presented.encode()).digest())

    def keep(self, presented: str, access: ApiAccess) -> None:
        """Remember a key; the oldest goes where there are too many."""
        with self._lock:
            self._kept[hashlib.sha256(presented.encode()).digest()] = access
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


def authenticated(known: KnownKeys, limit: RequestLimit) -> ApiAccess:
    """The key of this request, counted against its limit; :func:`program_of` says whether it still lives.

    Raises :class:`NotAuthenticated` or :class:`app.api.problems.TooManyRequests`. The look-up reads, so that a flood
    of wrong keys never waits for, or holds up, a writer.
    """
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    presented = value.strip()[:_MAX_HEADER]
    if scheme.lower() != "bearer" or not presented:
        raise NotAuthenticated("an API key is required, as Authorization: Bearer KEY")
    access = known.find(presented)
    if access is None:
        with services().db.reading() as session:
            access = authenticate_api_key(session, presented)
        if access is None:
            raise _not_known()
        known.keep(presented, access)
    limit.count(access.key_id)
    return access


def program_of(session: Session, access: ApiAccess, rulebooks: Rulebooks) -> Program:
    """The programme that the key opens, not to be changed. Raises :class:`NotAuthenticated` for a revoked key."""
    row = connection_of(session).execute(_STANDING, {"key": access.key_id}).first()
    if row is None or row.revoked_at is not None:
        raise _not_known()
    book = rulebooks.kept(row.rules_key) or rulebooks.of(session, session.get_one(Program, access.program_id))
    return book.program


def require_live(access: ApiAccess) -> None:
    """Raise :class:`NotAuthenticated` for a key that was revoked: it is told nothing else."""
    with services().db.reading() as session:
        program_of(session, access, services().referrals.rulebooks)


def require_any(access: ApiAccess, scopes: Sequence[Scope]) -> None:
    """Raises :class:`MissingScope`, naming the first, unless the key has one of the scopes."""
    if not any(scope.value in access.scopes for scope in scopes):
        raise MissingScope(scopes[0])


def _not_known() -> NotAuthenticated:
    return NotAuthenticated("this API key is not known or was revoked")
