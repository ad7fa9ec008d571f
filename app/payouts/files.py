"""From an approved run to stored, verified files, and on to the bank or back."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select, update

from app.identity.audit import Actor
from app.kernel.clock import local_day
from app.kernel.target_days import target_day_from
from app.payouts.approval import PAYOUTS_CHANGED, require_open_destinations, run_digest, void_approval
from app.payouts.deps import BATCH
from app.payouts.destinations import SealedIban, open_iban
from app.payouts.domain.pain001 import Address, CreditTransfer, Debtor
from app.payouts.domain.state import PayoutMove, PayoutState, RunMove, RunState, next_run_status
from app.payouts.errors import ApprovalVoid, FileNotBuilt
from app.payouts.models import Payout, PayoutApproval, PayoutDestination, PayoutFile, PayoutRun
from app.payouts.rails import rail_named
from app.payouts.rails.base import PaymentOrder
from app.payouts.settling import move_unposted
from app.payouts.stages import begin, finish, in_stage
from app.referrals.models import Program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from app.payouts.deps import PayoutDeps

_PAYMENTS: Final = (
    select(
        Payout.end_to_end_id,
        Payout.amount_minor,
        PayoutDestination.holder,
        PayoutDestination.bic,
        PayoutDestination.street,
        PayoutDestination.building,
        PayoutDestination.postcode,
        PayoutDestination.town,
        PayoutDestination.address_country,
        PayoutDestination.public_id,
        PayoutDestination.referrer_id,
        PayoutDestination.iban_sealed,
        PayoutDestination.iban_key,
    )
    .join(PayoutDestination, PayoutDestination.id == Payout.destination_id)
    .where(Payout.file_id == bindparam("file"))
    .order_by(Payout.id)
)
"""What goes into a file, by columns: loading whole accounts would cost more than writing the file."""


def build_files(deps: PayoutDeps, run_id: int, *, by: Actor, now: datetime) -> RunState:
    """Number the files, render and verify each, file the payouts, flip the run; the state it ends in.

    A run that is past it stays as it is. Killed anywhere, the next call goes on: what a file was stored
    with is never rendered again. Raises :class:`ApprovalVoid` (and puts the run back to frozen) where the
    payouts are not those that were approved, ``BlockedDestinations``, ``FileNotVerified``.
    """
    if not _begin_build(deps, run_id, now):
        return _state(deps, run_id)
    while _number_batch(deps, run_id, now):
        pass
    with deps.db.reading() as session:
        file_ids = list(
            session.scalars(
                select(PayoutFile.id)
                .where(PayoutFile.run_id == run_id, PayoutFile.sha256.is_(None))
                .order_by(PayoutFile.sequence)
            )
        )
    for file_id in file_ids:
        _render_file(deps, run_id, file_id, now)
    while _move_batch(deps, run_id, RunMove.BUILD, PayoutState.RESERVED, PayoutMove.FILE, now):
        pass
    with deps.db.transaction() as session:
        run = in_stage(session, run_id, RunMove.BUILD)
        if run is not None:
            finish(session, run, RunMove.BUILD, by, now)
            if run.payout_count == 0:
                _close_empty(session, run, by, now)
    return _state(deps, run_id)


def _state(deps: PayoutDeps, run_id: int) -> RunState:
    with deps.db.reading() as session:
        return session.get_one(PayoutRun, run_id).state


def _begin_build(deps: PayoutDeps, run_id: int, now: datetime) -> bool:
    """Begin or take up the build; false where it is done. The digest is compared before anything is
    written.
    """
    with deps.db.transaction() as session:
        run = begin_build(session, run_id)
        if run is None:
            return False
        signed = session.scalar(
            select(PayoutApproval.digest).where(
                PayoutApproval.run_id == run.id, PayoutApproval.voided_at.is_(None)
            )
        )
        void = signed != run_digest(session, run.id)
        if void:
            run.underway = None
            run.state = next_run_status(run.state, RunMove.WITHDRAW)
            void_approval(session, run, PAYOUTS_CHANGED, by=Actor.system("verifier"), now=now)
        elif run.execution_on is None:
            program = session.get_one(Program, run.program_id)
            run.execution_on = target_day_from(local_day(now, program.timezone))
        name = run.name
    if void:
        raise ApprovalVoid(name)
    return True


def begin_build(session: Session, run_id: int) -> PayoutRun | None:
    """Begin or take up building; ``None`` where it is done. Raises ``BlockedDestinations``."""
    run = begin(session, run_id, RunMove.BUILD)
    if run is not None:
        require_open_destinations(session, run)
        run.stage_total = run.payout_count
    return run


def _number_batch(deps: PayoutDeps, run_id: int, now: datetime) -> bool:
    """Give the next payouts their place in a file, in one transaction; whether there were any."""
    with deps.db.transaction() as session:
        run = in_stage(session, run_id, RunMove.BUILD)
        if run is None:
            return False
        rail = rail_named(run.rail)
        limit = rail.per_file(run.bank_profile)
        last = session.scalar(
            select(PayoutFile)
            .where(PayoutFile.run_id == run.id)
            .order_by(PayoutFile.sequence.desc())
            .limit(1)
        )
        if last is None or last.payment_count >= limit:
            room, sequence = limit, last.sequence + 1 if last else 1
        else:
            room, sequence = limit - last.payment_count, last.sequence
        chosen = session.execute(
            select(Payout.id, Payout.amount_minor)
            .where(Payout.run_id == run.id, Payout.state == PayoutState.RESERVED, Payout.file_id.is_(None))
            .order_by(Payout.id)
            .limit(min(deps.batch, room))
        ).all()
        if not chosen:
            return False
        if last is None or last.sequence != sequence:
            last = _new_file(run, sequence, now)
            session.add(last)
        last.payment_count += len(chosen)
        last.control_sum_minor += sum(amount for _, amount in chosen)
        session.flush()
        session.execute(
            update(Payout)
            .where(Payout.id.in_([payout_id for payout_id, _ in chosen]))
            .values(file_id=last.id)
        )
        return True


def _new_file(run: PayoutRun, sequence: int, now: datetime) -> PayoutFile:
    rail = rail_named(run.rail)
    message_id = f"R{run.id}-{sequence:02d}"
    return PayoutFile(
        run_id=run.id,
        sequence=sequence,
        message_id=message_id,
        name=f"{message_id}.{rail.extension}",
        media_type=rail.media_type,
        payment_count=0,
        control_sum_minor=0,
        created_at=now,
    )


def _render_file(deps: PayoutDeps, run_id: int, file_id: int, now: datetime) -> None:
    """Render one file, verify the bytes and store them, in one transaction."""
    with deps.db.transaction() as session:
        run = in_stage(session, run_id, RunMove.BUILD)
        if run is None:
            return
        rail = rail_named(run.rail)
        file = session.get_one(PayoutFile, file_id)
        if file.sha256 is not None:
            return
        order = _order(deps, session, run, file)
        content = rail.render(order)
        rail.verify(content, order)
        file.content, file.byte_count = content, len(content)
        file.sha256 = hashlib.sha256(content).hexdigest()
        file.verified_at = now
        run.stage_done += file.payment_count


def _order(deps: PayoutDeps, session: Session, run: PayoutRun, file: PayoutFile) -> PaymentOrder:
    if run.debtor_name is None or run.debtor_iban is None or run.execution_on is None:
        raise ApprovalVoid(run.name)
    program = session.get_one(Program, run.program_id)
    return PaymentOrder(
        message_id=file.message_id,
        created_at=file.created_at,
        execution_on=run.execution_on,
        debtor=Debtor(run.debtor_name, run.debtor_iban, run.debtor_bic),
        currency=run.currency,
        remittance=f"{program.name} {run.period}",
        bank_profile=run.bank_profile,
        instant=run.instant,
        payments=_transfers(deps, session, file.id),
    )


def _transfers(deps: PayoutDeps, session: Session, file_id: int) -> Sequence[CreditTransfer]:
    rows = session.execute(_PAYMENTS, {"file": file_id}, execution_options={"yield_per": BATCH})
    return [
        CreditTransfer(
            end_to_end_id=row.end_to_end_id,
            amount_minor=row.amount_minor,
            name=row.holder,
            iban=open_iban(
                deps.keyring, SealedIban(row.public_id, row.referrer_id, row.iban_sealed, row.iban_key)
            ),
            bic=row.bic,
            address=_address(row),
        )
        for row in rows
    ]


def _address(row: Row[*tuple[Any, ...]]) -> Address | None:
    if row.town is None or row.address_country is None:
        return None
    return Address(
        town=row.town,
        country=row.address_country,
        street=row.street,
        building=row.building,
        postcode=row.postcode,
    )


def _move_batch(
    deps: PayoutDeps,
    run_id: int,
    stage: RunMove,
    state: PayoutState,
    move: PayoutMove,
    now: datetime,
) -> bool:
    """Move the next payouts of a stage in one transaction; whether there were any."""
    with deps.db.transaction() as session:
        run = in_stage(session, run_id, stage)
        if run is None:
            return False
        moved = move_unposted(session, run.id, state, move, limit=deps.batch, now=now)
        if stage is RunMove.SUBMIT:
            run.stage_done += moved
        return moved > 0


def _close_empty(session: Session, run: PayoutRun, by: Actor, now: datetime) -> None:
    """A run without payouts has nothing to send and nothing to wait for."""
    run.submitted_at, run.submitted_by, run.closed_at = now, by.label, now
    finish(session, run, RunMove.SUBMIT, by, now)
    finish(session, run, RunMove.CLOSE, by, now)


def submit_run(deps: PayoutDeps, run_id: int, *, by: Actor, now: datetime) -> RunState:
    """Mark a built run as handed to the bank; the state it ends in. A submitted run stays as it is."""
    with deps.db.transaction() as session:
        run = begin_submit(session, run_id, by=by, now=now)
    if run is None:
        return _state(deps, run_id)
    while _move_batch(deps, run_id, RunMove.SUBMIT, PayoutState.FILED, PayoutMove.SUBMIT, now):
        pass
    with deps.db.transaction() as session:
        run = in_stage(session, run_id, RunMove.SUBMIT)
        if run is not None:
            finish(session, run, RunMove.SUBMIT, by, now)
    return _state(deps, run_id)


def begin_submit(session: Session, run_id: int, *, by: Actor, now: datetime) -> PayoutRun | None:
    """Begin or take up the mark that the bank has the files; ``None`` where it is done."""
    run = begin(session, run_id, RunMove.SUBMIT)
    if run is not None and run.submitted_by is None:
        run.submitted_at, run.submitted_by = now, by.label
        run.stage_total = run.payout_count
    return run


def file_content(session: Session, file: PayoutFile) -> bytes:
    """The stored bytes, the same at every download. Raises :class:`FileNotBuilt`."""
    content = session.scalar(select(PayoutFile.content).where(PayoutFile.id == file.id))
    if content is None:
        raise FileNotBuilt(file.message_id)
    return content


def files_of(session: Session, run_id: int) -> Sequence[PayoutFile]:
    """A run's files in their order, without their bytes."""
    return session.scalars(
        select(PayoutFile).where(PayoutFile.run_id == run_id).order_by(PayoutFile.sequence)
    ).all()
