"""Moves of a run that somebody asks for and a worker makes: begun in the request, finished by a job.

The request's transaction writes that the move is under way; from then on the database says so, and a lost job is
made again by the sweeper. What stops a worker is kept on the run, for its page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.kernel.queue import collect
from app.payouts.cancelling import begin_cancel
from app.payouts.domain.state import IllegalMove, RunMove
from app.payouts.files import begin_build, begin_submit
from app.payouts.models import PayoutFile
from app.payouts.runs import begin_freeze
from app.payouts.stages import lock_run

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.payouts.models import PayoutRun

ADVANCE_RUN: Final = "payouts.advance"
"""The job that takes a run on; its argument is the run's id."""

_LONGEST: Final = 500


def start_move(session: Session, run_id: int, move: RunMove, *, by: Actor, now: datetime) -> bool:
    """Write that ``move`` is under way and have a worker make it; false where it was already, or is done.

    So a second press does nothing. Raises what the move itself refuses: ``IllegalMove``, ``RunBusy``, ``NoDebtor``,
    ``BlockedDestinations``, ``AlreadySubmitted``. The caller lets a savepoint undo what was written before a refusal.
    """
    begun_before = lock_run(session, run_id).underway is move
    match move:
        case RunMove.FREEZE:
            run = begin_freeze(session, run_id, by=by)
        case RunMove.BUILD:
            run = begin_build(session, run_id)
        case RunMove.SUBMIT:
            run = begin_submit(session, run_id, by=by, now=now)
        case RunMove.CANCEL:
            run = begin_cancel(session, run_id, by=by)
        case _:
            raise IllegalMove("run", lock_run(session, run_id).state, move)
    if run is None or begun_before:
        return False
    collect(session, ADVANCE_RUN, run_id)
    return True


def note_trouble(session: Session, run_id: int, name: str, detail: str) -> None:
    """Keep what stopped a worker. A move that has touched nothing yet is taken back, so that it can be asked for
    again; any other stays under way and is tried again.
    """
    run = lock_run(session, run_id)
    run.trouble, run.trouble_detail = name[:40], detail[:_LONGEST]
    if run.underway is RunMove.FREEZE and run.stage_done == 0:
        # Whoever freezes it in the end is the one who may not approve it.
        run.underway = run.frozen_by = None
    elif run.underway is RunMove.BUILD and not _has_files(session, run):
        run.underway = None


def _has_files(session: Session, run: PayoutRun) -> bool:
    return session.scalar(select(PayoutFile.id).where(PayoutFile.run_id == run.id).limit(1)) is not None
