"""Taking commissions under review, and what staff decide about them. Nothing is ever dropped: it is held, with why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import select

from app.kernel.errors import Conflict, NotFound
from app.ledger.journal import write_balances
from app.ledger.models import Figure, LedgerBalance
from app.referrals import locks
from app.referrals.domain.review import RULE_VERSION, Action, read_settings, too_fast
from app.referrals.judged import note_decided
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
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.domain.attribution import Span
    from app.referrals.domain.review import Limits
    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Referrer
    from app.referrals.postings import Movable
    from app.referrals.rows import CustomerRow, OrderRow, SharedReferrer

_WAITING: Final = (HoldState.OPEN, HoldState.NOTED)
_QUIET: Final = timedelta(days=30)
"""For how long a rule about a referrer as a whole is silent after staff have heard it."""


class Finding(NamedTuple):
    """What a rule says against a referrer as a whole; ``customers``: against these only, by their numbers."""

    referrer_id: int
    rule: HoldRule
    evidence: dict[str, Any]
    customers: frozenset[int] | None = None


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
    deps: ReferralDeps,
    session: Session,
    order: OrderRow,
    customer: CustomerRow,
    referrer: SharedReferrer,
    limits: Limits,
    span: Span | None,
) -> dict[HoldRule, dict[str, Any]]:
    """The rules that speak against this referrer's commissions of this order, each with its evidence.

    ``span`` is the binding that the order belongs to. No rule asks the database unless the payer's account is known.
    """
    rules: dict[HoldRule, dict[str, Any]] = {}
    if referrer.status is ReferrerStatus.SUSPENDED:
        rules[HoldRule.REFERRER_SUSPENDED] = {}
    if customer.email_key is not None and customer.email_key == referrer.email_key:
        rules[HoldRule.SELF_REFERRAL_EMAIL] = {"customer": customer.customer_id}
    if order.payer_iban_key and order.payer_iban_key in deps.referrer_iban_keys(session, referrer.id):
        rules[HoldRule.SELF_REFERRAL_IBAN] = {"order": order.order_id}
    if span and order.paid_at and too_fast(span.method, span.from_at, order.paid_at, limits):
        seconds = int((order.paid_at - span.from_at).total_seconds())
        rules[HoldRule.FAST_CONVERSION] = {"order": order.order_id, "seconds": seconds}
    for mark in customer.marks or ():
        if mark["referrer"] == referrer.id:
            rules[HoldRule(mark["rule"])] = mark["evidence"]
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
    session: Session,
    program: Program,
    commission: Movable,
    rules: Mapping[HoldRule, dict[str, Any]],
    now: datetime,
) -> list[HoldRule]:
    """Open a hold, or a note, for each rule that has never judged this commission; the rules that hold it from now on.

    A rule that staff have overruled does not come back. Suspension may: each one is an event of its own.
    """
    return [
        hold.rule for hold in _judge(session, program, commission, rules, now) if hold.state is HoldState.OPEN
    ]


def _judge(
    session: Session,
    program: Program,
    commission: Movable,
    rules: Mapping[HoldRule, dict[str, Any]],
    now: datetime,
) -> list[Hold]:
    settings = read_settings(program.review)
    judged = set(session.scalars(select(Hold.rule).where(Hold.commission_id == commission.id)))
    fresh = [rule for rule in rules if rule is HoldRule.REFERRER_SUSPENDED or rule not in judged]
    again = judged.intersection(fresh) and open_rules(session, [commission.id])[commission.id]
    new = [
        Hold(
            program_id=commission.program_id,
            commission_id=commission.id,
            rule=rule,
            rule_version=RULE_VERSION,
            evidence=rules[rule],
            state=HoldState.OPEN if settings.action(rule) is Action.HOLD else HoldState.NOTED,
            opened_at=now,
        )
        for rule in fresh
        if settings.action(rule) is not Action.OFF and not (again and rule in again)
    ]
    session.add_all(new)
    return new


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

    The money comes free only when no other rule holds it. Rejecting closes every hold of the commission. Performance
    tiers count the order, or no longer, accordingly.
    """
    ((hold, commission),) = _locked(session, program, [hold_id])
    if hold.state not in _WAITING:
        raise HoldClosed(hold_id)
    if release and hold.rule is HoldRule.REFERRER_SUSPENDED:
        raise HeldBySuspension(hold_id)
    if release:
        _close(hold, HoldState.SEEN if hold.state is HoldState.NOTED else HoldState.RELEASED, reason, by, now)
    else:
        for each in _open_holds_of(session, [commission.id]):
            _close(each, HoldState.REJECTED, reason, by, now)
    session.flush()
    if release:
        _release_if_free(session, program, [commission], now)
    else:
        _post(session, program, reject_for_good(commission), now)
    note_decided(session, program, commission.order_id)
    return hold


def decide_holds(
    session: Session,
    program: Program,
    hold_ids: Sequence[int],
    *,
    release: bool,
    reason: str,
    by: str,
    now: datetime,
) -> list[Hold]:
    """Decide several at once as :func:`decide_hold` does; those that were decided.

    What somebody else decided in the meantime is left as it is, and so is what only a reinstatement can release.
    Raises :class:`HoldNotFound`.
    """
    decided: list[Hold] = []
    for hold, _ in _locked(session, program, hold_ids):
        if hold.state not in _WAITING or (release and hold.rule is HoldRule.REFERRER_SUSPENDED):
            # Rejecting one hold of a commission has closed the others with it, for the same reason.
            decided += [hold] if (hold.closed_at, hold.closed_by) == (now, by) else []
            continue
        decided.append(decide_hold(session, program, hold.id, release=release, reason=reason, by=by, now=now))
    return decided


def take_aside(session: Session, program: Program, hold_id: int, *, now: datetime) -> Hold:
    """Turn a note into a hold: what no payout has yet is taken aside.

    Raises :class:`HoldNotFound`, and :class:`HoldClosed` where it is no note any more.
    """
    ((hold, commission),) = _locked(session, program, [hold_id])
    if hold.state is not HoldState.NOTED:
        raise HoldClosed(hold_id)
    hold.state = HoldState.OPEN
    session.flush()
    if amount := unreserved(session, commission):
        _post(session, program, [move_to_held(commission, amount)], now)
    return hold


def _locked(session: Session, program: Program, hold_ids: Sequence[int]) -> list[tuple[Hold, Commission]]:
    """The holds by id with their commissions, customers and referrers locked. Raises :class:`HoldNotFound`."""
    wanted = (
        select(Hold, Commission, Order.customer_id)
        .join(Commission, Commission.id == Hold.commission_id)
        .join(Order, Order.id == Commission.order_id)
        .where(Hold.id.in_(hold_ids), Hold.program_id == program.id)
        .order_by(Hold.id)
    )
    found = session.execute(wanted).all()
    if missing := set(hold_ids) - {hold.id for hold, _, _ in found}:
        raise HoldNotFound(min(missing))
    # Everybody in one order, or two of these calls could wait for each other.
    for customer_pk in sorted({customer for _, _, customer in found}):
        locks.lock_known_customer(session, customer_pk)
    for referrer_id in sorted({commission.referrer_id for _, commission, _ in found}):
        locks.own_referrer(session, referrer_id)
    # Read again under the locks. The race: two people decide the same hold, or one decides while a refund lowers
    # the commission; each would move money that the other has moved.
    for hold, commission, _ in found:
        session.refresh(commission)
        session.refresh(hold)
    return [(hold, commission) for hold, commission, _ in found]


def hold_all(session: Session, program: Program, referrer: Referrer, *, now: datetime) -> int:
    """Take all of a referrer's unreserved money aside, for a suspension; how many commissions.

    The caller holds the referrer's lock.
    """
    movements: list[Movement] = []
    for commission, amount in _unreserved_of(session, referrer.id):
        open_holds(session, program, commission, {HoldRule.REFERRER_SUSPENDED: {}}, now)
        movements.append(move_to_held(commission, amount))
    _post(session, program, movements, now)
    return len(movements)


def hold_found(session: Session, program: Program, finding: Finding, *, now: datetime) -> int:
    """Hold or note what no payout has yet of a referrer that a nightly rule found; how many commissions.

    A rule that notes leaves one note, with the newest commission. A rule that noted, or that staff overruled, in the
    last thirty days says nothing more of this referrer.
    """
    locks.own_referrer(session, finding.referrer_id)
    action = read_settings(program.review).action(finding.rule)
    if action is Action.OFF or _has_spoken(session, finding, action, now - _QUIET):
        return 0
    found = _unreserved_of(session, finding.referrer_id, finding.customers)
    movements: list[Movement] = []
    judged = 0
    for commission, amount in found if action is Action.HOLD else found[-1:]:
        new = _judge(session, program, commission, {finding.rule: finding.evidence}, now)
        judged += len(new)
        if new and action is Action.HOLD:
            movements.append(move_to_held(commission, amount))
    _post(session, program, movements, now)
    return judged


def _has_spoken(session: Session, finding: Finding, action: Action, since: datetime) -> bool:
    wanted = (
        select(Hold.id)
        .join(Commission, Commission.id == Hold.commission_id)
        .where(Commission.referrer_id == finding.referrer_id, Hold.rule == finding.rule)
    )
    if action is Action.HOLD:
        wanted = wanted.where(Hold.state == HoldState.RELEASED, Hold.closed_at >= since)
    else:
        wanted = wanted.where(
            (Hold.state == HoldState.NOTED) | (Hold.opened_at >= since) | (Hold.closed_at >= since)
        )
    return session.scalar(wanted.limit(1)) is not None


def _unreserved_of(
    session: Session, referrer_id: int, customers: Collection[int] | None = None
) -> list[tuple[Commission, int]]:
    """The referrer's commissions, of all or some customers, of which no payout has everything, with what is left."""
    write_balances(session)
    dates = select(LedgerBalance.available_on).where(
        LedgerBalance.referrer_id == referrer_id,
        LedgerBalance.figure == Figure.PAYABLE,
        LedgerBalance.amount_minor != 0,
    )
    wanted = select(Commission).where(
        Commission.referrer_id == referrer_id, Commission.available_on.in_(dates), Commission.target_minor > 0
    )
    if customers is not None:
        wanted = wanted.join(Order, Order.id == Commission.order_id).where(Order.customer_id.in_(customers))
    fresh = session.scalars(wanted.order_by(Commission.id).execution_options(populate_existing=True)).all()
    found = [(commission, unreserved(session, commission)) for commission in fresh]
    return [(commission, amount) for commission, amount in found if amount]


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
    wanted = select(Hold).where(Hold.commission_id.in_(commission_ids), Hold.state.in_(_WAITING))
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
    post_movements(session, movements, currency=program.currency, timezone=program.timezone, posted_at=now)
