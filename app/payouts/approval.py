"""Approving a run: a signature under the digest of its payouts, void as soon as anything changes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, update

from app.identity.audit import Actor, record_event
from app.payouts.documents.voiding import void_documents_of
from app.payouts.domain.state import (
    IllegalMove,
    PayoutMove,
    PayoutState,
    RunMove,
    RunState,
    next_run_status,
)
from app.payouts.errors import (
    BlockedDestinations,
    BuildBegun,
    NotTheApprover,
    Objection,
    RunBusy,
    SuspendedReferrers,
)
from app.payouts.models import Payout, PayoutApproval, PayoutDestination, PayoutOmission
from app.payouts.settling import lock_payouts, move_payouts
from app.payouts.stages import lock_run
from app.payouts.words import OmissionReason
from app.referrals.models import Referrer, ReferrerStatus
from app.referrals.words import Approval

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.payouts.models import PayoutRun

_PERSON: Final = "user:"
PAYOUTS_CHANGED: Final = "the payouts changed"
"""Why an approval is void that nobody withdrew."""


def run_digest(session: Session, run_id: int) -> str:
    """SHA-256 over (end-to-end id, bank account, amount, currency) of every payout that is not cancelled,
    by id.
    """
    digest = hashlib.sha256()
    rows = session.execute(
        select(
            Payout.end_to_end_id,
            PayoutDestination.public_id,
            PayoutDestination.iban_key,
            Payout.amount_minor,
            Payout.currency,
        )
        .join(PayoutDestination, PayoutDestination.id == Payout.destination_id)
        .where(Payout.run_id == run_id, Payout.state != PayoutState.CANCELLED)
        .order_by(Payout.id),
        execution_options={"yield_per": 1000},
    )
    for row in rows:
        digest.update("|".join(map(str, row)).encode() + b"\n")
    return digest.hexdigest()


def approve_run(session: Session, run_id: int, *, by: Actor, now: datetime) -> PayoutApproval:
    """Sign a frozen run. The caller has asked ``by`` for the password again, where the rule wants a person.

    Raises ``IllegalMove`` unless the run is frozen (also for the second of two approvals),
    :class:`NotTheApprover` where four eyes would be two, :class:`BlockedDestinations`,
    :class:`SuspendedReferrers`.
    """
    run = lock_run(session, run_id)
    if run.underway is not None:
        raise RunBusy(run.name, run.underway)
    state = next_run_status(run.state, RunMove.APPROVE)
    _require_approver(session, run, by)
    require_open_destinations(session, run)
    approval = PayoutApproval(
        run_id=run.id,
        digest=run_digest(session, run.id),
        rule=run.approval,
        approved_by=by.label,
        approved_at=now,
    )
    session.add(approval)
    run.state, run.approved_at, run.approved_by = state, now, by.label
    facts = {"digest": approval.digest, "payouts": run.payout_count, "total_minor": run.total_minor}
    record_event(session, by, "run.approved", f"run:{run.name}", facts, now=now, program_id=run.program_id)
    session.flush()
    return approval


def _require_approver(session: Session, run: PayoutRun, by: Actor) -> None:
    """Two means four eyes: the approver neither made nor froze the run, nor last edited an account in it."""
    if run.approval is Approval.AUTOMATIC:
        return
    if not by.label.startswith(_PERSON):
        raise NotTheApprover(run.name, Objection.NO_PERSON)
    if run.approval is Approval.ONE:
        return
    if run.frozen_by is None or not run.frozen_by.startswith(_PERSON):
        raise NotTheApprover(run.name, Objection.FROZEN_BY_NOBODY)
    if by.label in {run.created_by, run.frozen_by}:
        raise NotTheApprover(run.name, Objection.MADE_OR_FROZE)
    edited = (
        select(func.count())
        .select_from(Payout)
        .join(PayoutDestination, PayoutDestination.id == Payout.destination_id)
        .where(Payout.run_id == run.id, PayoutDestination.created_by == by.label)
    )
    if session.scalars(edited).one():
        raise NotTheApprover(run.name, Objection.EDITED_ACCOUNT)


def require_open_destinations(session: Session, run: PayoutRun) -> None:
    """Raise :class:`BlockedDestinations` where an account was blocked since the freeze, and
    :class:`SuspendedReferrers` where somebody was suspended.
    """
    blocked = session.scalars(
        select(func.count())
        .select_from(Payout)
        .join(PayoutDestination, PayoutDestination.id == Payout.destination_id)
        .where(
            Payout.run_id == run.id,
            Payout.state != PayoutState.CANCELLED,
            PayoutDestination.blocked_at.is_not(None),
        )
    ).one()
    if blocked:
        raise BlockedDestinations(run.name, blocked)
    suspended = session.scalars(
        select(func.count())
        .select_from(Payout)
        .join(Referrer, Referrer.id == Payout.referrer_id)
        .where(
            Payout.run_id == run.id,
            Payout.state != PayoutState.CANCELLED,
            Referrer.status == ReferrerStatus.SUSPENDED,
        )
    ).one()
    if suspended:
        raise SuspendedReferrers(run.name, suspended)


def void_approval(session: Session, run: PayoutRun, reason: str, *, by: Actor, now: datetime) -> None:
    """Strike the standing approval of a locked run, if there is one, and put an approved run back to
    frozen.
    """
    struck = session.execute(
        update(PayoutApproval)
        .where(PayoutApproval.run_id == run.id, PayoutApproval.voided_at.is_(None))
        .values(voided_at=now, void_reason=reason[:200])
        .returning(PayoutApproval.id)
    ).all()
    if struck:
        facts = {"reason": reason}
        record_event(
            session, by, "run.approval_void", f"run:{run.name}", facts, now=now, program_id=run.program_id
        )


def withdraw_approval(session: Session, run_id: int, reason: str, *, by: Actor, now: datetime) -> None:
    """Put an approved run back to frozen. Raises ``IllegalMove`` for any other."""
    run = lock_run(session, run_id)
    if run.underway is not None:
        raise RunBusy(run.name, run.underway)
    run.state = next_run_status(run.state, RunMove.WITHDRAW)
    void_approval(session, run, reason, by=by, now=now)


def exclude_payout(session: Session, payout_id: int, reason: str, *, by: Actor, now: datetime) -> Payout:
    """Take one payout out of a frozen or approved run; its money is available again and the approval void.

    Raises ``IllegalMove`` where the bank may have it, :class:`RunBusy` while the run is moving.
    """
    run = lock_run(session, session.get_one(Payout, payout_id).run_id)
    if run.underway is not None:
        raise RunBusy(run.name, run.underway)
    if run.state not in {RunState.FROZEN, RunState.APPROVED}:
        raise IllegalMove("run", run.state, RunMove.WITHDRAW)
    (payout,) = lock_payouts(session, [payout_id])
    if payout.file_id is not None:
        raise BuildBegun(run.name)
    move_payouts(session, [payout], PayoutMove.CANCEL, now)
    void_documents_of(session, [payout.id], now)
    payout.reason_code = OmissionReason.EXCLUDED.value
    session.add(
        PayoutOmission(
            run_id=run.id,
            referrer_id=payout.referrer_id,
            available_minor=payout.amount_minor - payout.vat_minor,
            reason=OmissionReason.EXCLUDED,
        )
    )
    run.payout_count, run.total_minor = run.payout_count - 1, run.total_minor - payout.amount_minor
    run.omission_count += 1
    facts = {"payout": payout.end_to_end_id, "reason": reason}
    record_event(session, by, "payout.excluded", f"run:{run.name}", facts, now=now, program_id=run.program_id)
    if run.state is RunState.APPROVED:
        run.state = next_run_status(run.state, RunMove.WITHDRAW)
        void_approval(session, run, reason, by=by, now=now)
    return payout
