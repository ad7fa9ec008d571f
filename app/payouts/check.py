"""The invariants that tie payouts to the ledger and to the bank's statements, for ``flask ledger check``
and every run.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from sqlalchemy import case, func, or_, select, true

from app.kernel.errors import Conflict
from app.ledger.check import LEDGER_CHECKS, Broken, Check, first_broken, of_program
from app.ledger.models import LedgerAccount, LedgerEntry
from app.payouts.approval import run_digest
from app.payouts.documents.check import DOCUMENT_CHECKS
from app.payouts.domain.state import OPEN_PAYOUTS, PayoutState, RunState
from app.payouts.models import BankEvent, Payout, PayoutApproval, PayoutFile, PayoutOmission, PayoutRun
from app.referrals.check import REFERRAL_CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.kernel.db import Database

_SIGNED: Final = (RunState.APPROVED, RunState.BUILT, RunState.SUBMITTED)
_BOOKED: Final = (PayoutState.PAID, PayoutState.RETURNED)
_NOT_IN: Final = {
    RunState.DRAFT: frozenset(PayoutState),
    RunState.FROZEN: frozenset(PayoutState) - {PayoutState.RESERVED, PayoutState.CANCELLED},
    RunState.CLOSED: OPEN_PAYOUTS,
    RunState.CANCELLED: frozenset(PayoutState) - {PayoutState.CANCELLED},
}
"""States that no payout of a run may be in, once nothing is underway."""


class BooksDoNotAddUp(Conflict):
    """An invariant is broken; no run begins or ends over it."""

    title = "The books do not add up"

    def __init__(self, broken: Broken) -> None:
        super().__init__(f"the books do not add up: {broken}")
        self.broken = broken


def _sum(account: LedgerAccount) -> ColumnElement[int]:
    return func.coalesce(
        func.sum(case((LedgerEntry.account == account, LedgerEntry.amount_minor), else_=0)), 0
    )


def payouts_equal_their_entries(session: Session, program_id: int | None) -> Iterator[str]:
    """Per payout: in flight is its amount while it is open; bank is its amount while it is paid; else
    nothing.
    """
    # Summed first and joined then: one pass over the entries, whatever a planner thinks of the payout column.
    sums = (
        select(
            LedgerEntry.payout_id.label("payout_id"),
            _sum(LedgerAccount.IN_FLIGHT).label("in_flight"),
            _sum(LedgerAccount.BANK).label("bank"),
            (_sum(LedgerAccount.PAYABLE) + _sum(LedgerAccount.PAYABLE_VAT)).label("payable"),
        )
        .where(LedgerEntry.payout_id.is_not(None), of_program(LedgerEntry.program_id, program_id))
        .group_by(LedgerEntry.payout_id)
        .subquery()
    )
    is_open, is_paid = Payout.state.in_(OPEN_PAYOUTS), Payout.state == PayoutState.PAID
    wanted = (
        select(Payout.id, Payout.state)
        .join(PayoutRun, PayoutRun.id == Payout.run_id)
        .outerjoin(sums, sums.c.payout_id == Payout.id)
        .where(
            (-func.coalesce(sums.c.in_flight, 0) != case((is_open, Payout.amount_minor), else_=0))
            | (-func.coalesce(sums.c.bank, 0) != case((is_paid, Payout.amount_minor), else_=0))
            | (func.coalesce(sums.c.payable, 0) != case((is_open | is_paid, Payout.amount_minor), else_=0))
        )
    )
    for number, state in session.execute(wanted.where(of_program(PayoutRun.program_id, program_id))):
        yield f"payout {number} is {state.value}, and its ledger entries say otherwise"


def payouts_move_date_by_date(session: Session, program_id: int | None) -> Iterator[str]:
    """Each movement of a payout balances for every ``available_on``, so that late runs find every date as
    it was.
    """
    wanted = (
        select(LedgerEntry.transaction_id, LedgerEntry.available_on)
        .where(LedgerEntry.payout_id.is_not(None), of_program(LedgerEntry.program_id, program_id))
        .group_by(LedgerEntry.transaction_id, LedgerEntry.available_on)
        .having(func.sum(LedgerEntry.amount_minor) != 0)
    )
    for number, on in session.execute(wanted):
        yield f"transaction {number} of a payout does not balance on {on}"


def paid_payouts_have_their_booking(session: Session, program_id: int | None) -> Iterator[str]:
    """Bank is the sum of matched statement entries: a booking is worth what it settled, a return what it
    gave back.
    """
    for column, word in (
        (Payout.settled_by_event_id, "settled"),
        (Payout.returned_by_event_id, "returned"),
    ):
        wanted = (
            select(BankEvent.id, BankEvent.amount_minor)
            .join(Payout, column == BankEvent.id)
            .join(PayoutRun, PayoutRun.id == Payout.run_id)
            .where(of_program(PayoutRun.program_id, program_id), BankEvent.state != "received")
            .group_by(BankEvent.id)
            .having(func.coalesce(BankEvent.amount_minor, 0) != func.sum(Payout.amount_minor))
        )
        for number, amount in session.execute(wanted):
            yield f"bank record {number} over {amount} {word} payouts of another sum"
    stray = (
        select(Payout.id)
        .join(PayoutRun, PayoutRun.id == Payout.run_id)
        .where(
            of_program(PayoutRun.program_id, program_id),
            or_(
                # A person may say of an unknown payout that it was paid; the bank's debit confirms it later.
                Payout.state.in_(_BOOKED)
                & Payout.settled_by_event_id.is_(None)
                & Payout.decided_at.is_(None),
                Payout.state.not_in(_BOOKED) & Payout.settled_by_event_id.is_not(None),
            ),
        )
    )
    for number in session.scalars(stray):
        yield f"payout {number} is paid without a booking, or booked without being paid"


def runs_equal_their_payouts(session: Session, program_id: int | None) -> Iterator[str]:
    """A run's totals and state agree with its payouts; nothing is checked in the middle of a move."""
    live = Payout.state != PayoutState.CANCELLED
    wanted = (
        select(PayoutRun, func.count(Payout.id), func.coalesce(func.sum(Payout.amount_minor), 0))
        .outerjoin(Payout, (Payout.run_id == PayoutRun.id) & live)
        .where(PayoutRun.underway.is_(None), of_program(PayoutRun.program_id, program_id))
        .group_by(PayoutRun.id)
    )
    for run, count, total in session.execute(wanted):
        if (run.payout_count, run.total_minor) != (int(count), int(total)):
            yield f"run {run.name} says {run.payout_count} payouts of {run.total_minor}, it has {count} of {total}"
    states = (
        select(PayoutRun.name, PayoutRun.state, Payout.state)
        .distinct()
        .join(Payout, Payout.run_id == PayoutRun.id)
        .where(PayoutRun.underway.is_(None), of_program(PayoutRun.program_id, program_id))
    )
    for name, run_state, payout_state in session.execute(states):
        if payout_state in _NOT_IN.get(run_state, frozenset()):
            yield f"run {name} is {run_state.value} and has a payout that is {payout_state.value}"


def files_equal_their_payouts(session: Session, program_id: int | None) -> Iterator[str]:
    """A file's count and sum are those of its payouts, and its bytes are those that were verified."""
    whole = PayoutRun.underway.is_(None) & of_program(PayoutRun.program_id, program_id)
    wanted = (
        select(PayoutFile.message_id, PayoutFile.payment_count, PayoutFile.control_sum_minor)
        .join(PayoutRun, PayoutRun.id == PayoutFile.run_id)
        .outerjoin(Payout, Payout.file_id == PayoutFile.id)
        .where(whole)
        .group_by(PayoutFile.id)
        .having(
            (func.count(Payout.id) != PayoutFile.payment_count)
            | (func.coalesce(func.sum(Payout.amount_minor), 0) != PayoutFile.control_sum_minor)
        )
    )
    for message_id, count, _ in session.execute(wanted):
        yield f"file {message_id} says {count} payments, its payouts differ in number or sum"
    stored = (
        select(PayoutFile.id, PayoutFile.message_id, PayoutFile.sha256)
        .join(PayoutRun, PayoutRun.id == PayoutFile.run_id)
        .where(PayoutFile.sha256.is_not(None), of_program(PayoutRun.program_id, program_id))
    )
    for number, message_id, sha256 in session.execute(stored).all():
        content = session.scalar(select(PayoutFile.content).where(PayoutFile.id == number))
        if hashlib.sha256(content or b"").hexdigest() != sha256:
            yield f"file {message_id} does not have the bytes that were verified"


def approvals_stand_under_what_was_approved(session: Session, program_id: int | None) -> Iterator[str]:
    """The digest of an approved run is that of its payouts as they are."""
    wanted = (
        select(PayoutRun.id, PayoutRun.name, PayoutApproval.digest)
        .outerjoin(
            PayoutApproval, (PayoutApproval.run_id == PayoutRun.id) & PayoutApproval.voided_at.is_(None)
        )
        .where(PayoutRun.state.in_(_SIGNED), of_program(PayoutRun.program_id, program_id))
    )
    for number, name, digest in session.execute(wanted).all():
        if digest != run_digest(session, number):
            yield f"run {name} is not the one that was approved"


def nobody_is_both_paid_and_left_out(session: Session, program_id: int | None) -> Iterator[str]:
    """A referrer has a payout or an omission in a run, not both, unless the payout was taken out."""
    wanted = (
        select(Payout.id)
        .join(
            PayoutOmission,
            (PayoutOmission.run_id == Payout.run_id) & (PayoutOmission.referrer_id == Payout.referrer_id),
        )
        .join(PayoutRun, PayoutRun.id == Payout.run_id)
        .where(Payout.state != PayoutState.CANCELLED)
    )
    narrowed = true() if program_id is None else PayoutRun.program_id == program_id
    for number in session.scalars(wanted.where(narrowed)):
        yield f"the referrer of payout {number} was left out of the same run"


PAYOUT_CHECKS: Final[dict[str, Check]] = {
    "payouts equal their entries": payouts_equal_their_entries,
    "payouts move date by date": payouts_move_date_by_date,
    "paid payouts have their booking": paid_payouts_have_their_booking,
    "runs equal their payouts": runs_equal_their_payouts,
    "files equal their payouts": files_equal_their_payouts,
    "approvals stand under what was approved": approvals_stand_under_what_was_approved,
    "nobody is both paid and left out": nobody_is_both_paid_and_left_out,
}

ALL_CHECKS: Final[dict[str, Check]] = {
    **LEDGER_CHECKS,
    **REFERRAL_CHECKS,
    **PAYOUT_CHECKS,
    **DOCUMENT_CHECKS,
}
"""Everything that must hold, from the journal up."""


def require_sound_books(database: Database, program_id: int) -> None:
    """Raise :class:`BooksDoNotAddUp` with the first invariant that a programme breaks. Before and after
    every run.

    All checks see one snapshot: what somebody changes meanwhile is not taken for an alteration.
    """
    with database.reading() as session:
        if not database.is_sqlite:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        broken = first_broken(session, ALL_CHECKS, program_id)
    if broken is not None:
        raise BooksDoNotAddUp(broken)
