"""What a shop asks on behalf of a customer: the page about their partner, and everything that is known of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from sqlalchemy import select

from app.api import answers, render
from app.api.operations import Answer, Call, OperationTable
from app.identity.api_keys import Scope
from app.privacy.customer_export import customer_export
from app.privacy.partner_links import PATH, VALID_FOR, Whose
from app.referrals.errors import CustomerNotFound
from app.referrals.models import Customer

table = OperationTable("Customers")
_WRITE: Final = (Scope.SIGNUPS_WRITE,)


@table.declare(
    "POST",
    "/customers/{customer_id}/partner-link",
    summary="A link to the customer's page about their partner",
    scopes=_WRITE,
    answers={201: answers.PartnerLinkAnswer},
)
def create_partner_link(call: Call, customer_id: str) -> Answer:
    """Ask for it when the customer, logged in at your shop, opens it, and send them there: it works for an hour
    and needs no login. The page says who is rewarded for them and what that person sees, and can end it.
    """
    customer = _customer(call, customer_id)
    token = call.services.partner_links.sign(Whose(call.program.id, customer.id), call.now)
    document = {
        "customer_id": customer_id,
        "url": call.services.settings.public_url + PATH + token,
        "expires_at": render.rfc3339(call.now + VALID_FOR),
    }
    return Answer(HTTPStatus.CREATED, document)


@table.declare(
    "GET",
    "/customers/{customer_id}/personal-data",
    summary="Everything that is known of a customer",
    scopes=_WRITE,
    answers={200: answers.CustomerDataAnswer},
)
def read_personal_data(call: Call, customer_id: str) -> Answer:
    """For a customer who asks what is kept of them (art. 15 GDPR). E-mail addresses and bank accounts are kept as
    keyed fingerprints only, so that is what stands here.
    """
    found = _customer(call, customer_id)
    return Answer(HTTPStatus.OK, customer_export(call.session, call.program, found))


def _customer(call: Call, customer_id: str) -> Customer:
    found = call.session.scalar(
        select(Customer).where(Customer.program_id == call.program.id, Customer.customer_id == customer_id)
    )
    if found is None:
        raise CustomerNotFound(customer_id)
    return found
