"""Files of which nobody knows whether the bank has them, and what a person may say of their payouts.

Nothing of such a file is ever sent again under another message id: its payouts keep their money in flight, so that no
later run can take it, until the bank's feedback or a person with a reason says what became of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from app.identity.audit import record_event
from app.kernel.errors import InvalidInput
from app.kernel.queue import collect
from app.payouts.background import ADVANCE_RUN
from app.payouts.deps import PayoutEvent, PayoutNews
from app.payouts.domain.state import IllegalMove, PayoutMove, PayoutState, RunState
from app.payouts.errors import FileNotOpen, FileNotUnknown, NoSuchFile, RunBusy
from app.payouts.models import Payout, PayoutFile, PayoutRun
from app.payouts.settling import Moves, lock_payouts
from app.payouts.stages import lock_run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.payouts.deps import PayoutDeps

_MAY_HAVE_LEFT: Final = frozenset({RunState.BUILT, RunState.SUBMITTED})
_NOT_KNOWN_YET: Final = (PayoutState.FILED, PayoutState.SUBMITTED)
_LONGEST: Final = 500


def lose_file(session: Session, file_id: int, *, by: Actor, now: datetime) -> PayoutFile:
    """Write down that nobody knows whether the bank has this file; a worker then marks its open payouts ``unknown``.

    Saying it again changes nothing. From now on the run can no longer be cancelled. Raises :class:`FileNotOpen`
    before the file is built and after everything in it is settled, :class:`RunBusy`.
    """
    file, run = _locked(session, file_id)
    if file.lost_at is not None:
        return file
    open_ = select(func.count()).where(Payout.file_id == file.id, Payout.state.in_(_NOT_KNOWN_YET))
    if run.state not in _MAY_HAVE_LEFT or not session.scalars(open_).one():
        raise FileNotOpen(file.message_id)
    file.lost_at, file.lost_by = now, by.label
    _record(session, run, "file.outcome_unknown", {"file": file.message_id}, by, now)
    collect(session, ADVANCE_RUN, run.id)
    return file


def dismiss_file(session: Session, file_id: int, reason: str, *, by: Actor, now: datetime) -> PayoutFile:
    """Write down that the bank never got a file whose outcome was unknown; a worker then gives its money back.

    Its payouts become ``rejected``: whoever they were for is paid by a later run, in a new payout. Saying it again
    changes nothing. Raises :class:`FileNotUnknown`, ``InvalidInput`` without a reason, :class:`RunBusy`.
    """
    file, run = _locked(session, file_id)
    if file.lost_at is None:
        raise FileNotUnknown(file.message_id)
    if file.absent_at is not None:
        return file
    file.absent_at, file.absent_by, file.absent_reason = now, by.label, _reason(reason)
    facts = {"file": file.message_id, "reason": file.absent_reason}
    _record(session, run, "file.never_arrived", facts, by, now)
    collect(session, ADVANCE_RUN, run.id)
    return file


def decide_payout(
    deps: PayoutDeps,
    session: Session,
    payout_id: int,
    reason: str,
    *,
    paid_on: date | None,
    by: Actor,
    now: datetime,
) -> Payout:
    """A person's word on one ``unknown`` payout: booked on ``paid_on``, or (``None``) never paid.

    The bank's own debit, when it comes, confirms it; what contradicts it is an exception. Raises ``IllegalMove``
    for any payout that is not unknown, ``InvalidInput`` without a reason.
    """
    (payout,) = lock_payouts(session, [payout_id])
    move = PayoutMove.REJECT if paid_on is None else PayoutMove.BOOK
    if payout.state is not PayoutState.UNKNOWN:
        raise IllegalMove("payout", payout.state, move)
    payout.paid_on = paid_on
    _decide(payout, _reason(reason), by.label, now)
    moves = Moves(session, now)
    moves.move(payout, move)
    moves.post()
    if paid_on is not None:
        news = PayoutNews(PayoutEvent.SENT, payout.referrer_id, now, payout.destination_id, payout.id)
        deps.tell(session, news)
    run = session.get_one(PayoutRun, payout.run_id)
    facts = {"payout": payout.end_to_end_id, "outcome": payout.state.value, "reason": payout.decision}
    _record(session, run, "payout.decided", facts, by, now)
    collect(session, ADVANCE_RUN, run.id)
    return payout


def settle_lost_files(deps: PayoutDeps, run_id: int, now: datetime) -> None:
    """Have every payout of a run say what was said of its file, in batches. For a worker; safe to run again."""
    while _lose_batch(deps, run_id, now):
        pass
    while _reject_batch(deps, run_id, now):
        pass


def has_lost_files() -> ColumnElement[bool]:
    """Whether a run (of an enclosing query) has payouts that do not say yet what was said of their file."""
    pending = _of_lost_files(PayoutFile.lost_at.is_not(None), *_NOT_KNOWN_YET)
    dismissed = _of_lost_files(PayoutFile.absent_at.is_not(None), PayoutState.UNKNOWN)
    own = Payout.run_id == PayoutRun.id
    return pending.where(own).exists() | dismissed.where(own).exists()


def _of_lost_files(said: ColumnElement[bool], *states: PayoutState) -> Select[int]:
    file = PayoutFile.id == Payout.file_id
    return select(Payout.id).join(PayoutFile, file).where(said, Payout.state.in_(states))


def _lose_batch(deps: PayoutDeps, run_id: int, now: datetime) -> bool:
    wanted = _of_lost_files(PayoutFile.lost_at.is_not(None), *_NOT_KNOWN_YET)
    with deps.db.transaction() as session:
        payouts = _next(deps, session, wanted, run_id)
        moves = Moves(session, now)
        for payout in payouts:
            if payout.state is PayoutState.FILED:
                moves.move(payout, PayoutMove.SUBMIT)
            if payout.state is PayoutState.SUBMITTED:
                moves.move(payout, PayoutMove.LOSE)
        return bool(payouts)


def _reject_batch(deps: PayoutDeps, run_id: int, now: datetime) -> bool:
    wanted = _of_lost_files(PayoutFile.absent_at.is_not(None), PayoutState.UNKNOWN)
    with deps.db.transaction() as session:
        payouts = _next(deps, session, wanted, run_id)
        moves = Moves(session, now)
        for payout in payouts:
            # Read under its lock: the bank's debit may have come first, and then there is nothing to give back.
            if payout.state is PayoutState.UNKNOWN:
                file = session.get_one(PayoutFile, payout.file_id)
                _decide(payout, file.absent_reason or "", file.absent_by or "", now)
                moves.move(payout, PayoutMove.REJECT)
        moves.post()
        return bool(payouts)


def _next(deps: PayoutDeps, session: Session, wanted: Select[int], run_id: int) -> list[Payout]:
    """The next payouts, locked; none while another move of the run is under way, which comes first."""
    if lock_run(session, run_id).underway is not None:
        return []
    found = session.scalars(wanted.where(Payout.run_id == run_id).order_by(Payout.id).limit(deps.batch)).all()
    return lock_payouts(session, found)


def _decide(payout: Payout, reason: str, by: str, now: datetime) -> None:
    payout.decided_at, payout.decided_by, payout.decision = now, by, reason


def _locked(session: Session, file_id: int) -> tuple[PayoutFile, PayoutRun]:
    found = session.scalar(select(PayoutFile.run_id).where(PayoutFile.id == file_id))
    if found is None:
        raise NoSuchFile(str(file_id))
    # The race: one cancels the run while another says that the bank may have it. Whoever comes second must see it.
    run = lock_run(session, found)
    if run.underway is not None:
        raise RunBusy(run.name, run.underway)
    return session.get_one(PayoutFile, file_id, populate_existing=True), run


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not 1 <= len(reason) <= _LONGEST:
        raise InvalidInput(f"reason: expected 1 to {_LONGEST} characters", pointer="/reason")
    return reason


def _record(
    session: Session, run: PayoutRun, action: str, facts: Mapping[str, object], by: Actor, now: datetime
) -> None:
    record_event(session, by, action, f"run:{run.name}", facts, now=now, program_id=run.program_id)
