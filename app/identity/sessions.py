"""Server-side sessions: a random token in the browser, its SHA-256 here, so that a copy of the table opens
nothing.

A session slides: each use moves its end, up to a last day that no use moves. Revoking one logs the browser
out at its next request. Staff sessions are shorter than those of referrers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import CursorResult, case, delete, literal, update

from app.identity.models import UserSession
from app.identity.queries import session_by_token_hash
from app.identity.roles import STAFF, Role, allowed
from app.kernel import ids
from app.kernel.db import UtcDateTime

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Executable
    from sqlalchemy.orm import Session

    from app.identity.models import User
    from app.identity.roles import Action

TOUCH_EVERY: Final = timedelta(minutes=5)
"""A session's end is moved at most this often: reading pages must not write on every request."""

FRESH_FOR: Final = timedelta(minutes=10)
"""How long a given password counts for approving money without asking again."""

KEEP_ENDED: Final = timedelta(days=30)
"""How long ended sessions are kept, for the question "was that me?"."""

_AGENT: Final = 200


@dataclass(frozen=True, slots=True)
class Lifetime:
    """``idle`` without use ends a session, and ``total`` ends it in any case."""

    idle: timedelta
    total: timedelta


_REFERRER: Final = Lifetime(idle=timedelta(days=14), total=timedelta(days=90))
_STAFF: Final = Lifetime(idle=timedelta(hours=12), total=timedelta(days=7))
_HANDED: Final = Lifetime(idle=timedelta(minutes=30), total=timedelta(hours=8))


def lifetime(role: Role, *, handed: bool = False) -> Lifetime:
    """How long sessions of this role last; those that a merchant's site opened (``handed``) are short."""
    if handed:
        return _HANDED
    return _STAFF if role in STAFF else _REFERRER


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session and its person, as plain values that outlive the database session they were read in."""

    session_id: int
    user_id: int
    public_id: str
    email: str
    name: str
    role: Role
    locale: str
    email_verified: bool
    second_factor: bool
    authenticated_at: datetime
    seen_at: datetime
    program_id: int | None = None
    """The only programme that this session reaches; see ``UserSession``."""

    def may(self, action: Action) -> bool:
        """Whether their role allows it."""
        return allowed(self.role, action)

    def fresh(self, now: datetime) -> bool:
        """Whether they proved who they are within the last ten minutes (re-authentication)."""
        return self.program_id is None and now - self.authenticated_at < FRESH_FOR

    def needs_touch(self, now: datetime) -> bool:
        """Whether it is time to move the session's end."""
        return now - self.seen_at >= TOUCH_EVERY


def start_session(
    session: Session, user: User, *, agent: str = "", program_id: int | None = None, now: datetime
) -> str:
    """Log a person in; the token to give to their browser, which is stored nowhere.

    ``program_id``: no password was given, this programme's site vouched for the person.
    """
    token = ids.token_text()
    lasts = lifetime(user.role, handed=program_id is not None)
    session.add(
        UserSession(
            user_id=user.id,
            token_hash=_hash(token),
            agent=agent[:_AGENT],
            created_at=now,
            seen_at=now,
            expires_at=now + lasts.idle,
            final_at=now + lasts.total,
            authenticated_at=now,
            program_id=program_id,
        )
    )
    return token


def find_session(session: Session, token: str, now: datetime) -> SignedIn | None:
    """Who holds this token, if the session is neither revoked nor over and the person is not disabled. One
    query.
    """
    row = session_by_token_hash(session, _hash(token))
    if row is None or row.revoked_at is not None or now >= row.expires_at:
        return None
    user = row.user
    if user.disabled_at is not None:
        return None
    return SignedIn(
        session_id=row.id,
        user_id=user.id,
        public_id=user.public_id,
        email=user.email,
        name=user.name,
        role=user.role,
        locale=user.locale,
        email_verified=user.email_verified_at is not None,
        second_factor=user.second_factor_at is not None,
        authenticated_at=row.authenticated_at,
        seen_at=row.seen_at,
        program_id=row.program_id,
    )


def touch(session: Session, signed_in: SignedIn, now: datetime) -> None:
    """Slide the end of a session that is in use."""
    until = now + lifetime(signed_in.role, handed=signed_in.program_id is not None).idle
    capped = case((UserSession.final_at < until, UserSession.final_at), else_=literal(until, UtcDateTime))
    # Only forwards and only while it lives: a request that was slow must not revive what was revoked
    # meanwhile.
    session.execute(
        update(UserSession)
        .where(
            UserSession.id == signed_in.session_id,
            UserSession.revoked_at.is_(None),
            UserSession.seen_at < now,
            UserSession.expires_at > now,
        )
        .values(seen_at=now, expires_at=capped)
    )


def stamp_authentication(session: Session, session_id: int, *, now: datetime) -> None:
    """Write down that the person has just proved again who they are in this session."""
    session.execute(update(UserSession).where(UserSession.id == session_id).values(authenticated_at=now))


def revoke(session: Session, session_id: int, *, user_id: int, now: datetime) -> bool:
    """End one session of this person; whether there was one to end."""
    return _end(session, now, UserSession.id == session_id, UserSession.user_id == user_id) > 0


def revoke_all(session: Session, user_id: int, *, now: datetime, but: int | None = None) -> int:
    """End every session of a person, except the one with the id ``but``; how many ended."""
    others = () if but is None else (UserSession.id != but,)
    return _end(session, now, UserSession.user_id == user_id, UserSession.expires_at > now, *others)


def forget_ended(session: Session, now: datetime) -> int:
    """Delete what has been over for 30 days; how many. For the daily clean-up job."""
    return _count(session, delete(UserSession).where(UserSession.expires_at < now - KEEP_ENDED))


def _end(session: Session, now: datetime, *which: ColumnElement[bool]) -> int:
    open_ones = update(UserSession).where(UserSession.revoked_at.is_(None), *which)
    return _count(session, open_ones.values(revoked_at=now))


def _count(session: Session, statement: Executable) -> int:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def _hash(token: str) -> str:
    # The token has 256 random bits, so a plain hash cannot be turned round and needs no salt.
    return hashlib.sha256(token.encode()).hexdigest()
