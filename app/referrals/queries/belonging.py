"""What pages read about whom customers belong to: a referrer's leads, a customer as staff see it. All by indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, select

from app.referrals.models import Binding, BindingMethod, Customer, Decision, Lead, Referrer, Signup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

PAGE: Final = 25
_DECISIONS: Final = 50


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead; ``customer_id`` (ours) where it won a customer who belongs to the referrer by it."""

    lead: Lead
    customer_id: int | None


def leads_of(
    session: Session, referrer_id: int, *, before: tuple[datetime, int] | None = None, limit: int = PAGE
) -> list[LeadRow]:
    """A referrer's leads before the cursor (``registered_at``, ``id``), newest first. Says nothing about any other."""
    wanted = select(Lead).where(Lead.referrer_id == referrer_id)
    if before is not None:
        at, key = before
        wanted = wanted.where((Lead.registered_at < at) | and_(Lead.registered_at == at, Lead.id < key))
    leads = session.scalars(wanted.order_by(Lead.registered_at.desc(), Lead.id.desc()).limit(limit)).all()
    return [LeadRow(lead, won) for lead, won in zip(leads, _won(session, referrer_id, leads), strict=True)]


def _won(session: Session, referrer_id: int, leads: Sequence[Lead]) -> list[int | None]:
    if not leads:
        return []
    rows = session.execute(
        select(Signup.customer_id, Signup.lead_ids)
        .join(Binding, Binding.customer_id == Signup.customer_id)
        .where(
            Binding.referrer_id == referrer_id,
            Binding.method == BindingMethod.LEAD,
            # A lead binds from the signup on, which lies after it.
            Binding.from_at >= min(lead.registered_at for lead in leads).replace(microsecond=0),
        )
    )
    customers = {lead_id: customer_id for customer_id, lead_ids in rows for lead_id in lead_ids}
    return [customers.get(lead.lead_id) for lead in leads]


@dataclass(frozen=True, slots=True)
class CustomerStory:
    """A customer with everything that was decided about whom it belongs to."""

    customer: Customer
    signup: Signup | None
    bindings: tuple[tuple[Binding, Referrer], ...]
    decisions: tuple[Decision, ...]
    names: dict[int, Referrer]
    """The referrers that the decisions name."""


def customer_story(session: Session, program_id: int, customer_id: int) -> CustomerStory | None:
    """One customer of the programme. At most four queries."""
    found = session.execute(
        select(Customer, Signup)
        .outerjoin(Signup, Signup.customer_id == Customer.id)
        .where(Customer.id == customer_id, Customer.program_id == program_id)
    ).first()
    if found is None:
        return None
    bindings = session.execute(
        select(Binding, Referrer)
        .join(Referrer, Referrer.id == Binding.referrer_id)
        .where(Binding.customer_id == customer_id)
        .order_by(Binding.from_at)
    )
    decisions = session.scalars(
        select(Decision)
        .where(Decision.customer_id == customer_id, Decision.superseded_at.is_(None))
        .order_by(Decision.occasion_at, Decision.id)
        .limit(_DECISIONS)
    ).all()
    named = {
        each["referrer_id"]
        for decision in decisions
        for each in decision.candidates
        if each.get("referrer_id")
    }
    named |= {each["referrer_id"] for decision in decisions for each in decision.unpresented}
    named |= {decision.referrer_id for decision in decisions if decision.referrer_id}
    names = {each.id: each for each in session.scalars(select(Referrer).where(Referrer.id.in_(named)))}
    pairs = tuple((binding, referrer) for binding, referrer in bindings)
    return CustomerStory(*found, pairs, tuple(decisions), names)
