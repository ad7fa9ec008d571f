"""What the review rules find in how a customer came: kept on the customer, so that its orders need no look-up.

A mark names a rule, the referrer that it speaks against, and the evidence. It is made when a click is presented for
the first time, or by a job for the customers that came before; a mark is never taken back, staff decide about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select, update

from app.kernel.db import connection_of, table_of
from app.kernel.queue import collect
from app.referrals.domain.attribution import CandidateKind
from app.referrals.domain.review import read_settings, shared_by, too_late
from app.referrals.models import ClickUse, Customer
from app.referrals.words import HoldRule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy.orm import Session

    from app.referrals.domain.attribution import Verdict
    from app.referrals.domain.review import Limits
    from app.referrals.models import Program
    from app.referrals.rows import CustomerRow

REVIEW_CLICK: Final = "review.click"
"""Job: judge everybody who came with a click, by its id."""

_CUSTOMERS, _USES = table_of(Customer), table_of(ClickUse)
_CAME_WITH: Final = (
    select(_USES.c.customer_id)
    .where(_USES.c.click_id == bindparam("click"))
    .order_by(_USES.c.customer_id)
    .limit(bindparam("most"))
)
_WRITE_MARKS: Final = (
    update(_CUSTOMERS).where(_CUSTOMERS.c.id == bindparam("row")).values(marks=bindparam("found"))
)

Mark = dict[str, Any]


def mark_customer(
    session: Session,
    program: Program,
    customer: CustomerRow,
    verdicts: Iterable[Verdict],
    presented: Collection[str],
) -> bool:
    """Judge how the customer came; whether that says anything new.

    ``presented`` are the click ids that it had not presented before: one query each.
    """
    limits = read_settings(program.review).limits
    clicks = {
        candidate.value: (candidate, verdict.occasion)
        for verdict in verdicts
        for candidate, _ in verdict.considered
        if candidate.kind is CandidateKind.CLICK and candidate.referrer_id is not None
    }
    found: list[Mark] = []
    for value, (candidate, occasion) in clicks.items():
        if candidate.at is not None and too_late(candidate.at, occasion.at, limits):
            late = int((candidate.at - occasion.at).total_seconds())
            name = "order" if occasion.kind == "order" else "customer"
            evidence = {name: occasion.ref, "click": value, "seconds_late": late}
            found.append(_mark(HoldRule.LATE_CLICK, candidate.referrer_id, evidence))
    shared = (
        _shared(session, value, clicks[value][0].referrer_id, limits, ask_others=True)
        for value in sorted(clicks.keys() & set(presented))
    )
    found += [mark for mark in shared if mark is not None]
    return add_marks(session, customer, found)


def mark_shared(
    session: Session, program: Program, customer: CustomerRow, click_id: str, referrer_id: int
) -> bool:
    """Judge a customer by how many came with its click; whether that says anything new."""
    shared = _shared(session, click_id, referrer_id, read_settings(program.review).limits, ask_others=False)
    return shared is not None and add_marks(session, customer, [shared])


def add_marks(session: Session, customer: CustomerRow, found: Sequence[Mark]) -> bool:
    """Keep these marks with the customer; whether there was a rule among them that had not spoken before."""
    known = {(mark["rule"], mark["referrer"]): mark for mark in customer.marks or ()}
    fresh = {(mark["rule"], mark["referrer"]): mark for mark in found}
    if not fresh.keys() - known.keys():
        return False
    customer.marks = list((known | fresh).values())
    connection_of(session).execute(_WRITE_MARKS, {"row": customer.id, "found": customer.marks})
    return True


def network_mark(click_id: str, referrer_id: int) -> Mark:
    """The mark of a customer whose click came from where the referrer was logged in."""
    return _mark(HoldRule.SAME_NETWORK, referrer_id, {"click": click_id})


def _shared(
    session: Session, click_id: str, referrer_id: int | None, limits: Limits, *, ask_others: bool
) -> Mark | None:
    """The mark of a click that several came with. Where this customer made it so, the others are judged by a job."""
    most = limits.crowd_customers + 1
    came = connection_of(session).scalars(_CAME_WITH, {"click": click_id, "most": most}).all()
    rule = shared_by(len(came), limits)
    if rule is None:
        return None
    if ask_others and len(came) in {2, limits.crowd_customers}:
        collect(session, REVIEW_CLICK, click_id)
    # How many, not who: a customer may ask for all that is kept of them, and gets nobody else's number.
    return _mark(rule, referrer_id, {"click": click_id, "customers_at_least": len(came)})


def _mark(rule: HoldRule, referrer_id: int | None, evidence: dict[str, Any]) -> Mark:
    return {"rule": rule.value, "referrer": referrer_id, "evidence": evidence}
