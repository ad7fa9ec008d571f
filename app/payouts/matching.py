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
from app.payouts.domain.state import PayoutMove, PayoutState
from app.payouts.models import BankEvent, Payout, PayoutDestination, PayoutRun
from app.payouts.words import BankEventKind, BankEventState, BlockedReason, ExceptionReason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.payouts.deps import PayoutDeps
    from app.payouts.settling import Moves

BANK: Final = Actor.system("bank_feedback")

REJECTED: Final = "RJCT"
_DUPLICATE: Final = "AM05"
_BLOCKING: Final = frozenset(reason.value for reason in BlockedReason if reason is not BlockedReason.STAFF)
_WITH_THE_BANK: Final = frozenset({PayoutState.FILED, PayoutState.SUBMITTED, PayoutState.UNKNOWN})
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
    run = desk.session.get_one(PayoutRun, payout.run_id)
    if event.account is not None and event.account != run.debtor_iban:
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
    elif payout.state in _WITH_THE_BANK:
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


def _credit(desk: Desk, event: BankEvent, payout: Payout) -> None:
    mismatch = _mismatch(desk, event, payout)
    if mismatch is not None:
        put_aside(event, mismatch)
    elif not event.is_return:
        put_aside(event, ExceptionReason.UNKNOWN_REASON)
    elif payout.state is PayoutState.PAID:
        desk.moves.move(payout, PayoutMove.RETURN)
        payout.returned_on = event.booked_on or desk.now.date()
        payout.returned_by_event_id = event.id
        event.state = BankEventState.APPLIED
        _take_reason(desk, event, payout)
        _tell(desk, PayoutEvent.RETURNED, payout)
    elif payout.state in _WITH_THE_BANK:
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
    if event.status != REJECTED:
        # ACCP, ACSP, even ACSC: the bank means to pay. Only a booked entry means paid.
        hand_over(desk, payout)
        event.state = BankEventState.NOTED
    elif event.amount_minor is not None and event.amount_minor != payout.amount_minor:
        put_aside(event, ExceptionReason.AMOUNT_DIFFERS)
    elif event.reason_code == _DUPLICATE:
        put_aside(event, ExceptionReason.NEEDS_A_PERSON)
    elif payout.state in _WITH_THE_BANK:
        reject(desk, event, payout)
        event.state = BankEventState.APPLIED
    elif payout.state is PayoutState.REJECTED:
        event.state = BankEventState.REPEATED
        if event.reason_code in _BLOCKING:
            _take_reason(desk, event, payout)
    else:
        put_aside(event, ExceptionReason.IMPOSSIBLE_STATE)


def reject(desk: Desk, event: BankEvent, payout: Payout) -> None:
    """The bank refused it: its money is available again."""
    hand_over(desk, payout)
    desk.moves.move(payout, PayoutMove.REJECT)
    _take_reason(desk, event, payout)
    _tell(desk, PayoutEvent.REJECTED, payout)


def _take_reason(desk: Desk, event: BankEvent, payout: Payout) -> None:
    """Keep the bank's reason; some say that the account can never be paid to."""
    payout.reason_code = event.reason_code
    if event.reason_code in _BLOCKING:
        destination = desk.session.get_one(PayoutDestination, payout.destination_id)
        block_destination(desk.session, destination, BlockedReason(event.reason_code), by=BANK, now=desk.now)


def _tell(desk: Desk, event: PayoutEvent, payout: Payout) -> None:
    news = PayoutNews(event, payout.referrer_id, desk.now, payout.destination_id, payout.id)
    desk.deps.tell(desk.session, news)
