"""Hand-overs: somebody who is logged in at the merchant's own site opens our pages without a login of ours."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from sqlalchemy import select

from app.api import answers, render, schemas
from app.api.operations import Answer, Call, OperationTable
from app.identity.api_keys import Scope
from app.kernel.errors import Conflict
from app.referrals.errors import CustomerNotFound
from app.referrals.models import Customer
from app.referrals.referrers import find_referrer
from app.shopfront.handover import VALID_FOR, hand_over_customer, hand_over_referrer
from app.shopfront.looks import FRAMES, framed_program
from app.shopfront.words import Opens

table = OperationTable("Hand-over")
PATH: Final = "/hand-over/"


class NoFrameHost(Conflict):
    """The programme lets no site hold its pages in a frame."""

    title = "No site may frame this"

    def __init__(self, program: str) -> None:
        super().__init__(
            f"no site may frame the pages of {program!r}: name one in the settings, or with"
            f" flask programs set --slug {program} --frame-host HOST",
            pointer="/frame",
        )


@table.declare(
    "POST",
    "/referrers/{code}/session",
    summary="Open a referrer's dashboard signed in",
    scopes=(Scope.REFERRERS_WRITE,),
    body=schemas.ReferrerSessionBody,
    answers={201: answers.HandOverAnswer},
    secret=True,
)
def create_referrer_session(call: Call, code: str) -> Answer:
    """Ask for it when the referrer, logged in at your site, opens their dashboard, and send the browser there: it
    works once, within five minutes. You vouch for who it is.

    The session reaches this programme alone, ends after half an hour without use, and never shows or changes bank
    account, tax details, password or personal data: for those the referrer logs in.
    """
    body: schemas.ReferrerSessionBody = call.body
    referrer = find_referrer(call.session, call.program, code)
    prefix = _prefix(call, framed=body.frame)
    token = hand_over_referrer(call.session, referrer, Opens(body.open), call.now)
    return _answer(call, prefix, token)


@table.declare(
    "POST",
    "/customers/{customer_id}/session",
    summary="Know a customer in the directory and on the page about their partner",
    scopes=(Scope.SIGNUPS_WRITE,),
    body=schemas.CustomerSessionBody,
    answers={201: answers.HandOverAnswer},
    secret=True,
)
def create_customer_session(call: Call, customer_id: str) -> Answer:
    """Ask for it when the customer, logged in at your site, goes to the directory, and send the browser there: it
    works once, within five minutes.

    For half an hour they can then choose a partner, end it, and rate the one they had.
    """
    body: schemas.CustomerSessionBody = call.body
    customer = _customer(call, customer_id)
    if body.referrer_code is not None:
        find_referrer(call.session, call.program, body.referrer_code)
    prefix = _prefix(call, framed=body.frame)
    token = hand_over_customer(
        call.session, customer, Opens(body.open), call.now, profile_of=body.referrer_code
    )
    return _answer(call, prefix, token)


def _customer(call: Call, customer_id: str) -> Customer:
    found = call.session.scalar(
        select(Customer).where(Customer.program_id == call.program.id, Customer.customer_id == customer_id)
    )
    if found is None or found.erased_at is not None:
        raise CustomerNotFound(customer_id)
    return found


def _prefix(call: Call, *, framed: bool) -> str:
    """What stands before the path: in a frame that of the programme's own frames. Raises :class:`NoFrameHost`."""
    if not framed:
        return ""
    found = framed_program(call.session, call.program.slug, production=call.services.settings.production)
    if found is None or not found[1]:
        raise NoFrameHost(call.program.slug)
    return FRAMES + call.program.slug


def _answer(call: Call, prefix: str, token: str) -> Answer:
    document = {
        "url": f"{call.services.settings.public_url}{prefix}{PATH}{token}",
        "expires_at": render.rfc3339(call.now + VALID_FOR),
    }
    return Answer(HTTPStatus.CREATED, document)
