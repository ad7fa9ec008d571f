"""A customer chooses a partner from the directory, or ends the one it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.kernel.errors import InvalidInput
from app.referrals import intake, locks
from app.referrals.errors import ChoiceAtThatInstant, CustomerNotFound, NoPartner, ReferrerSuspended
from app.referrals.models import Binding, BindingMethod, Customer, PartnerChoice, Referrer, ReferrerStatus
from app.referrals.outcome import CREATED, REPEATED, Outcome
from app.referrals.settle import Touched, settle
from app.referrals.story import suspension_spans

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.facts import PartnerChoiceFact
    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Program
    from app.referrals.rows import CustomerRow


def record_partner_choice(
    deps: ReferralDeps, session: Session, program: Program, fact: PartnerChoiceFact, now: datetime
) -> Outcome:
    """From ``chosen_at`` (default now) on, the partner earns on what the customer orders; its earlier binding ends.

    With ``referrer_code`` null the customer ends the partner it has. Both partners are told. Choosing the partner one
    has already changes nothing. Raises :class:`CustomerNotFound` and :class:`NoPartner` (ending),
    :class:`ReferrerSuspended`, :class:`ChoiceAtThatInstant`, :class:`InTheFuture`, ``InvalidInput`` (unknown code).
    """
    intake.not_in_future(fact.chosen_at, now, "/chosen_at")
    chosen = _referrer(session, program, fact)
    customer = _customer(session, program, fact, now)
    at = fact.chosen_at or now
    current = _current(session, customer, at)
    choice = session.scalar(
        select(PartnerChoice).where(PartnerChoice.customer_id == customer.id, PartnerChoice.chosen_at == at)
    )
    wanted = chosen.id if chosen else None
    if choice:
        if choice.referrer_id != wanted:
            raise ChoiceAtThatInstant
        return REPEATED
    if chosen and fact.chosen_at is None and current and _is_chosen(current, chosen):
        return REPEATED
    if chosen is None and current is None:
        raise NoPartner(fact.customer_id)
    if chosen:
        require_taking_part(chosen, at)
    key = f"{fact.customer_id}\n{at.isoformat()}"
    intake.take(deps, session, program, fact, key=key, order_id=None, now=now)
    session.add(PartnerChoice(customer_id=customer.id, chosen_at=at, referrer_id=wanted))
    before = current.referrer_id if current else None
    settle(deps, session, program, customer, Touched(), now, rebind=True)
    _tell(deps, session, customer, (before, wanted), at, now)
    return CREATED


def _is_chosen(current: Binding, chosen: Referrer) -> bool:
    return current.referrer_id == chosen.id and current.method is BindingMethod.CHOSEN


def _referrer(session: Session, program: Program, fact: PartnerChoiceFact) -> Referrer | None:
    if fact.referrer_code is None:
        return None
    code = fact.referrer_code.lower()
    referrer = session.scalar(
        select(Referrer).where(Referrer.code == code, Referrer.program_id == program.id)
    )
    if referrer is None:
        raise InvalidInput(
            f"there is no referrer {fact.referrer_code!r} in this programme", pointer="/referrer_code"
        )
    return referrer


def require_taking_part(referrer: Referrer, at: datetime) -> None:
    """Raise :class:`ReferrerSuspended` where the referrer is suspended or has left, now or then."""
    out = any(start <= at and (end is None or at < end) for start, end in suspension_spans(referrer))
    if out or referrer.status is not ReferrerStatus.ACTIVE:
        raise ReferrerSuspended(referrer.code)


def _customer(session: Session, program: Program, fact: PartnerChoiceFact, now: datetime) -> CustomerRow:
    if fact.referrer_code is None:
        wanted = select(Customer.id).where(
            Customer.program_id == program.id, Customer.customer_id == fact.customer_id
        )
        if session.scalar(wanted) is None:
            raise CustomerNotFound(fact.customer_id)
    return locks.lock_customer(session, program, fact.customer_id, now)[0]


def _current(session: Session, customer: CustomerRow, at: datetime) -> Binding | None:
    wanted = select(Binding).where(
        Binding.customer_id == customer.id,
        Binding.from_at <= at,
        Binding.until_at.is_(None) | (Binding.until_at > at),
    )
    return session.scalar(wanted)


def _tell(
    deps: ReferralDeps,
    session: Session,
    customer: CustomerRow,
    partners: tuple[int | None, int | None],
    at: datetime,
    now: datetime,
) -> None:
    """Tell the partner before and the one after, unless they are the same."""
    before, after = partners
    if before == after:
        return
    event = f"{customer.id}:{at.isoformat()}"
    for referrer_id, chosen in ((before, False), (after, True)):
        if referrer_id is not None:
            deps.tell_partner(session, intake.PartnerNews(referrer_id, chosen, event, at, now))
