"""Three-way match of a payout run: what was earned, what was approved, what the bank settled.

Each comes from a source of its own: the ledger's reservations, the payouts under a signature that still stands, and
the bank's bookings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import case, func, select

from app.ledger.models import LedgerAccount, LedgerEntry, TransactionKind
from app.payouts.approval import run_digest
from app.payouts.domain.state import OPEN_PAYOUTS, PayoutState, RunState
from app.payouts.models import BankEvent, Payout, PayoutApproval, PayoutFile, PayoutRun

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import InstrumentedAttribute, Session

_K: Final = TransactionKind
_RESERVED: Final = (_K.PAYOUT_RESERVED, _K.VAT_RESERVED)
_CANCELLED: Final = (_K.PAYOUT_CANCELLED, _K.VAT_CANCELLED)
_OPENED: Final = (RunState.FROZEN, RunState.APPROVED, RunState.BUILT, RunState.SUBMITTED, RunState.CLOSED)


@dataclass(frozen=True, slots=True)
class Match:
    """One run's amounts in minor units, VAT included. ``approved`` and ``filed`` are ``None`` before that.

    ``decided`` is what staff said was paid while the bank said nothing; ``settled`` includes it.
    """

    run: str
    state: RunState
    currency: str
    earned: int
    approved: int | None
    filed: int | None
    settled: int
    decided: int
    returned: int
    rejected: int
    open: int

    @property
    def holds(self) -> bool:
        """Whether the three agree as far as the run has come."""
        signed = self.approved is None or self.approved == self.earned
        written = self.filed is None or self.filed == self.earned
        return signed and written and self.earned == self.settled + self.rejected + self.open


def matches(session: Session, program_id: int, *, limit: int | None = None) -> Iterator[Match]:
    """The runs of a programme that reserved money and were not cancelled, newest first."""
    runs = session.scalars(
        select(PayoutRun)
        .where(PayoutRun.program_id == program_id, PayoutRun.state.in_(_OPENED))
        .order_by(PayoutRun.id.desc())
        .limit(limit)
    ).all()
    for run in runs:
        yield _match(session, run)


def _match(session: Session, run: PayoutRun) -> Match:
    by_state = _payouts(session, run.id)
    decided = _decided(session, run.id)
    total = sum(amount for state, amount in by_state.items() if state is not PayoutState.CANCELLED)
    stated = _stated(session, run.id, Payout.settled_by_event_id)
    return Match(
        run=run.name,
        state=run.state,
        currency=run.currency,
        earned=_reserved(session, run.id),
        approved=total if _is_signed(session, run) else None,
        filed=_filed(session, run.id),
        settled=stated + decided,
        decided=decided,
        returned=_stated(session, run.id, Payout.returned_by_event_id),
        rejected=by_state.get(PayoutState.REJECTED, 0),
        open=sum(amount for state, amount in by_state.items() if state in OPEN_PAYOUTS),
    )


def _reserved(session: Session, run_id: int) -> int:
    """What the ledger took to in flight for the run's payouts, less what was given back before submission."""
    taken = select(func.coalesce(func.sum(-LedgerEntry.amount_minor), 0)).join(
        Payout, Payout.id == LedgerEntry.payout_id
    )
    found = session.scalar(
        taken.where(
            Payout.run_id == run_id,
            LedgerEntry.account == LedgerAccount.IN_FLIGHT,
            LedgerEntry.kind.in_((*_RESERVED, *_CANCELLED)),
        )
    )
    return int(found or 0)


def _payouts(session: Session, run_id: int) -> dict[PayoutState, int]:
    rows = session.execute(
        select(Payout.state, func.sum(Payout.amount_minor))
        .where(Payout.run_id == run_id)
        .group_by(Payout.state)
    )
    return {state: int(amount) for state, amount in rows}


def _is_signed(session: Session, run: PayoutRun) -> bool:
    """Whether a signature stands under the payouts as they are."""
    digest = session.scalar(
        select(PayoutApproval.digest).where(
            PayoutApproval.run_id == run.id, PayoutApproval.voided_at.is_(None)
        )
    )
    if digest is None:
        return False
    return run.state is RunState.CLOSED or digest == run_digest(session, run.id)


def _filed(session: Session, run_id: int) -> int | None:
    amount = session.scalar(
        select(func.sum(PayoutFile.control_sum_minor)).where(
            PayoutFile.run_id == run_id, PayoutFile.sha256.is_not(None)
        )
    )
    return None if amount is None else int(amount)


def _stated(session: Session, run_id: int, column: InstrumentedAttribute[int | None]) -> int:
    """What the bank booked (or sent back) for the run: each of its records once, also one for a whole file."""
    events = select(column).where(Payout.run_id == run_id, column.is_not(None)).distinct()
    amount = session.scalar(select(func.sum(BankEvent.amount_minor)).where(BankEvent.id.in_(events)))
    return int(amount or 0)


def _decided(session: Session, run_id: int) -> int:
    paid = Payout.state.in_((PayoutState.PAID, PayoutState.RETURNED))
    by_staff = case((Payout.settled_by_event_id.is_(None), Payout.amount_minor), else_=0)
    return int(session.scalar(select(func.sum(by_staff)).where(Payout.run_id == run_id, paid)) or 0)
