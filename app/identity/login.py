"""Flask-Login over server-side sessions.

Flask-Login keeps one string in the signed cookie and asks for the person behind it at every request. Here
that string is the session's token, not the person's id: once the session is revoked the token finds nobody,
and the browser is logged out at once. Its own "session protection" (a hash of address and agent) is off: it
logs out phones that change networks and adds nothing to a token that can be revoked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import request
from flask import session as browser
from flask_login import LoginManager, current_user, login_user, logout_user

from app.identity import sessions
from app.kernel import clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flask import Flask
    from sqlalchemy.orm import Session

    from app.identity.models import User
    from app.identity.sessions import SignedIn
    from app.kernel.db import Database

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Visitor:
    """What Flask-Login holds as the current user: a live session, and its token as the id."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, token: str, signed_in: SignedIn) -> None:
        self._token = token
        self.signed_in = signed_in

    def get_id(self) -> str:
        """The session's token."""
        return self._token


def init_login(app: Flask, database: Database, current_session: Callable[[], Session]) -> LoginManager:
    """Attach Flask-Login to the app. ``current_session`` gives the database session of this request."""
    manager = LoginManager()
    manager.session_protection = None
    manager.init_app(app)

    def load(token: str) -> Visitor | None:
        now = clock.now()
        signed_in = sessions.find_session(current_session(), token, now)
        if signed_in is None:
            return None
        if signed_in.needs_touch(now):
            _touch(database, current_session, signed_in, now)
        return Visitor(token, signed_in)

    manager.user_loader(load)
    return manager


def _touch(
    database: Database, current_session: Callable[[], Session], signed_in: SignedIn, now: datetime
) -> None:
    if request.method in _SAFE:
        # The request only reads, so the end is moved in a transaction of its own.
        with database.transaction() as own:
            sessions.touch(own, signed_in, now)
    else:
        # The request writes already: a second writer would wait for it, and it for the second, on SQLite for
        # ever.
        sessions.touch(current_session(), signed_in, now)


def who() -> SignedIn | None:
    """The signed-in person of this request, or ``None``."""
    visitor = cast("Any", current_user)
    return cast("SignedIn", visitor.signed_in) if visitor.is_authenticated else None


def log_in(session: Session, user: User, now: datetime, *, program_id: int | None = None) -> SignedIn:
    """Start a session for this browser. What the browser held before is dropped, so that nobody
    can plant it. ``program_id``: see :func:`app.identity.sessions.start_session`.
    """
    token = sessions.start_session(
        session, user, agent=request.user_agent.string, program_id=program_id, now=now
    )
    session.flush()
    signed_in = sessions.find_session(session, token, now)
    if signed_in is None:
        raise RuntimeError("a session that was just started is not there")
    browser.clear()
    login_user(Visitor(token, signed_in))
    return signed_in


def log_out(session: Session, now: datetime) -> None:
    """End this browser's session, if it has one."""
    signed_in = who()
    if signed_in is not None:
        sessions.revoke(session, signed_in.session_id, user_id=signed_in.user_id, now=now)
    browser.clear()
    logout_user()
