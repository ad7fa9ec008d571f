"""The customer of the merchant who was handed over to this browser: known for half an hour, with no login of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import abort, g, make_response, render_template, request

from app.dashboard.framing import cookie_manners, cookie_name
from app.kernel import clock
from app.requests import session
from app.shopfront.handover import CUSTOMER_STAYS, customer_of_session

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from app.referrals.models import Customer, Program

COOKIE: Final = "customer"


def current_customer(program: Program) -> Customer | None:
    """The customer of this programme who is known in this browser; ``None`` for a customer of another one."""
    if "customer" not in g:
        token = request.cookies.get(cookie_name(COOKIE))
        g.customer = customer_of_session(session(), token, clock.now()) if token else None
    found: Customer | None = g.customer
    return found if found is not None and found.program_id == program.id else None


def required_customer(program: Program) -> Customer:
    """The same; a request without one is answered with the way back through the merchant's site."""
    found = current_customer(program)
    if found is None:
        page = render_template("customer/unknown.html", program=program)
        abort(make_response(page, 403))
    return found


def know_customer(response: Response, token: str) -> None:
    """Give this browser the customer's session."""
    seconds = int(CUSTOMER_STAYS.total_seconds())
    response.set_cookie(cookie_name(COOKIE), token, max_age=seconds, **cookie_manners())
