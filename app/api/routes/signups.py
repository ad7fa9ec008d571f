"""Signups, chosen partners and erasure."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from app.api import answers, intake, schemas, views
from app.api.explanation import signup_explanation
from app.api.operations import Answer, Call, OperationTable
from app.identity.api_keys import Scope
from app.privacy.customer_erasure import erase_customer
from app.referrals.choices import record_partner_choice
from app.referrals.facts import PartnerChoiceFact
from app.referrals.outcome import OutcomeStatus

table = OperationTable("Customers")
_WRITE: Final = (Scope.SIGNUPS_WRITE,)
_READ: Final = (Scope.REPORTS_READ, Scope.SIGNUPS_WRITE)


@table.declare(
    "POST",
    "/signups",
    summary="Report that a customer signed up",
    scopes=_WRITE,
    body=schemas.SignupBody,
    answers={201: answers.SignupAnswer, 200: answers.SignupAnswer},
)
def create_signup(call: Call) -> Answer:
    """Send whatever candidates there are; the decision says who won and why the others did not.

    A signup that is still unattributed may be posted again with a further candidate; it is decided anew.
    """
    return intake.signup(call, call.body)


@table.declare(
    "GET",
    "/signups/{customer_id}",
    summary="Whom a customer was attributed to",
    scopes=_READ,
    answers={200: answers.SignupAnswer},
)
def read_signup(call: Call, customer_id: str) -> Answer:
    """The decision that holds now."""
    return Answer(HTTPStatus.OK, views.signup(call.session, call.program, customer_id))


@table.declare(
    "GET",
    "/signups/{customer_id}/explanation",
    summary="Why a customer belongs to whom it does",
    scopes=(Scope.REPORTS_READ,),
    answers={200: answers.SignupExplanationAnswer},
)
def read_signup_explanation(call: Call, customer_id: str) -> Answer:
    """Every decision with every candidate, its time, its click label and why it lost; and what they came to."""
    return Answer(HTTPStatus.OK, signup_explanation(call.session, call.program, customer_id))


@table.declare(
    "PUT",
    "/customers/{customer_id}/partner",
    summary="A customer chooses a partner",
    scopes=_WRITE,
    body=schemas.PartnerBody,
    answers={200: answers.PartnerAnswer, 201: answers.PartnerAnswer},
)
def put_partner(call: Call, customer_id: str) -> Answer:
    """From then on that partner earns and the earlier one does not; both are told."""
    outcome = record_partner_choice(
        call.deps, call.session, call.program, call.body.fact(customer_id), call.now
    )
    status = HTTPStatus.CREATED if outcome.status is OutcomeStatus.CREATED else HTTPStatus.OK
    return Answer(status, views.partner(call.session, call.program, customer_id, call.now))


@table.declare(
    "GET",
    "/customers/{customer_id}/partner",
    summary="The partner that a customer has now",
    scopes=_READ,
    answers={200: answers.PartnerAnswer},
)
def read_partner(call: Call, customer_id: str) -> Answer:
    """`referrer` is null where the customer has none."""
    return Answer(HTTPStatus.OK, views.partner(call.session, call.program, customer_id, call.now))


@table.declare(
    "DELETE",
    "/customers/{customer_id}/partner",
    summary="A customer ends its partner",
    scopes=_WRITE,
    query=schemas.PartnerEndQuery,
    answers={200: answers.PartnerAnswer},
)
def delete_partner(call: Call, customer_id: str) -> Answer:
    """Later orders earn nothing; earlier ones stay as they are. A late call says when it was: `ended_at`."""
    fact = PartnerChoiceFact(customer_id=customer_id, referrer_code=None, chosen_at=call.query.ended_at)
    record_partner_choice(call.deps, call.session, call.program, fact, call.now)
    return Answer(HTTPStatus.OK, views.partner(call.session, call.program, customer_id, call.now))


@table.declare(
    "DELETE",
    "/customers/{customer_id}/personal-data",
    summary="Erase a customer's personal data",
    scopes=_WRITE,
    answers={200: answers.ErasureAnswer},
)
def delete_personal_data(call: Call, customer_id: str) -> Answer:
    """The fingerprints of e-mail and bank account go, and what they wrote of partners; ids, amounts and decisions
    stay.
    """
    erase_customer(call.session, call.program, customer_id, call.now, actor=call.access.actor)
    return Answer(HTTPStatus.OK, views.erasure(call.session, call.program, customer_id))
