"""Bank feedback: files are taken in, their records applied in batches, and runs closed when all is
answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from sqlalchemy import func, select

from app.payouts.bank_import import counts_of, gaps_of, take_in
from app.payouts.check import require_sound_books
from app.payouts.domain.feedback import UPLOAD_BYTES
from app.payouts.domain.state import OPEN_PAYOUTS, WITH_THE_BANK, RunMove, RunState
from app.payouts.matching import (
    BANK,
    REJECTED,
    Desk,
    apply_to_payout,
    book,
    doubt_of,
    freeze_referrer,
    looks_ours,
    put_aside,
    reject,
)
from app.payouts.models import BankEvent, BankFile, Payout, PayoutFile, PayoutRun
from app.payouts.queries import waits_no_longer
from app.payouts.settling import Moves, lock_payouts
from app.payouts.stages import finish, lock_run
from app.payouts.words import BankEventKind, BankEventState, BankFileState, ExceptionReason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.payouts.deps import PayoutDeps


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What a bank file did. ``repeated`` counts records that were known before, by whichever file."""

    file_id: int
    records: int
    applied: int
    repeated: int
    noted: int
    deferred: int
    exceptions: int
    known_file: bool
    """The same bytes were imported before; nothing happened."""


def import_feedback(
    deps: PayoutDeps,
    source: IO[bytes],
    name: str,
    *,
    by: Actor,
    now: datetime,
    limit: int | None = UPLOAD_BYTES,
) -> ImportResult:
    """Import a pain.002, camt.053 or camt.054 from a seekable file. The same or an overlapping file does
    nothing twice. ``limit`` is the largest file that is read, in bytes; ``None`` reads any.

    Raises ``BadBankFile`` before anything is stored.
    """
    taken = take_in(deps, source, name, limit=limit, by=by, now=now)
    apply_feedback(deps, now)
    with deps.db.reading() as session:
        counts = counts_of(session, taken.file_id)
        gaps = gaps_of(session, taken.file_id)
    own = {state: 0 if taken.known else counts.get(state, 0) for state in BankEventState}
    return ImportResult(
        file_id=taken.file_id,
        records=taken.records,
        applied=own[BankEventState.APPLIED],
        repeated=own[BankEventState.REPEATED] + taken.records - sum(own.values()),
        noted=own[BankEventState.NOTED],
        deferred=own[BankEventState.DEFERRED],
        exceptions=own[BankEventState.EXCEPTION] + (0 if taken.known else gaps),
        known_file=taken.known,
    )


def apply_feedback(deps: PayoutDeps, now: datetime) -> None:
    """Apply every stored record that had no effect yet, and close what is settled. Also for the sweeper."""
    while _apply_batch(deps, now) or _take_up_deferred(deps):
        pass
    _close_settled_runs(deps, now)
    with deps.db.transaction() as session:
        waiting = select(BankEvent.bank_file_id).where(BankEvent.state == BankEventState.RECEIVED)
        for file in session.scalars(
            select(BankFile).where(BankFile.state == BankFileState.RECORDED, BankFile.id.not_in(waiting))
        ):
            file.state = BankFileState.APPLIED


def _apply_batch(deps: PayoutDeps, now: datetime) -> bool:
    """Apply the next stored records in one transaction; whether there were any.

    The race: two imports, or an import and the sweeper, take the same records. The rows are locked, and
    whoever comes second finds them applied.
    """
    with deps.db.transaction() as session:
        events = session.scalars(
            select(BankEvent)
            .where(BankEvent.state == BankEventState.RECEIVED)
            .order_by(BankEvent.id)
            .limit(deps.batch)
            .with_for_update()
        ).all()
        if not events:
            return False
        desk = Desk(deps, session, Moves(session, now), now)
        desk.payouts = _named_payouts(session, events)
        # Flushed once at the end: a flush before each look-up would make a batch quadratic.
        with session.no_autoflush:
            _apply_each(desk, events)
        session.flush()
        finish_desk(desk)
    return True


def _take_up_deferred(deps: PayoutDeps) -> bool:
    """Back to the inbox with the returns that came before their debits, once those are booked; whether there were any.

    Also once the bank refused the payout, or a person decided about it: a return of what never left contradicts that,
    and a person has to see it.
    """
    with deps.db.transaction() as session:
        events = session.scalars(
            select(BankEvent)
            .where(waits_no_longer())
            .order_by(BankEvent.id)
            .limit(deps.batch)
            .with_for_update()
        ).all()
        for event in events:
            event.state = BankEventState.RECEIVED
        return bool(events)


def _apply_each(desk: Desk, events: Sequence[BankEvent]) -> None:
    for event in events:
        if event.end_to_end_id is not None and event.payout_file_id is None:
            _apply_named(desk, event)
        elif not _apply_to_file(desk, event):
            break


def _named_payouts(session: Session, events: Sequence[BankEvent]) -> dict[str, Payout]:
    wanted = {event.end_to_end_id for event in events if event.end_to_end_id is not None}
    found = session.scalars(select(Payout.id).where(Payout.end_to_end_id.in_(wanted))).all()
    return {payout.end_to_end_id: payout for payout in lock_payouts(session, found)}


def _apply_named(desk: Desk, event: BankEvent) -> None:
    payout = desk.payouts.get(event.end_to_end_id or "")
    if payout is None:
        _unknown(event)
    else:
        apply_to_payout(desk, event, payout)


def _unknown(event: BankEvent) -> None:
    """Other business of the merchant is noted; what carries one of our ids and is not ours is looked at."""
    if looks_ours(event):
        put_aside(event, ExceptionReason.UNKNOWN_PAYMENT)
    else:
        event.state = BankEventState.NOTED


def finish_desk(desk: Desk) -> None:
    """Write what the moves post; then suspend whom the bank says is dead, so that what came back is held too."""
    desk.moves.post()
    for referrer_id in sorted(desk.frozen):
        freeze_referrer(desk, referrer_id)


def _apply_to_file(desk: Desk, event: BankEvent) -> bool:
    """Apply a record about a whole file (a batch debit, a rejected group); false while payouts of it are
    left.
    """
    rejection = event.kind is BankEventKind.STATUS and event.status == REJECTED
    debit = event.kind is BankEventKind.DEBIT and event.booked
    desk.session.flush()
    if event.payout_file_id is None:
        file = _file_of(desk.session, event)
        if file is None or not (rejection or debit):
            _about_nothing(event, file)
            return True
        refusal = _batch_refusal(desk, event, file) if debit else None
        if isinstance(refusal, ExceptionReason):
            put_aside(event, refusal)
            return True
        if refusal is not None:
            event.state = refusal
            return True
        event.payout_file_id = file.id
    return _settle_file(desk, event, rejection=rejection)


def _about_nothing(event: BankEvent, file: PayoutFile | None) -> None:
    if file is not None and event.kind is BankEventKind.CREDIT and event.booked:
        put_aside(event, ExceptionReason.UNKNOWN_REASON)
    elif file is not None and (doubt := doubt_of(event)) is not None:
        # Some banks answer for the block alone: which of its payees is meant, a person has to find out.
        put_aside(event, doubt)
    elif file is not None:
        event.state = BankEventState.NOTED
    else:
        _unknown(event)


def _file_of(session: Session, event: BankEvent) -> PayoutFile | None:
    ids = [text for text in (event.payment_information_id, event.message_id) if text is not None]
    return session.scalar(select(PayoutFile).where(PayoutFile.message_id.in_(ids)).limit(1))


def _batch_refusal(desk: Desk, event: BankEvent, file: PayoutFile) -> ExceptionReason | BankEventState | None:
    """Why a batch debit does not settle its file: it must name the count and the sum of what
    is still open.
    """
    session = desk.session
    run = session.get_one(PayoutRun, file.run_id)
    if event.account is not None and event.account != run.debtor_iban:
        return ExceptionReason.OTHER_ACCOUNT
    count, total = session.execute(
        select(func.count(), func.coalesce(func.sum(Payout.amount_minor), 0)).where(
            Payout.file_id == file.id, Payout.state.in_(WITH_THE_BANK)
        )
    ).one()
    told = (event.batch_count, event.amount_minor, event.currency)
    if count and told == (int(count), int(total), run.currency):
        return None
    known = session.scalars(
        select(func.count())
        .select_from(Payout)
        .join(BankEvent, BankEvent.id == Payout.settled_by_event_id)
        .where(
            Payout.file_id == file.id,
            BankEvent.entry_ref == event.entry_ref,
            BankEvent.account == event.account,
        )
    ).one()
    return BankEventState.REPEATED if known and event.entry_ref else ExceptionReason.BATCH_DIFFERS


def _settle_file(desk: Desk, event: BankEvent, *, rejection: bool) -> bool:
    """Book or reject the next payouts of the event's file; true once none is left, which
    applies the event.
    """
    chosen = desk.session.scalars(
        select(Payout.id)
        .where(Payout.file_id == event.payout_file_id, Payout.state.in_(WITH_THE_BANK))
        .order_by(Payout.id)
        .limit(desk.deps.batch)
    ).all()
    payouts = [payout for payout in lock_payouts(desk.session, chosen) if payout.state in WITH_THE_BANK]
    for payout in payouts:
        if rejection:
            reject(desk, event, payout)
        else:
            book(desk, event, payout)
    if len(chosen) == desk.deps.batch:
        return False
    event.state = BankEventState.APPLIED
    return True


def _close_settled_runs(deps: PayoutDeps, now: datetime) -> None:
    """Close every run of which nothing is open any more. Raises ``BooksDoNotAddUp`` instead of closing over
    it.
    """
    with deps.db.reading() as session:
        still_open = select(Payout.id).where(Payout.run_id == PayoutRun.id, Payout.state.in_(OPEN_PAYOUTS))
        runs = session.scalars(
            select(PayoutRun)
            .where(
                PayoutRun.state.in_([RunState.BUILT, RunState.SUBMITTED]),
                PayoutRun.underway.is_(None),
                ~still_open.exists(),
            )
            .order_by(PayoutRun.id)
        ).all()
    for program_id in {run.program_id for run in runs}:
        require_sound_books(deps.db, program_id)
    for run in runs:
        with deps.db.transaction() as session:
            _close(session, lock_run(session, run.id), now)


def _close(session: Session, run: PayoutRun, now: datetime) -> None:
    if run.underway is not None or run.state not in {RunState.BUILT, RunState.SUBMITTED}:
        return
    if run.state is RunState.BUILT:
        run.submitted_at, run.submitted_by = now, BANK.label
        finish(session, run, RunMove.SUBMIT, BANK, now)
    run.closed_at = now
    finish(session, run, RunMove.CLOSE, BANK, now)
