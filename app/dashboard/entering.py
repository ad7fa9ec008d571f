"""Letting a person in: with the password alone, or with the second step that they have set up.

Between the two steps the browser holds, signed, who gave the right password and when. It opens nothing but the second
step, for ten minutes, and is void once the password changes.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flask import redirect, request, url_for
from flask import session as browser

from app.identity.login import log_in
from app.identity.queries import user_by_public_id
from app.identity.roles import STAFF
from app.kernel import clock
from app.referrals.networks import note_login
from app.requests import session

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from app.identity.models import User

HALF_IN: Final = "half_in"
PATIENCE: Final = timedelta(minutes=10)
"""How long the second step may take."""


def start_of(user: User) -> str:
    """The first page of a person."""
    return url_for("staff.index" if user.role in STAFF else "home.index")


def enter(user: User, target: str | None = None) -> Response:
    """After the right password, or a mailed link that set it: on to the second step, or in."""
    if user.second_factor_at is None:
        return let_in(user, target)
    browser.clear()
    browser[HALF_IN] = [user.public_id, int(clock.now().timestamp()), _mark(user)]
    return redirect(url_for("accounts.second_step", next=target))


def let_in(user: User, target: str | None = None) -> Response:
    """Start the session. Everything that was asked for has been given."""
    now = clock.now()
    log_in(session(), user, now)
    note_login(session(), user.id, request.remote_addr or "", now)
    return redirect(target or start_of(user))


def half_in() -> User | None:
    """Who gave the right password in this browser and still owes the second step."""
    match browser.get(HALF_IN):
        case [str(public_id), int(at), str(mark)]:
            age = timedelta(seconds=clock.now().timestamp() - at)
        case _:
            return None
    user = user_by_public_id(session(), public_id)
    if user is None or user.disabled_at is not None or user.second_factor_at is None:
        return None
    return user if age < PATIENCE and mark == _mark(user) else None


def _mark(user: User) -> str:
    return hashlib.sha256((user.password_hash or "").encode()).hexdigest()[:32]
