"""Staff say whom a customer belongs to, with a reason: a correction of its attribution, from an instant on.

Orders placed from that instant on move; earlier ones only where staff say so. What moves is taken back from one
referrer and earned by the other in new ledger entries; nothing is edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.identity.audit import Actor, record_event
from app.kernel import ids
from app.kernel.errors import Conflict, InvalidInput
from app.referrals import intake, locks
from app.referrals.choices import require_taking_part
from app.referrals.errors import CustomerNotFound
from app.referrals.models import Assignment, Binding, Commission, Customer, Order, Referrer
from app.referrals.referrers import MAX_REASON
from app.referrals.settle import Touched, settle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Program
    from app.referrals.rows import CustomerRow


class NothingToCorrect(Conflict):
    """The customer belongs to that referrer, or to nobody, already."""

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"customer {customer_id!r} belongs there already")


@dataclass(frozen=True, slots=True)
class Wanted:
    """To whom the customer shall belong (null: to nobody), from when on (null: now), and why."""

    referrer: Referrer | None
    reason: str
    from_at: datetime | None = None
    also_earlier: bool = False


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction did: by referrer code, how much more or less its commissions come to, in minor units."""

    assignment_id: str
    moved: Mapping[str, int]


def correct_attribution(
    deps: ReferralDeps,
    session: Session,
    program: Program,
    customer_id: str,
    wanted: Wanted,
    *,
    actor: Actor,
    now: datetime,
) -> Corrected:
    """Have the customer belong to the referrer from then on; both decisions stay readable.

    Raises :class:`CustomerNotFound`, :class:`NothingToCorrect`, :class:`ReferrerSuspended`, :class:`InTheFuture`, and
    ``InvalidInput`` where no reason is given.
    """
    reason = _reason(wanted)
    intake.not_in_future(wanted.from_at, now, "/from_at")
    at = wanted.from_at or now
    if wanted.referrer:
        require_taking_part(wanted.referrer, at)
    customer = _lock(session, program, customer_id)
    belongs_to = wanted.referrer.id if wanted.referrer else None
    if not _changes_anything(session, customer, belongs_to, at, also_earlier=wanted.also_earlier):
        raise NothingToCorrect(customer_id)
    assignment = Assignment(
        assignment_id=ids.random_id("asg_"),
        program_id=program.id,
        customer_id=customer.id,
        referrer_id=belongs_to,
        from_at=at,
        also_earlier=wanted.also_earlier,
        reason=reason,
        made_by=actor.label,
        made_at=now,
    )
    session.add(assignment)
    before = _totals(session, customer.id)
    settle(deps, session, program, customer, Touched(), now, rebind=True)
    moved = _difference(before, _totals(session, customer.id))
    details = {
        "assignment": assignment.assignment_id,
        "referrer": wanted.referrer.code if wanted.referrer else None,
        "from": at.isoformat(),
        "also_earlier": wanted.also_earlier,
        "reason": reason,
        "moved": moved,
    }
    subject = f"customer:{customer.id}"
    record_event(session, actor, "attribution.corrected", subject, details, now=now, program_id=program.id)
    return Corrected(assignment.assignment_id, moved)


def _reason(wanted: Wanted) -> str:
    reason = " ".join(wanted.reason.split())
    if not 1 <= len(reason) <= MAX_REASON:
        raise InvalidInput(f"reason: expected 1 to {MAX_REASON} characters", pointer="/reason")
    return reason


def _lock(session: Session, program: Program, customer_id: str) -> CustomerRow:
    wanted = select(Customer.id).where(Customer.program_id == program.id, Customer.customer_id == customer_id)
    known = session.scalar(wanted)
    if known is None:
        raise CustomerNotFound(customer_id)
    return locks.lock_known_customer(session, known)


def _changes_anything(
    session: Session, customer: CustomerRow, belongs_to: int | None, at: datetime, *, also_earlier: bool
) -> bool:
    """Whether any order could belong to somebody else than it does."""
    since = min(at, customer.first_seen_at or at) if also_earlier else at
    bindings = session.scalars(select(Binding).where(Binding.customer_id == customer.id)).all()
    later = [each for each in bindings if each.until_at is None or each.until_at > since]
    if belongs_to is None:
        return bool(later)
    return not any(
        each.referrer_id == belongs_to and each.from_at <= since and each.until_at is None for each in later
    )


def _totals(session: Session, customer: int) -> dict[str, int]:
    """What the customer's orders come to, by referrer code."""
    session.flush()
    rows = session.execute(
        select(Referrer.code, func.sum(Commission.target_minor))
        .join(Order, Order.id == Commission.order_id)
        .join(Referrer, Referrer.id == Commission.referrer_id)
        .where(Order.customer_id == customer)
        .group_by(Referrer.code)
    )
    return {code: int(total) for code, total in rows}


def _difference(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    codes = sorted({*before, *after})
    found = {code: after.get(code, 0) - before.get(code, 0) for code in codes}
    return {code: more for code, more in found.items() if more}
