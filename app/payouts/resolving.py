"""The exception list: what a person says of a record of the bank that matched nothing by itself.

Either it is none of ours (or was seen to), which moves nothing, or it is named what it belongs to, which does to that
payout or file what the record would have done by itself. A name never bends an amount: the books show what the bank
moved, to the cent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from app.identity.audit import record_event
from app.kernel.errors import InvalidInput
from app.payouts.destinations import block_destination
from app.payouts.domain.reasons import Consequence, consequence_of, payee_check_of
from app.payouts.domain.state import WITH_THE_BANK, IllegalMove, PayoutMove, PayoutState
from app.payouts.errors import NoSuchEvent, NoSuchReference, NotAssignable
from app.payouts.matching import BANK, REJECTED, Desk, book, give_back, reject
from app.payouts.models import BankEvent, BankFile, Payout, PayoutDestination, PayoutFile
from app.payouts.reconcile import apply_feedback, finish_desk
from app.payouts.settling import Moves, lock_payouts
from app.payouts.words import BankEventKind, BankEventState, BankFileState, BlockedReason

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.payouts.deps import PayoutDeps

_LONGEST: Final = 500


def note_exception(session: Session, event_id: int, note: str, *, by: Actor, now: datetime) -> BankEvent:
    """Take a record off the exception list with a person's word on what it was. Moves nothing.

    A held payout goes on as the bank has it. Raises :class:`NoSuchEvent`, ``InvalidInput`` without a reason.
    """
    event = _locked(session, event_id)
    _resolve(event, _said(note), by.label, now)
    record_event(session, by, "bank_event.noted", f"bank_event:{event.id}", _facts(event), now=now)
    return event


def assign_exception(
    deps: PayoutDeps, event_id: int, reference: str, note: str, *, by: Actor, now: datetime
) -> None:
    """Say which payout (end-to-end id) or which file (message id) a record belongs to, and apply it.

    A debit books, a credit gives back, a rejection or a doubt about the payee takes the payout back. Raises
    :class:`NoSuchEvent`, :class:`NoSuchReference`, :class:`NotAssignable` where amount, currency or kind do not
    allow it, ``IllegalMove`` where the payout's state does not, ``InvalidInput`` without a reason.
    """
    reference, said = "".join(reference.split()), _said(note)
    with deps.db.transaction() as session:
        event = _locked(session, event_id)
        payout_id = session.scalar(select(Payout.id).where(Payout.end_to_end_id == reference))
        if payout_id is not None:
            _assign_to_payout(deps, session, event, payout_id, now)
            _resolve(event, said, by.label, now)
        else:
            _assign_to_file(session, event, reference, said)
        facts = {**_facts(event), "reference": reference}
        record_event(session, by, "bank_event.assigned", f"bank_event:{event.id}", facts, now=now)
    apply_feedback(deps, now)


def _locked(session: Session, event_id: int) -> BankEvent:
    """The race: two people resolve the same record, one as ours and one as not. Whoever comes second finds it gone."""
    event = session.scalar(
        select(BankEvent)
        .where(BankEvent.id == event_id, BankEvent.state == BankEventState.EXCEPTION)
        .with_for_update()
    )
    if event is None:
        raise NoSuchEvent(event_id)
    return event


def _resolve(event: BankEvent, said: str, who: str, now: datetime) -> None:
    event.state, event.resolved_at, event.resolved_by, event.resolution = (
        BankEventState.RESOLVED,
        now,
        who,
        said,
    )


def _said(note: str) -> str:
    said = " ".join(note.split())
    if not 1 <= len(said) <= _LONGEST:
        raise InvalidInput(f"a reason of 1 to {_LONGEST} characters is needed", pointer="/reason")
    return said


def _facts(event: BankEvent) -> dict[str, str | int | None]:
    return {
        "exception": event.exception.value if event.exception else None,
        "amount": event.amount_minor,
        "reason": event.resolution,
    }


def _assign_to_payout(
    deps: PayoutDeps, session: Session, event: BankEvent, payout_id: int, now: datetime
) -> None:
    (payout,) = lock_payouts(session, [payout_id])
    desk = Desk(deps, session, Moves(session, now), now)
    match event.kind:
        case BankEventKind.DEBIT if _is_worth(event, payout.amount_minor, payout.currency):
            _book(desk, event, payout)
        case BankEventKind.CREDIT if _is_worth(event, payout.amount_minor, payout.currency):
            give_back(desk, event, payout)
        case BankEventKind.STATUS:
            _take_back(desk, event, payout)
        case _:
            raise NotAssignable(payout.end_to_end_id)
    event.payout_id = payout.id
    finish_desk(desk)


def _is_worth(event: BankEvent, amount_minor: int, currency: str) -> bool:
    return event.booked and (event.amount_minor, event.currency) == (amount_minor, currency)


def _book(desk: Desk, event: BankEvent, payout: Payout) -> None:
    if payout.state is PayoutState.PAID and payout.settled_by_event_id is None:
        # A person had said that it was paid; this is its debit.
        payout.settled_by_event_id, payout.paid_on = event.id, event.booked_on or payout.paid_on
        return
    book(desk, event, payout)


def _take_back(desk: Desk, event: BankEvent, payout: Payout) -> None:
    """The bank does not pay it. What its reason says of the account holds now that a person confirmed it."""
    check = payee_check_of(event.status, event.reason_code)
    if event.status != REJECTED and check is None:
        raise NotAssignable(payout.end_to_end_id)
    if payout.state not in WITH_THE_BANK:
        raise IllegalMove("payout", payout.state, PayoutMove.REJECT)
    reject(desk, event, payout)
    payout.reason_code = code = check.value if check is not None else event.reason_code
    if code and consequence_of(code) is Consequence.BLOCK_ACCOUNT and not event.inherited:
        destination = desk.session.get_one(PayoutDestination, payout.destination_id)
        block_destination(desk.session, destination, BlockedReason(code), by=BANK, now=desk.now)


def _assign_to_file(session: Session, event: BankEvent, reference: str, said: str) -> None:
    """A batch debit settles what is open of a file: the record goes back to the inbox, which works through it."""
    file = session.scalar(select(PayoutFile).where(PayoutFile.message_id == reference))
    if file is None:
        raise NoSuchReference(reference)
    total, currency = session.execute(
        select(func.coalesce(func.sum(Payout.amount_minor), 0), func.min(Payout.currency)).where(
            Payout.file_id == file.id, Payout.state.in_(WITH_THE_BANK)
        )
    ).one()
    if event.kind is not BankEventKind.DEBIT or not _is_worth(event, int(total), currency or ""):
        raise NotAssignable(reference)
    event.payout_file_id, event.resolution = file.id, said
    event.state, event.exception = BankEventState.RECEIVED, None
    session.get_one(BankFile, event.bank_file_id).state = BankFileState.RECORDED
