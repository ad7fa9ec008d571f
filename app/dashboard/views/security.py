"""A person's own login: what it takes, and where it is in use. Referrers and staff have the same page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, url_for

from app.dashboard.i18n import _, ngettext
from app.dashboard.passkeys import party
from app.dashboard.presenters import security as presenter
from app.dashboard.views.accounts import accounts
from app.dashboard.views.home import home
from app.dashboard.views.staff.base import me, staff
from app.identity.audit import Actor, record_event
from app.identity.passkeys import passkeys_of
from app.identity.queries import open_sessions, user_by_public_id
from app.identity.roles import STAFF
from app.identity.second_factor import authenticator_of, codes_left
from app.identity.sessions import revoke, revoke_all
from app.kernel import clock
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.identity.models import User


def security_href() -> str:
    """The page on one's own login: staff and referrers have it in their own part of the house."""
    return url_for("staff.security" if me().role in STAFF else "home.security")


def myself() -> User:
    """The row of the person of this request."""
    user = user_by_public_id(session(), me().public_id)
    if user is None:
        abort(404)
    return user


@home.get("/security", endpoint="security")
@staff.get("/security", endpoint="security")
def security() -> ResponseReturnValue:
    """What logging in takes, and where somebody is logged in."""
    person, now = me(), clock.now()
    page = presenter.security_page(
        person,
        open_sessions(session(), person.user_id, now),
        authenticator_of(session(), person.user_id),
        passkeys_of(session(), person.user_id),
        offers_passkeys=party().usable,
        codes=codes_left(session(), person.user_id) if person.second_factor else 0,
        must_enrol=services().settings.require_staff_second_factor
        and person.role in STAFF
        and not person.second_factor,
    )
    return render_template("account/security.html", page=page)


@accounts.post("/account/sessions/<int:session_id>/end")
def end_session(session_id: int) -> ResponseReturnValue:
    """Log one browser out."""
    person, now = me(), clock.now()
    if not revoke(session(), session_id, user_id=person.user_id, now=now):
        abort(404)
    _note(1)
    flash(_("That browser is logged out."), "done")
    return redirect(security_href())


@accounts.post("/account/sessions/end-others")
def end_other_sessions() -> ResponseReturnValue:
    """Log out everywhere but here."""
    person, now = me(), clock.now()
    ended = revoke_all(session(), person.user_id, now=now, but=person.session_id)
    if ended:
        _note(ended)
    flash(
        ngettext("%(num)s other browser is logged out.", "%(num)s other browsers are logged out.", ended),
        "done",
    )
    return redirect(security_href())


def _note(ended: int) -> None:
    person = me()
    record_event(
        session(),
        Actor.person(person.public_id),
        "user.sessions_ended",
        f"user:{person.public_id}",
        {"sessions": ended},
        now=clock.now(),
    )
