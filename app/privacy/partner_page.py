"""What a customer sees of their own partner, and the end of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.identity.audit import Actor, record_event
from app.privacy.partner_links import PartnerLinkRefused
from app.referrals.choices import record_partner_choice
from app.referrals.errors import NoPartner
from app.referrals.facts import PartnerChoiceFact
from app.referrals.models import Binding, Customer, Program, Referrer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.privacy.partner_links import Whose
    from app.referrals.intake import ReferralDeps
    from app.referrals.words import BindingMethod


@dataclass(frozen=True, slots=True)
class Partner:
    """Who is rewarded for a customer's orders, how that came, and since when."""

    code: str
    name: str
    method: BindingMethod
    since: datetime


@dataclass(frozen=True, slots=True)
class Partnership:
    """A customer of a programme, and its partner now, if any. ``ended_at`` is when the last one ended."""

    program: Program
    customer: Customer
    partner: Partner | None
    ended_at: datetime | None


def partnership(session: Session, whose: Whose, now: datetime) -> Partnership:
    """What the page tells. Raises :class:`PartnerLinkRefused` where the customer is not there."""
    customer = session.get(Customer, whose.customer_id)
    if customer is None or customer.program_id != whose.program_id:
        raise PartnerLinkRefused
    rows = session.execute(
        select(Binding, Referrer.code, Referrer.name)
        .join(Referrer, Referrer.id == Binding.referrer_id)
        .where(Binding.customer_id == customer.id, Binding.from_at <= now)
        .order_by(Binding.from_at)
    ).all()
    partner, ended_at = None, None
    if rows:
        binding, code, name = rows[-1]
        if binding.until_at is None or binding.until_at > now:
            partner = Partner(code, name, binding.method, binding.from_at)
        else:
            ended_at = binding.until_at
    return Partnership(session.get_one(Program, whose.program_id), customer, partner, ended_at)


def end_partnership(deps: ReferralDeps, session: Session, whose: Whose, now: datetime) -> None:
    """End the customer's partner from now on; again changes nothing. Raises :class:`PartnerLinkRefused`."""
    found = partnership(session, whose, now)
    fact = PartnerChoiceFact(customer_id=found.customer.customer_id, referrer_code=None)
    try:
        record_partner_choice(deps, session, found.program, fact, now)
    except NoPartner:
        return
    record_event(
        session,
        Actor.system("partner_page"),
        "customer.partner_ended",
        f"customer:{found.customer.id}",
        now=now,
        program_id=found.program.id,
    )
