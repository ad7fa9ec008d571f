"""Taking a run on without a person: what a worker does, again and again, until there is
nothing it may do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from sqlalchemy import select

from app.identity.audit import Actor
from app.payouts.approval import approve_run
from app.payouts.cancelling import cancel_run
from app.payouts.domain.state import OPEN_PAYOUTS, RunMove, RunState
from app.payouts.files import build_files, submit_run
from app.payouts.models import Payout, PayoutRun
from app.payouts.reconcile import apply_feedback
from app.payouts.runs import draft_run, due_runs, freeze_run
from app.payouts.unknown import has_lost_files, settle_lost_files
from app.referrals.models import Program
from app.referrals.words import Approval

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.payouts.deps import PayoutDeps

_SCHEDULER = Actor.system("scheduler")


def draft_due_runs(session: Session, now: datetime) -> list[int]:
    """Draft what the calendar says is due; the ids of the drafts. For the scheduler's job."""
    return [
        draft_run(
            session, session.get_one(Program, due.program_id), period=due.period, by=_SCHEDULER, now=now
        ).id
        for due in due_runs(session, now)
    ]


def advance_run(deps: PayoutDeps, run_id: int, now: datetime) -> RunState:
    """Finish what was left off; under approval ``automatic`` go on to verified files. The state it ends in.

    Under ``one`` and ``two`` a draft waits for a person.
    """
    _resume(deps, run_id, now)
    settle_lost_files(deps, run_id, now)
    with deps.db.reading() as session:
        settled = session.scalar(select(PayoutRun.id).where(PayoutRun.id == run_id, is_settled())) is not None
    if settled:
        apply_feedback(deps, now)
    with deps.db.reading() as session:
        run = session.get_one(PayoutRun, run_id)
        program = session.get_one(Program, run.program_id)
        state, rule = run.state, program.approval if run.state is RunState.DRAFT else run.approval
    if rule is not Approval.AUTOMATIC:
        return state
    if state is RunState.DRAFT:
        state = freeze_run(deps, run_id, by=_SCHEDULER, now=now)
    if state is RunState.FROZEN:
        with deps.db.transaction() as session:
            approve_run(session, run_id, by=_SCHEDULER, now=now)
        state = RunState.APPROVED
    if state is RunState.APPROVED:
        state = build_files(deps, run_id, by=_SCHEDULER, now=now)
    return state


def _resume(deps: PayoutDeps, run_id: int, now: datetime) -> None:
    """Finish a move that was begun and not finished, in the name of whoever began it."""
    with deps.db.reading() as session:
        run = session.get_one(PayoutRun, run_id)
    match run.underway:
        case None:
            return
        case RunMove.FREEZE:
            freeze_run(deps, run_id, by=Actor(run.frozen_by or _SCHEDULER.label), now=now)
        case RunMove.BUILD:
            build_files(deps, run_id, by=Actor(run.approved_by or _SCHEDULER.label), now=now)
        case RunMove.SUBMIT:
            submit_run(deps, run_id, by=Actor(run.submitted_by or _SCHEDULER.label), now=now)
        case RunMove.CANCEL:
            cancel_run(deps, run_id, by=Actor(run.cancelled_by or _SCHEDULER.label), now=now)
        case (
            RunMove.APPROVE | RunMove.WITHDRAW | RunMove.CLOSE
        ):  # pragma: no cover - these take one transaction
            return
        case _:
            assert_never(run.underway)


def runs_to_advance(session: Session) -> list[int]:
    """Runs that a worker should take up: left off in the middle, or waiting for nobody. For the sweeper."""
    automatic = (PayoutRun.approval == Approval.AUTOMATIC) & PayoutRun.state.in_(
        [RunState.DRAFT, RunState.FROZEN, RunState.APPROVED]
    )
    wanted = automatic | PayoutRun.underway.is_not(None) | is_settled() | has_lost_files()
    return list(session.scalars(select(PayoutRun.id).where(wanted).order_by(PayoutRun.id)))


def is_settled() -> ColumnElement[bool]:
    """Whether a run (of an enclosing query) has nothing open any more and is not closed yet."""
    still_open = select(Payout.id).where(Payout.run_id == PayoutRun.id, Payout.state.in_(OPEN_PAYOUTS))
    return (
        PayoutRun.state.in_([RunState.BUILT, RunState.SUBMITTED])
        & PayoutRun.underway.is_(None)
        & ~still_open.exists()
    )
