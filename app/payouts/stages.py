"""Moves of a run that take several transactions: begun, done in batches, and finished by flipping the state
last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.identity.audit import record_event
from app.payouts.domain.state import RunMove, RunState, next_run_status
from app.payouts.errors import NoSuchRun, RunBusy
from app.payouts.models import PayoutRun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor

_LINE: Final = (
    RunState.DRAFT,
    RunState.FROZEN,
    RunState.APPROVED,
    RunState.BUILT,
    RunState.SUBMITTED,
    RunState.CLOSED,
)
_LEADS_TO: Final = {
    RunMove.FREEZE: RunState.FROZEN,
    RunMove.BUILD: RunState.BUILT,
    RunMove.SUBMIT: RunState.SUBMITTED,
    RunMove.CANCEL: RunState.CANCELLED,
}
CANCELLABLE: Final = frozenset({RunMove.FREEZE, RunMove.BUILD})
"""Moves that a cancellation may overtake."""


def lock_run(session: Session, run_id: int) -> PayoutRun:
    """The run's row, fresh and locked. Raises :class:`NoSuchRun`.

    The race: two people approve together, one cancels while another builds, or two workers take the same
    run on. Whoever comes second must see what the first did, or files would be built of payouts that were
    given back.
    """
    statement = select(PayoutRun).where(PayoutRun.id == run_id).with_for_update()
    run = session.scalar(statement.execution_options(populate_existing=True))
    if run is None:
        raise NoSuchRun(str(run_id))
    return run


def begin(session: Session, run_id: int, move: RunMove) -> PayoutRun | None:
    """Begin ``move``, or take up the one that was left off; ``None`` where it is done already.

    Raises ``IllegalMove`` where the state does not allow it, :class:`RunBusy` while another move is
    underway. Only a cancellation may overtake an unfinished freeze or build: nothing has left the house.
    """
    run = lock_run(session, run_id)
    if run.underway is move:
        return run
    if is_done(run.state, move):
        return None
    overtakes = move is RunMove.CANCEL and run.underway in CANCELLABLE
    if run.underway is not None and not overtakes:
        raise RunBusy(run.name, run.underway)
    next_run_status(run.state, move)
    run.underway = move
    _start_count(run)
    return run


def _start_count(run: PayoutRun) -> None:
    run.stage_done = run.stage_total = 0
    run.trouble = run.trouble_detail = None


def is_done(state: RunState, move: RunMove) -> bool:
    """Whether a run in this state has this move behind it."""
    target = _LEADS_TO[move]
    if target not in _LINE or state not in _LINE:
        return state is target
    return _LINE.index(state) >= _LINE.index(target)


def in_stage(session: Session, run_id: int, move: RunMove) -> PayoutRun | None:
    """The locked run while ``move`` is underway; ``None`` when another finished or overtook it."""
    run = lock_run(session, run_id)
    return run if run.underway is move else None


def finish(
    session: Session,
    run: PayoutRun,
    move: RunMove,
    by: Actor,
    now: datetime,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Flip the locked run's state: the last write of a move."""
    run.state = next_run_status(run.state, move)
    run.underway = None
    _start_count(run)
    facts = {"payouts": run.payout_count, "total_minor": run.total_minor, **(details or {})}
    record_event(
        session, by, f"run.{run.state.value}", f"run:{run.name}", facts, now=now, program_id=run.program_id
    )
