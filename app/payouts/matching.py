"""What one record of a bank file does to a payout. Only what matches exactly moves money; the rest waits
for a person.

Each function is called with the payout locked and decides from its state alone, so applying the same record
again decides "repeated".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.identity.audit import Actor
from app.payouts.deps import PayoutEvent, PayoutNews
from app.payouts.destinations import block_destination
from app.payouts.domain.reasons import Consequence, consequence_of, payee_check_of
from app.payouts.domain.state import WITH_THE_BANK, PayoutMove, PayoutState
from app.payouts.models import BankEvent, Payout, PayoutDestination, PayoutRun
from app.payouts.words import BankEventKind, BankEventState, BlockedReason, ExceptionReason, PayeeCheck
from app.referrals.models import Program, Referrer, ReferrerStatus
from app.referrals.referrers import suspend

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.payouts.deps import PayoutDeps
    from app.payouts.settling import Moves

BANK: Final = Actor.system("bank_feedback")

REJECTED: Final = "RJCT"
_DOUBTS: Final = {
    PayeeCheck.NO_MATCH: ExceptionReason.PAYEE_NO_MATCH,
    PayeeCheck.CLOSE_MATCH: ExceptionReason.PAYEE_CLOSE_MATCH,
}
_DECEASED: Final = "the bank says that the payee has died (MD07)"
_OUR_PAYMENT: Final = re.compile(r"PO[A-Z2-7]{30}", re.ASCII)
_OUR_FILE: Final = re.compile(r"R\d+-\d+", re.ASCII)


@dataclass(slots=True)
class Desk:
    """What the records of one transaction are applied with. ``payouts`` are locked, by end-to-end id."""

    deps: PayoutDeps
    session: Session
    moves: Moves
    now: datetime
    payouts: Mapping[str, Payout] = field(default_factory=dict)
    runs: dict[int, PayoutRun] = field(default_factory=dict)
    """Runs that were met: a session forgets what nobody holds, and would read the same one for each record."""
    frozen: set[int] = field(default_factory=set)
    """Referrers to suspend once the money is posted."""

    def run_of(self, payout: Payout) -> PayoutRun:
        """The payout's run."""
        if payout.run_id not in self.runs:
            self.runs[payout.run_id] = self.session.get_one(PayoutRun, payout.run_id)
        return self.runs[payout.run_id]


def looks_ours(event: BankEvent) -> bool:
    """Whether a record speaks of an id that this service could have made."""
    if event.end_to_end_id is not None:
        return _OUR_PAYMENT.fullmatch(event.end_to_end_id) is not None
    ids = (event.payment_information_id, event.message_id)
    return any(text is not None and _OUR_FILE.fullmatch(text) for text in ids)


def put_aside(event: BankEvent, reason: ExceptionReason) -> None:
    """On the exception list, for a person."""
    event.state, event.exception = BankEventState.EXCEPTION, reason


def apply_to_payout(desk: Desk, event: BankEvent, payout: Payout) -> None:
    """Apply a record that names a payout, and set the record's state."""
    event.payout_id = payout.id
    match event.kind:
        case BankEventKind.STATUS:
            _status(desk, event, payout)
        case BankEventKind.DEBIT | BankEventKind.CREDIT if not event.booked:
            event.state = BankEventState.NOTED
        case BankEventKind.DEBIT:
            _debit(desk, event, payout)
        case BankEventKind.CREDIT:
            _credit(desk, event, payout)
        case BankEventKind.GAP:
            event.state = BankEventState.NOTED


def _mismatch(desk: Desk, event: BankEvent, payout: Payout) -> ExceptionReason | None:
    """Why a booking is not of this payout: it must agree on account, amount and currency to the cent."""
    if event.account is not None and event.account != desk.run_of(payout).debtor_iban:
        return ExceptionReason.OTHER_ACCOUNT
    if (event.amount_minor, event.currency) != (payout.amount_minor, payout.currency):
        return ExceptionReason.AMOUNT_DIFFERS
    return None


def _same_booking(desk: Desk, event: BankEvent, other_id: int | None) -> bool:
    """Whether this is the booking that did it, told again (another message type, other details)."""
    if event.entry_ref is None or other_id is None:
        return False
    other = desk.session.get_one(BankEvent, other_id)
    return (other.account, other.entry_ref) == (event.account, event.entry_ref)


def _debit(desk: Desk, event: BankEvent, payout: Payout) -> None:
    mismatch = _mismatch(desk, event, payout)
    if mismatch is not None:
        put_aside(event, mismatch)
    elif payout.state in WITH_THE_BANK:
        book(desk, event, payout)
        event.state = BankEventState.APPLIED
    elif payout.settled_by_event_id is not None:
        if _same_booking(desk, event, payout.settled_by_event_id):
            event.state = BankEventState.REPEATED
        else:
            put_aside(event, ExceptionReason.SECOND_DEBIT)
    elif payout.state is PayoutState.PAID:
        # A person said that it was paid; the money has moved, and now the bank says so too.
        payout.settled_by_event_id, payout.paid_on = event.id, event.booked_on or payout.paid_on
        event.state = BankEventState.APPLIED
    else:
        put_aside(event, ExceptionReason.IMPOSSIBLE_STATE)


def book(desk: Desk, event: BankEvent, payout: Payout) -> None:
    """The bank paid it: the only way to ``paid``."""
    hand_over(desk, payout)
    desk.moves.move(payout, PayoutMove.BOOK)
    payout.paid_on = event.booked_on or desk.now.date()
    payout.settled_by_event_id = event.id
    _tell(desk, PayoutEvent.SENT, payout)


def hand_over(desk: Desk, payout: Payout) -> None:
    """Feedback on a filed payout says that the bank has it."""
    if payout.state is PayoutState.FILED:
        desk.moves.move(payout, PayoutMove.SUBMIT)


def give_back(desk: Desk, event: BankEvent, payout: Payout) -> None:
    """A booked payout came back: its money is available again."""
    desk.moves.move(payout, PayoutMove.RETURN)
    payout.returned_on = event.booked_on or desk.now.date()
    payout.returned_by_event_id = event.id
    _tell(desk, PayoutEvent.RETURNED, payout)


def _credit(desk: Desk, event: BankEvent, payout: Payout) -> None:
    mismatch = _mismatch(desk, event, payout)
    if mismatch is not None:
        put_aside(event, mismatch)
    elif not event.is_return:
        put_aside(event, ExceptionReason.UNKNOWN_REASON)
    elif payout.state is PayoutState.PAID:
        give_back(desk, event, payout)
        event.state = BankEventState.APPLIED
        take_reason(desk, event, payout)
    elif payout.state in WITH_THE_BANK:
        # Banks send returns and debits in separate messages; money cannot come back before it left.
        event.state = BankEventState.DEFERRED
    elif payout.state is PayoutState.RETURNED:
        if _same_booking(desk, event, payout.returned_by_event_id):
            event.state = BankEventState.REPEATED
        else:
            put_aside(event, ExceptionReason.SECOND_RETURN)
    else:
        put_aside(event, ExceptionReason.IMPOSSIBLE_STATE)


def _status(desk: Desk, event: BankEvent, payout: Payout) -> None:
    check = payee_check_of(event.status, None if event.inherited else event.reason_code)
    if check is not None:
        _payee_check(desk, event, payout, check)
    elif event.status != REJECTED:
        # ACCP, ACSP, even ACSC: the bank means to pay. Only a booked entry means paid.
        hand_over(desk, payout)
        event.state = BankEventState.NOTED
    elif event.amount_minor is not None and event.amount_minor != payout.amount_minor:
        put_aside(event, ExceptionReason.AMOUNT_DIFFERS)
    elif consequence_of(event.reason_code) is Consequence.ASK:
        put_aside(event, ExceptionReason.NEEDS_A_PERSON)
    elif payout.state in WITH_THE_BANK:
        reject(desk, event, payout)
        event.state = BankEventState.APPLIED
        take_reason(desk, event, payout)
    elif payout.state is PayoutState.REJECTED:
        event.state = BankEventState.REPEATED
        if consequence_of(event.reason_code) is Consequence.BLOCK_ACCOUNT:
            take_reason(desk, event, payout)
    else:
        put_aside(event, ExceptionReason.IMPOSSIBLE_STATE)


def _payee_check(desk: Desk, event: BankEvent, payout: Payout, check: PayeeCheck) -> None:
    """The payee's bank was asked whose account it is. Never paid by that: a doubt holds the payout for a person, who
    has the bank pay it all the same or takes it back; the others of its file go on.
    """
    event.state = BankEventState.NOTED
    if payout.state not in WITH_THE_BANK:
        return
    hand_over(desk, payout)
    payout.payee_check, payout.payee_name = check, event.payee_name
    if check in _DOUBTS:
        put_aside(event, _DOUBTS[check])


def doubt_of(event: BankEvent) -> ExceptionReason | None:
    """Whether a status, of a payment or of a whole block, is an answer that holds a payout."""
    check = payee_check_of(event.status, event.reason_code)
    return _DOUBTS.get(check) if check is not None else None


def reject(desk: Desk, event: BankEvent, payout: Payout) -> None:
    """The bank refused it: its money is available again. The reason is kept, and leads to nothing by itself."""
    hand_over(desk, payout)
    desk.moves.move(payout, PayoutMove.REJECT)
    payout.reason_code = event.reason_code
    _tell(desk, PayoutEvent.REJECTED, payout)


def take_reason(desk: Desk, event: BankEvent, payout: Payout) -> None:
    """Keep the bank's reason and do what it asks for (``domain/reasons.py``).

    A reason that was given for a block or a file speaks of the order, perhaps of the payer's own account: it blocks
    no payee.
    """
    payout.reason_code = code = event.reason_code
    if event.inherited or code is None:
        return
    match consequence_of(code):
        case Consequence.BLOCK_ACCOUNT:
            destination = desk.session.get_one(PayoutDestination, payout.destination_id)
            block_destination(desk.session, destination, BlockedReason(code), by=BANK, now=desk.now)
        case Consequence.FREEZE_REFERRER:
            desk.frozen.add(payout.referrer_id)
            put_aside(event, ExceptionReason.REFERRER_FROZEN)
        case Consequence.FIX_DATA:
            put_aside(event, ExceptionReason.FIX_DATA)
        case Consequence.ASK:
            put_aside(event, ExceptionReason.NEEDS_A_PERSON)
        case Consequence.NONE:
            pass


def freeze_referrer(desk: Desk, referrer_id: int) -> None:
    """Suspend a referrer of whom the bank says that they died: nothing more is earned or paid until staff have
    spoken with the heirs. Whoever is suspended or has left stays so.
    """
    referrer = desk.session.get_one(Referrer, referrer_id)
    if referrer.status is ReferrerStatus.ACTIVE:
        program = desk.session.get_one(Program, referrer.program_id)
        suspend(desk.session, program, referrer, reason=_DECEASED, actor=BANK, now=desk.now)


def _tell(desk: Desk, event: PayoutEvent, payout: Payout) -> None:
    news = PayoutNews(event, payout.referrer_id, desk.now, payout.destination_id, payout.id)
    desk.deps.tell(desk.session, news)
