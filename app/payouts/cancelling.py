"""Giving up a run before the bank saw it: every reservation is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from app.payouts.approval import void_approval
from app.payouts.documents.voiding import void_documents_of
from app.payouts.domain.state import PayoutMove, PayoutState, RunMove, RunState
from app.payouts.errors import AlreadySubmitted
from app.payouts.models import Payout, PayoutFile, PayoutRun
from app.payouts.settling import lock_payouts, move_payouts
from app.payouts.stages import begin, finish, in_stage

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.payouts.deps import PayoutDeps

_TAKEN_BACK: Final = (PayoutState.RESERVED, PayoutState.FILED)


def cancel_run(deps: PayoutDeps, run_id: int, *, by: Actor, now: datetime) -> RunState:
    """Undo every reservation in batches, then flip the run. A cancelled run stays as it is.

    Raises ``IllegalMove`` from submitted on, :class:`AlreadySubmitted` where the bank has spoken of a
    payout.
    """
    with deps.db.transaction() as session:
        run = begin_cancel(session, run_id, by=by)
    while run is not None and _cancel_batch(deps, run_id, now):
        pass
    with deps.db.transaction() as session:
        run = in_stage(session, run_id, RunMove.CANCEL)
        if run is not None:
            void_approval(session, run, "the run was cancelled", by=by, now=now)
            run.payout_count = run.total_minor = 0
            run.cancelled_at = now
            finish(session, run, RunMove.CANCEL, by, now)
        return session.get_one(PayoutRun, run_id).state


def begin_cancel(session: Session, run_id: int, *, by: Actor) -> PayoutRun | None:
    """Begin or take up the cancellation; ``None`` where it is done. Raises :class:`AlreadySubmitted`."""
    run = begin(session, run_id, RunMove.CANCEL)
    if run is not None:
        _require_unseen(session, run)
    if run is not None and run.cancelled_by is None:
        run.cancelled_by = by.label
        wanted = select(func.count()).where(Payout.run_id == run.id, Payout.state.in_(_TAKEN_BACK))
        run.stage_total = session.scalars(wanted).one()
    return run


def _require_unseen(session: Session, run: PayoutRun) -> None:
    seen = session.scalars(
        select(func.count()).where(
            Payout.run_id == run.id, Payout.state.not_in([*_TAKEN_BACK, PayoutState.CANCELLED])
        )
    ).one()
    lost = select(func.count()).where(PayoutFile.run_id == run.id, PayoutFile.lost_at.is_not(None))
    if seen or session.scalars(lost).one():
        raise AlreadySubmitted(run.name)


def _cancel_batch(deps: PayoutDeps, run_id: int, now: datetime) -> bool:
    """Undo the next reservations in one transaction; whether there were any."""
    with deps.db.transaction() as session:
        run = in_stage(session, run_id, RunMove.CANCEL)
        if run is None:
            return False
        chosen = session.scalars(
            select(Payout.id)
            .where(Payout.run_id == run_id, Payout.state.in_(_TAKEN_BACK))
            .order_by(Payout.id)
            .limit(deps.batch)
        ).all()
        payouts = [payout for payout in lock_payouts(session, chosen) if payout.state in _TAKEN_BACK]
        move_payouts(session, payouts, PayoutMove.CANCEL, now)
        void_documents_of(session, [payout.id for payout in payouts], now)
        run.stage_done += len(payouts)
        return bool(chosen)
