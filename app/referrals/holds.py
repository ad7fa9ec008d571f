"""Taking commissions under review, and what staff decide about them. Nothing is ever dropped: it is held, with why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from app.kernel.errors import Conflict, NotFound
from app.ledger.journal import write_balances
from app.ledger.models import Figure, LedgerBalance
from app.referrals import locks
from app.referrals.models import Commission, Hold, HoldRule, HoldState, Order, Program, ReferrerStatus
from app.referrals.postings import (
    Movement,
    move_to_held,
    post_movements,
    reject_for_good,
    release_held,
    unreserved,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Referrer
    from app.referrals.postings import Movable
    from app.referrals.rows import CustomerRow, OrderRow, SharedReferrer

RULE_VERSION: Final = 1


class HoldNotFound(NotFound):
    """No such hold in this programme."""

    def __init__(self, hold_id: int) -> None:
        super().__init__(f"there is no hold {hold_id}")


class HoldClosed(Conflict):
    """The hold was decided before."""

    def __init__(self, hold_id: int) -> None:
        super().__init__(f"hold {hold_id} was decided before")


class HeldBySuspension(Conflict):
    """What a suspension holds is released by reinstating the referrer, all of it together."""

    def __init__(self, hold_id: int) -> None:
        super().__init__(f"hold {hold_id} ends when the referrer is reinstated")


def rules_against(
    deps: ReferralDeps, session: Session, order: OrderRow, customer: CustomerRow, referrer: SharedReferrer
) -> dict[HoldRule, dict[str, Any]]:
    """The rules that take this referrer's commissions of this order aside, each with its evidence."""
    rules: dict[HoldRule, dict[str, Any]] = {}
    if referrer.status is ReferrerStatus.SUSPENDED:
        rules[HoldRule.REFERRER_SUSPENDED] = {}
    if customer.email_key is not None and customer.email_key == referrer.email_key:
        rules[HoldRule.SELF_REFERRAL_EMAIL] = {"customer": customer.customer_id}
    if order.payer_iban_key and order.payer_iban_key in deps.referrer_iban_keys(session, referrer.id):
        rules[HoldRule.SELF_REFERRAL_IBAN] = {"order": order.order_id}
    return rules


def open_rules(session: Session, commission_ids: Sequence[int]) -> dict[int, set[HoldRule]]:
    """The rules that hold each of the commissions now."""
    found: dict[int, set[HoldRule]] = {key: set() for key in commission_ids}
    if commission_ids:
        wanted = select(Hold.commission_id, Hold.rule).where(
            Hold.commission_id.in_(commission_ids), Hold.state == HoldState.OPEN
        )
        for commission_id, rule in session.execute(wanted):
            found[commission_id].add(rule)
    return found


def open_holds(
    session: Session, commission: Movable, rules: dict[HoldRule, dict[str, Any]], now: datetime
) -> list[HoldRule]:
    """Open a hold for each rule that has never judged this commission; those that are new.

    A rule that staff have overruled does not come back. Suspension may: each one is an event of its own.
    """
    judged = set(session.scalars(select(Hold.rule).where(Hold.commission_id == commission.id)))
    fresh = [rule for rule in rules if rule is HoldRule.REFERRER_SUSPENDED or rule not in judged]
    opened: list[HoldRule] = []
    for rule in fresh:
        if rule in judged and rule in open_rules(session, [commission.id])[commission.id]:
            continue
        session.add(
            Hold(
                program_id=commission.program_id,
                commission_id=commission.id,
                rule=rule,
                rule_version=RULE_VERSION,
                evidence=rules[rule],
                state=HoldState.OPEN,
                opened_at=now,
            )
        )
        opened.append(rule)
    return opened


def hold_by_staff(
    session: Session, program: Program, commission: Commission, *, reason: str, by: str, now: datetime
) -> None:
    """Take a commission aside by hand; what a payout has already taken stays there."""
    locks.own_referrer(session, commission.referrer_id)
    session.refresh(commission)
    row = {
        "program_id": program.id,
        "commission_id": commission.id,
        "rule": HoldRule.STAFF,
        "rule_version": RULE_VERSION,
        "evidence": {"by": by, "reason": reason},
        "state": HoldState.OPEN,
        "opened_at": now,
    }
    if HoldRule.STAFF in open_rules(session, [commission.id])[commission.id]:
        return
    session.add(Hold(**row))
    session.flush()
    amount = unreserved(session, commission)
    if amount:
        _post(session, program, [move_to_held(commission, amount)], now)


def decide_hold(
    session: Session, program: Program, hold_id: int, *, release: bool, reason: str, by: str, now: datetime
) -> Hold:
    """Release the commission of a hold, or reject it for good. Raises :class:`HoldNotFound`, :class:`HoldClosed`.

    The money comes free only when no other rule holds it. Rejecting closes every hold of the commission.
    """
    hold = session.scalar(select(Hold).where(Hold.id == hold_id, Hold.program_id == program.id))
    if hold is None:
        raise HoldNotFound(hold_id)
    commission = session.get_one(Commission, hold.commission_id)
    order = session.get_one(Order, commission.order_id)
    locks.lock_known_customer(session, order.customer_id)
    locks.own_referrer(session, commission.referrer_id)
    # Read again under the locks. The race: two people decide the same hold, or one decides while a refund lowers
    # the commission; each would move money that the other has moved.
    session.refresh(commission)
    session.refresh(hold)
    if hold.state is not HoldState.OPEN:
        raise HoldClosed(hold_id)
    if release and hold.rule is HoldRule.REFERRER_SUSPENDED:
        raise HeldBySuspension(hold_id)
    state = HoldState.RELEASED if release else HoldState.REJECTED
    closing = [hold] if release else _open_holds_of(session, [commission.id])
    for each in closing:
        _close(each, state, reason, by, now)
    session.flush()
    if release:
        _release_if_free(session, program, [commission], now)
    else:
        _post(session, program, reject_for_good(commission), now)
    return hold


def hold_all(session: Session, program: Program, referrer: Referrer, *, now: datetime) -> int:
    """Take all of a referrer's unreserved money aside, for a suspension; how many commissions.

    The caller holds the referrer's lock.
    """
    write_balances(session)
    dates = select(LedgerBalance.available_on).where(
        LedgerBalance.referrer_id == referrer.id,
        LedgerBalance.figure == Figure.PAYABLE,
        LedgerBalance.amount_minor != 0,
    )
    wanted = select(Commission).where(
        Commission.referrer_id == referrer.id, Commission.available_on.in_(dates), Commission.target_minor > 0
    )
    movements: list[Movement] = []
    fresh = wanted.order_by(Commission.id).execution_options(populate_existing=True)
    for commission in session.scalars(fresh).all():
        amount = unreserved(session, commission)
        if amount:
            open_holds(session, commission, {HoldRule.REFERRER_SUSPENDED: {}}, now)
            movements.append(move_to_held(commission, amount))
    _post(session, program, movements, now)
    return len(movements)


def release_all(
    session: Session, program: Program, referrer: Referrer, *, reason: str, by: str, now: datetime
) -> int:
    """End every hold that a suspension opened, for a reinstatement; how many. The caller holds the referrer's lock."""
    wanted = (
        select(Hold, Commission)
        .join(Commission, Commission.id == Hold.commission_id)
        .where(
            Commission.referrer_id == referrer.id,
            Hold.rule == HoldRule.REFERRER_SUSPENDED,
            Hold.state == HoldState.OPEN,
        )
    )
    pairs = session.execute(wanted.execution_options(populate_existing=True)).all()
    for hold, _ in pairs:
        _close(hold, HoldState.RELEASED, reason, by, now)
    session.flush()
    _release_if_free(session, program, [commission for _, commission in pairs], now)
    return len(pairs)


def _open_holds_of(session: Session, commission_ids: Sequence[int]) -> list[Hold]:
    wanted = select(Hold).where(Hold.commission_id.in_(commission_ids), Hold.state == HoldState.OPEN)
    return list(session.scalars(wanted))


def _close(hold: Hold, state: HoldState, reason: str, by: str, now: datetime) -> None:
    hold.state, hold.reason, hold.closed_by, hold.closed_at = state, reason, by, now


def _release_if_free(
    session: Session, program: Program, commissions: Iterable[Commission], now: datetime
) -> None:
    everything = list(commissions)
    rules: dict[int, set[HoldRule]] = {}
    for start in range(0, len(everything), 500):
        rules |= open_rules(session, [commission.id for commission in everything[start : start + 500]])
    movements = [
        movement
        for commission in everything
        if not rules[commission.id]
        for movement in release_held(commission)
    ]
    _post(session, program, movements, now)


def _post(session: Session, program: Program, movements: Sequence[Movement], now: datetime) -> None:
    post_movements(session, movements, currency=program.currency, posted_at=now)
