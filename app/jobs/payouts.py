"""The monthly payout without a person: drafts on the payout day, and runs taken as far as nobody is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from app.kernel import clock
from app.kernel.errors import RefledgerError
from app.kernel.queue import JobRequest, collect
from app.payouts.advance import advance_run, draft_due_runs, runs_to_advance
from app.payouts.background import ADVANCE_RUN, note_trouble
from app.payouts.queries import feedback_waits
from app.payouts.reconcile import apply_feedback

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.services import Services

_log = structlog.get_logger(__name__)

DRAFT_DUE: Final = "payouts.draft_due"
APPLY_FEEDBACK: Final = "payouts.apply_feedback"


def draft_due(services: Services) -> None:
    """Draft what the calendar says is due and have each draft taken on."""
    with services.db.transaction() as session:
        for run_id in draft_due_runs(session, clock.now()):
            _log.info("run_drafted", run=run_id)
            collect(session, ADVANCE_RUN, run_id)


def advance(services: Services, run_id: int) -> None:
    """Finish what was left off; under approval ``automatic`` go on to verified files.

    A refusal is kept on the run, for its page, and ends the job: the sweeper tries again while the move is under way.
    """
    try:
        state = advance_run(services.payouts, run_id, clock.now())
    except RefledgerError as error:
        _note(services, run_id, error, error.detail)
        return
    except Exception as error:  # whatever it is, whoever watches the run must see it; RQ gets it all the same
        _note(services, run_id, error, type(error).__name__)
        raise
    _log.info("run_advanced", run=run_id, state=state.value)


def _note(services: Services, run_id: int, error: Exception, detail: str) -> None:
    _log.warning("run_stopped", run=run_id, error=type(error).__name__, detail=detail)
    with services.db.transaction() as session:
        note_trouble(session, run_id, type(error).__name__, detail)


def apply_stored_feedback(services: Services) -> None:
    """Apply what an import stored and did not live to apply."""
    apply_feedback(services.payouts, clock.now())


def due_jobs(session: Session) -> list[JobRequest]:
    """A job for each run that was left off in the middle or waits for nobody, and for bank records left over."""
    runs = [JobRequest(ADVANCE_RUN, (run_id,)) for run_id in runs_to_advance(session)]
    return [*runs, JobRequest(APPLY_FEEDBACK)] if feedback_waits(session) else runs
