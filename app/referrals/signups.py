"""A customer signed up; whom it belongs to is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.referrals import intake, locks
from app.referrals.click_rows import record_from_click_id
from app.referrals.errors import OtherBody
from app.referrals.facts import SignupFact, body_of, fingerprint, hash_of
from app.referrals.leads import leads_on
from app.referrals.models import Binding, Fact, FactKind, Signup
from app.referrals.outcome import CREATED, REPEATED, Outcome
from app.referrals.rows import write_customer
from app.referrals.settle import Touched, settle

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Program
    from app.referrals.rows import CustomerRow


def record_signup(
    deps: ReferralDeps, session: Session, program: Program, fact: SignupFact, now: datetime
) -> Outcome:
    """Record a signup and decide whom the customer belongs to.

    The same signup again changes nothing. While the customer is unattributed it may be posted again with a further
    candidate; all candidates ever presented are then weighed together. Raises :class:`OtherBody` for another body
    once it is attributed, and :class:`InTheFuture`.
    """
    intake.not_in_future(fact.signed_up_at, now, "/signed_up_at")
    if fact.email is not None:
        locks.lock_prospect(session, program, fingerprint(deps.keyring, "email", fact.email))
    customer, is_new = locks.lock_customer(session, program, fact.customer_id, now)
    signup = None if is_new else session.get(Signup, customer.id)
    if signup and _was_posted(deps, session, program, fact):
        return REPEATED
    if signup and not _may_be_posted_again(session, customer, signup, fact):
        raise OtherBody("signup", fact.customer_id)
    key = fact.customer_id if signup is None else _again_key(deps, fact)
    intake.take(deps, session, program, fact, key=key, order_id=None, now=now)
    if signup is None:
        signup = Signup(
            customer_id=customer.id,
            program_id=program.id,
            signed_up_at=fact.signed_up_at or now,
            click_ids=[],
            coupons=[],
            referrer_codes=[],
            lead_ids=[],
        )
        session.add(signup)
    email_is_new = _merge(deps, customer, signup, fact)
    write_customer(session, customer)
    signup.lead_ids = sorted({*signup.lead_ids, *leads_on(session, program, customer.email_key)})
    _write_lost_clicks(deps, session, program, fact.click_ids, now)
    touched = Touched(everything=email_is_new and not is_new)
    settle(deps, session, program, customer, touched, now, rebind=True)
    return CREATED


def _merge(deps: ReferralDeps, customer: CustomerRow, signup: Signup, fact: SignupFact) -> bool:
    """Add what this posting presents; whether the customer's e-mail became known by it."""
    signup.click_ids = sorted({*signup.click_ids, *fact.click_ids})
    signup.coupons = sorted({*signup.coupons, *_given(fact.coupon)})
    signup.referrer_codes = sorted({*signup.referrer_codes, *_given(fact.referrer_code)})
    customer.first_seen_at = min(customer.first_seen_at or signup.signed_up_at, signup.signed_up_at)
    if fact.email is None or customer.email_key is not None:
        return False
    customer.email_key = fingerprint(deps.keyring, "email", fact.email)
    return True


def _given(value: str | None) -> Iterable[str]:
    return () if value is None else (value,)


def _again_key(deps: ReferralDeps, fact: SignupFact) -> str:
    return f"{fact.customer_id}\n{hash_of(body_of(fact, deps.keyring))}"


def _was_posted(deps: ReferralDeps, session: Session, program: Program, fact: SignupFact) -> bool:
    body_hash = hash_of(body_of(fact, deps.keyring))
    wanted = select(Fact.id).where(
        Fact.program_id == program.id,
        Fact.kind == FactKind.SIGNUP,
        Fact.key.in_([fact.customer_id, _again_key(deps, fact)]),
        Fact.body_hash == body_hash,
    )
    return session.scalar(wanted) is not None


def _may_be_posted_again(session: Session, customer: CustomerRow, signup: Signup, fact: SignupFact) -> bool:
    bound = session.scalar(select(Binding.id).where(Binding.customer_id == customer.id).limit(1))
    return bound is None and fact.signed_up_at in {None, signup.signed_up_at}


def _write_lost_clicks(
    deps: ReferralDeps, session: Session, program: Program, click_ids: Iterable[str], now: datetime
) -> None:
    """A click id is its own record: where the click never reached the database, it is written from the id."""
    for text in click_ids:
        click = deps.links.read_click_id(text)
        if click is not None and click.program_id == program.id:
            record_from_click_id(session, text, click, now)
