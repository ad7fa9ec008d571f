"""The door for people whom the merchant's own site vouches for: one address, one use, then a session that reaches no
further than its programme.

A GET uses nothing up, because link previews, virus scanners and prefetching browsers follow addresses, too. The page
that it shows sends itself on where there is script, and has a button where there is none.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from flask_wtf.csrf import validate_csrf
from wtforms.validators import ValidationError

from app.dashboard.customers import current_customer, know_customer
from app.dashboard.framing import frame
from app.dashboard.look import wear
from app.identity.login import log_in, who
from app.identity.models import User
from app.identity.roles import Role
from app.kernel import clock
from app.referrals.models import Program, Referrer
from app.referrals.networks import note_login
from app.requests import session
from app.shopfront.handover import HandOverRefused, burn, find_hand_over, is_open, start_customer_session
from app.shopfront.words import Opens

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.shopfront.models import HandOver

handover = Blueprint("handover", __name__)


@handover.get("/hand-over/<token>")
def show(token: str) -> ResponseReturnValue:
    """Ask for the press (or the script) that uses it up."""
    found = find_hand_over(session(), token)
    if found is None:
        return _over(None)
    program = _program(found)
    if not is_open(found, clock.now()):
        return _over(program)
    return _private(render_template("handover/open.html", program=program, by_itself=_by_itself(found)))


@handover.post("/hand-over/<token>")
def use(token: str) -> ResponseReturnValue:
    """Use it up, and open what it opens."""
    # The page sends no referrer, so that the token stays out of other people's logs: its own token is checked here.
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        # The same address outside of the frame; it has not been used up.
        own_href = url_for("handover.show", token=token).removeprefix(request.script_root)
        page = render_template("handover/no_cookies.html", own_href=own_href)
        return _private(page, HTTPStatus.BAD_REQUEST)
    try:
        found = burn(session(), token, clock.now())
        program = _program(found)
        answer = redirect(_target(found, program), HTTPStatus.SEE_OTHER)
        if found.referrer_id is not None:
            _enter(found)
        else:
            know_customer(answer, start_customer_session(session(), found, clock.now()))
    except HandOverRefused:
        known = find_hand_over(session(), token)
        return _over(_program(known) if known else None)
    return _private(answer)


def _program(found: HandOver) -> Program:
    """Whose site it comes from; 404 in the frame of another programme."""
    place = frame()
    if place is not None and found.program_id != place.program.id:
        abort(404)
    program = session().get_one(Program, found.program_id)
    wear(program)
    return program


def _enter(found: HandOver) -> None:
    """Sign the referrer in, as far as their merchant can vouch. Raises ``HandOverRefused``."""
    referrer = session().get_one(Referrer, found.referrer_id)
    user = session().get(User, referrer.user_id) if referrer.user_id else None
    if user is None or user.disabled_at is not None or user.role is not Role.REFERRER:
        raise HandOverRefused
    me, now = who(), clock.now()
    if me is not None and me.user_id == user.id and me.program_id is None:
        return  # logged in with their password: that reaches further, and stays
    log_in(session(), user, now, program_id=found.program_id)
    note_login(session(), user.id, request.remote_addr or "", now)


def _by_itself(found: HandOver) -> bool:
    """Whether the page may go on without a press: not for a look ahead, and not where somebody else is signed in."""
    if "prefetch" in request.headers.get("Sec-Purpose", ""):
        return False
    if found.referrer_id is None:
        known = current_customer(session().get_one(Program, found.program_id))
        return known is None or known.id == found.customer_id
    me = who()
    if me is None:
        return True
    return session().get_one(Referrer, found.referrer_id).user_id == me.user_id


def _target(found: HandOver, program: Program) -> str:
    slug = program.slug
    match found.opens:
        case Opens.DASHBOARD:
            return url_for("home.index", program=slug)
        case Opens.LINKS:
            return url_for("home.links", program=slug)
        case Opens.PAYOUTS:
            return url_for("home.payouts", program=slug)
        case Opens.PARTNER:
            return url_for("customer.own", slug=slug)
        case Opens.DIRECTORY:
            return url_for("directory.index", slug=slug)
        case Opens.PROFILE:
            return url_for("directory.profile", slug=slug, code=found.profile_of)


def _over(program: Program | None) -> ResponseReturnValue:
    return _private(render_template("handover/over.html", program=program), HTTPStatus.GONE)


def _private(answer: object, status: int | None = None) -> ResponseReturnValue:
    """The token in the address goes to nobody, and the page is kept nowhere."""
    response = make_response(answer)
    if status is not None:
        response.status_code = status
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
