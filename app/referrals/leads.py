"""A referrer registers a prospect: where that person signs up within 90 days, the lead speaks for the referrer.

The address is kept as its keyed fingerprint only. The same prospect may be registered by several referrers: the first
one wins, and nobody is told about the others, nor whether the person is a customer already.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import CursorResult, func, select, update

from app.kernel.errors import Conflict, NotFound
from app.referrals import intake, locks
from app.referrals.choices import require_taking_part
from app.referrals.domain.attribution import LEAD_DAYS
from app.referrals.facts import fingerprint
from app.referrals.models import Customer, Fact, FactKind, Lead, Signup
from app.referrals.outcome import CREATED, REPEATED, Outcome
from app.referrals.referrers import find_referrer
from app.referrals.settle import Touched, settle

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from sqlalchemy.orm import Session

    from app.referrals.facts import LeadFact
    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Program, Referrer

A_DAY: Final = 50
"""How many prospects one referrer may register by hand in 24 hours: a lead is a person somebody spoke to."""

FORGOTTEN_AFTER: Final = timedelta(days=2 * LEAD_DAYS)
"""How long the fingerprint of a prospect is kept; late signups within the 90 days have come by then."""


class LeadNotFound(NotFound):
    """No lead of that id with this referrer."""

    def __init__(self, lead_id: str) -> None:
        super().__init__(f"there is no lead {lead_id!r}")


class TooManyLeads(Conflict):
    """The referrer registered as many prospects today as one may."""

    def __init__(self) -> None:
        super().__init__(f"at most {A_DAY} leads can be registered in 24 hours", pointer="/email")


def record_lead(
    deps: ReferralDeps, session: Session, program: Program, fact: LeadFact, now: datetime
) -> Outcome:
    """Record a lead and decide anew on customers who signed up with that address, where they did so after it.

    Raises :class:`ReferrerNotFound`, :class:`ReferrerSuspended`, :class:`OtherBody`, :class:`InTheFuture`.
    """
    intake.not_in_future(fact.registered_at, now, "/registered_at")
    referrer = find_referrer(session, program, fact.referrer_code)
    key = fingerprint(deps.keyring, "email", fact.email)
    locks.lock_prospect(session, program, key)
    taken = intake.take(deps, session, program, fact, key=fact.lead_id, order_id=None, now=now)
    if taken.fresh is None:
        return REPEATED
    at = fact.registered_at or now
    require_taking_part(referrer, at)
    session.add(
        Lead(
            program_id=program.id,
            referrer_id=referrer.id,
            lead_id=fact.lead_id,
            email_key=key,
            registered_at=at,
            created_at=now,
        )
    )
    session.flush()
    wanted = select(Customer.id).where(Customer.program_id == program.id, Customer.email_key == key)
    for customer_id in session.scalars(wanted.order_by(Customer.id)).all():
        customer = locks.lock_known_customer(session, customer_id)
        signup = session.get_one(Signup, customer_id, populate_existing=True)
        signup.lead_ids = sorted({*signup.lead_ids, fact.lead_id})
        settle(deps, session, program, customer, Touched(), now, rebind=True)
    return CREATED


def leads_on(session: Session, program: Program, email_key: str | None) -> list[str]:
    """The ids of the leads that name an address. The caller holds the prospect's lock."""
    if email_key is None:
        return []
    wanted = select(Lead.lead_id).where(Lead.program_id == program.id, Lead.email_key == email_key)
    return sorted(session.scalars(wanted))


def running_lead(
    deps: ReferralDeps, session: Session, referrer: Referrer, email: str, now: datetime
) -> Lead | None:
    """The referrer's own lead on that address that still counts."""
    wanted = select(Lead).where(
        Lead.program_id == referrer.program_id,
        Lead.email_key == fingerprint(deps.keyring, "email", email),
        Lead.referrer_id == referrer.id,
        Lead.registered_at > now - timedelta(days=LEAD_DAYS),
    )
    return session.scalars(wanted.order_by(Lead.registered_at).limit(1)).first()


def require_moderation(session: Session, referrer: Referrer, now: datetime) -> None:
    """Raise :class:`TooManyLeads` where the referrer registered enough prospects by hand for today."""
    recent = select(func.count()).where(
        Lead.referrer_id == referrer.id, Lead.registered_at > now - timedelta(days=1)
    )
    if (session.scalar(recent) or 0) >= A_DAY:
        raise TooManyLeads


def lead_of(session: Session, referrer: Referrer, lead_id: str) -> Lead:
    """One lead of the referrer. Raises :class:`LeadNotFound`."""
    wanted = select(Lead).where(
        Lead.program_id == referrer.program_id, Lead.lead_id == lead_id, Lead.referrer_id == referrer.id
    )
    found = session.scalar(wanted)
    if found is None:
        raise LeadNotFound(lead_id)
    return found


def forget_prospects(session: Session, now: datetime, *, email_key: str | None = None) -> int:
    """Destroy the fingerprints of old leads, or of those that name ``email_key`` (erasure); how many leads."""
    which = (
        Lead.email_key == email_key
        if email_key
        else (Lead.registered_at < now - FORGOTTEN_AFTER) & Lead.email_key.is_not(None)
    )
    rows = session.execute(select(Lead.id, Lead.program_id, Lead.lead_id).where(which).limit(1_000)).all()
    for _, program_id, lead_id in rows:
        _forget_address(session, program_id, lead_id)
    gone = session.execute(update(Lead).where(Lead.id.in_([row.id for row in rows])).values(email_key=None))
    return cast("CursorResult[Any]", gone).rowcount


def _forget_address(session: Session, program_id: int, lead_id: str) -> None:
    wanted = select(Fact).where(
        Fact.program_id == program_id, Fact.kind == FactKind.LEAD, Fact.key == lead_id
    )
    fact = session.scalars(wanted).one()
    fact.body = {name: value for name, value in fact.body.items() if name != "email"}
