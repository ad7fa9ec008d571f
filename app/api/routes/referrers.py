"""Referrers: joining, links, balance, bank account."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from app.api import answers, render, schemas, views
from app.api.operations import Answer, Call, OperationTable
from app.api.paging import BalanceQuery, instant_of
from app.identity.api_keys import Scope
from app.identity.roles import Role
from app.identity.users import MAX_NAME, NewUser, invite_user
from app.kernel import clock
from app.kernel.errors import NotFound
from app.ledger.balances import balance
from app.payouts.destinations import put_destination
from app.payouts.queries import current_destination
from app.payouts.words import DestinationSource
from app.referrals.leads import lead_of, record_lead
from app.referrals.outcome import OutcomeStatus
from app.referrals.queries.opening import beside_earned
from app.referrals.referrers import Joining, find_referrer, join, make_link


class NoBankAccount(NotFound):
    """The referrer has given none."""

    def __init__(self, code: str) -> None:
        super().__init__(f"referrer {code!r} has no bank account on file")


table = OperationTable("Referrers")
DEFAULT_LOCALE: Final = "en"
_WRITE: Final = (Scope.REFERRERS_WRITE,)
_READ: Final = (Scope.REPORTS_READ, Scope.REFERRERS_WRITE)


@table.declare(
    "POST",
    "/referrers",
    summary="Join a referrer",
    scopes=_WRITE,
    body=schemas.ReferrerBody,
    answers={201: answers.ReferrerAnswer, 200: answers.ReferrerAnswer},
)
def create_referrer(call: Call) -> Answer:
    """Without a `code` one is made. A mailbox joins a programme once: again with the same name is no news
    (200).

    A new person is mailed a link to set a password for the dashboard.
    """
    body: schemas.ReferrerBody = call.body
    locale, actor = body.locale or DEFAULT_LOCALE, call.access.actor
    person = NewUser(body.email, Role.REFERRER, name=body.name[:MAX_NAME], locale=locale)
    user, invited = invite_user(call.session, person, actor=actor, now=call.now)
    joining = Joining(body.name, body.email, locale, body.code, user_id=user.id if user else None)
    found, is_new = join(
        call.session, call.services.keyring, call.program, joining, actor=actor, now=call.now
    )
    if user is not None and invited:
        call.services.mail.welcome(call.session, user, call.program.name, now=call.now)
    document = views.referrer(call.session, call.program, call.services, found, call.now)
    return Answer(HTTPStatus.CREATED if is_new else HTTPStatus.OK, document)


@table.declare(
    "GET",
    "/referrers/{code}",
    summary="A referrer with its links and rates",
    scopes=_READ,
    answers={200: answers.ReferrerAnswer},
)
def read_referrer(call: Call, code: str) -> Answer:
    """The rates are those that its next new customer would bring."""
    found = find_referrer(call.session, call.program, code)
    return Answer(HTTPStatus.OK, views.referrer(call.session, call.program, call.services, found, call.now))


@table.declare(
    "GET",
    "/referrers/{code}/balance",
    summary="A referrer's balance",
    scopes=(Scope.REPORTS_READ,),
    query=BalanceQuery,
    answers={200: answers.BalanceAnswer},
)
def read_balance(call: Call, code: str) -> Answer:
    """With `as_of`, what was known at that instant and due on its day."""
    found = find_referrer(call.session, call.program, code)
    as_of = instant_of(call.query.as_of, call.program.timezone)
    money = balance(
        call.session,
        referrer_id=found.id,
        currency=call.program.currency,
        today=clock.local_day(as_of or call.now, call.program.timezone),
        as_of=as_of,
    )
    return Answer(HTTPStatus.OK, render.balance(money, beside_earned(call.session, found.id, money, as_of)))


@table.declare(
    "PUT",
    "/referrers/{code}/payout-destination",
    summary="Put a referrer's bank account on file",
    scopes=(Scope.PAYOUTS_WRITE,),
    body=schemas.PayoutDestinationBody,
    answers={200: answers.DestinationAnswer},
)
def put_payout_destination(call: Call, code: str) -> Answer:
    """The first account, and one that you vouch for with `verified`, is usable at once; a change
    rests seven days.
    """
    body: schemas.PayoutDestinationBody = call.body
    found = find_referrer(call.session, call.program, code)
    kept = put_destination(
        call.services.payouts,
        call.session,
        found,
        body.account(),
        source=DestinationSource.MERCHANT,
        verified=body.verified,
        by=call.access.actor,
        now=call.now,
    )
    return Answer(HTTPStatus.OK, render.destination(kept))


@table.declare(
    "GET",
    "/referrers/{code}/payout-destination",
    summary="A referrer's bank account, masked",
    scopes=(Scope.REPORTS_READ, Scope.PAYOUTS_WRITE),
    answers={200: answers.DestinationAnswer},
)
def read_payout_destination(call: Call, code: str) -> Answer:
    """The last four characters and the first day on which it may be paid to."""
    found = find_referrer(call.session, call.program, code)
    current = current_destination(call.session, found.id)
    if current is None:
        raise NoBankAccount(code)
    return Answer(HTTPStatus.OK, render.destination(current))


@table.declare(
    "POST",
    "/referrers/{code}/links",
    summary="Make a referral link",
    scopes=_WRITE,
    body=schemas.LinkBody,
    answers={201: answers.LinkAnswer, 200: answers.LinkAnswer},
)
def create_link(call: Call, code: str) -> Answer:
    """For a campaign, to a page of yours (a path, or https on a host of the programme), or both."""
    body: schemas.LinkBody = call.body
    found = find_referrer(call.session, call.program, code)
    campaign, to = body.campaign or "", body.to or ""
    is_new = False
    if campaign or to:  # the plain link needs no row
        kept = make_link(call.session, call.program, found, campaign=campaign, to=to, now=call.now)
        is_new = kept.created_at == call.now
    document = views.link(call.services, call.program, found, campaign, to)
    return Answer(HTTPStatus.CREATED if is_new else HTTPStatus.OK, document)


@table.declare(
    "POST",
    "/referrers/{code}/leads",
    summary="Register a prospect of a referrer",
    scopes=_WRITE,
    body=schemas.LeadBody,
    answers={201: answers.LeadAnswer, 200: answers.LeadAnswer},
)
def create_lead(call: Call, code: str) -> Answer:
    """Signs this person up with that address within 90 days, the lead is a candidate, right after clicks.

    The first to register a prospect wins; the answer is the same whether or not somebody else did before, and whether
    or not the person is a customer.
    """
    body: schemas.LeadBody = call.body
    outcome = record_lead(call.deps, call.session, call.program, body.fact(code), call.now)
    found = find_referrer(call.session, call.program, code)
    status = HTTPStatus.CREATED if outcome.status is OutcomeStatus.CREATED else HTTPStatus.OK
    return Answer(status, render.lead(lead_of(call.session, found, body.lead_id), found.code))


@table.declare(
    "GET",
    "/referrers/{code}/leads/{lead_id}",
    summary="A registered prospect",
    scopes=_READ,
    answers={200: answers.LeadAnswer},
)
def read_lead(call: Call, code: str, lead_id: str) -> Answer:
    """What was registered; what became of it stands in the explanation of the signup."""
    found = find_referrer(call.session, call.program, code)
    return Answer(HTTPStatus.OK, render.lead(lead_of(call.session, found, lead_id), found.code))
