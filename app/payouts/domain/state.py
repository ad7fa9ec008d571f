"""The states of a payout run and of a payout, and the only functions that move them."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from app.kernel.errors import Conflict


class RunState(StrEnum):
    """Where a payout run (one programme, one period, one currency) stands."""

    DRAFT = "draft"
    """Announced: nothing is reserved, the preview is computed when somebody looks."""
    FROZEN = "frozen"
    """Every payout exists and its money is reserved; waiting for approval."""
    APPROVED = "approved"
    """Somebody (or the programme's rule) signed the digest of the payouts."""
    BUILT = "built"
    """The files are stored and verified; the bank has not seen them."""
    SUBMITTED = "submitted"
    """The files are with the bank."""
    CLOSED = "closed"
    """Every payout is paid, rejected, returned or cancelled."""
    CANCELLED = "cancelled"
    """Given up before the bank saw it; all reserved money is available again."""


class RunMove(StrEnum):
    """What can happen to a run."""

    FREEZE = "freeze"
    """Reserve the money."""
    APPROVE = "approve"
    """Sign the digest."""
    WITHDRAW = "withdraw"
    """Something changed after the approval, which is void."""
    BUILD = "build"
    """Render and verify the files."""
    SUBMIT = "submit"
    """The files were handed to the bank."""
    CLOSE = "close"
    """The bank has answered every payout."""
    CANCEL = "cancel"
    """Give everything back."""


class PayoutState(StrEnum):
    """Where one payout (one referrer, one run) stands."""

    RESERVED = "reserved"
    """Its money is in flight in the ledger; it is in no file yet."""
    FILED = "filed"
    """It is in a stored file that the bank has not seen."""
    SUBMITTED = "submitted"
    """The bank has it."""
    PAID = "paid"
    """A booked statement entry debited it."""
    REJECTED = "rejected"
    """The bank refused it before it was booked; the money is available again."""
    UNKNOWN = "unknown"
    """Nobody knows whether the bank has it. It is never sent again; feedback or a person decides."""
    RETURNED = "returned"
    """It was paid and came back; the money is available again."""
    CANCELLED = "cancelled"
    """Taken out before the bank saw it; the money is available again."""


class PayoutMove(StrEnum):
    """What can happen to a payout."""

    FILE = "file"
    """It was rendered into a verified file."""
    SUBMIT = "submit"
    """Its file was handed to the bank, or the bank spoke of it."""
    LOSE = "lose"
    """The hand-over ended without an answer."""
    BOOK = "book"
    """A booked debit of its end-to-end id, amount and currency."""
    REJECT = "reject"
    """The bank refused it."""
    RETURN = "return"
    """A booked credit gave it back after its debit."""
    CANCEL = "cancel"
    """A person took it out, or cancelled its run."""


OPEN_PAYOUTS = frozenset(
    {PayoutState.RESERVED, PayoutState.FILED, PayoutState.SUBMITTED, PayoutState.UNKNOWN}
)
"""The states in which a payout's money is in flight."""

WITH_THE_BANK = frozenset({PayoutState.FILED, PayoutState.SUBMITTED, PayoutState.UNKNOWN})
"""The states in which the bank has a payout, or may have it."""


class IllegalMove(Conflict):
    """A move that this state does not allow."""

    title = "Not possible in this state"

    def __init__(self, thing: str, state: RunState | PayoutState, move: RunMove | PayoutMove) -> None:
        super().__init__(f"a {thing} that is {state.value} cannot {move.value}")
        self.state = state
        self.move = move


def next_run_status(state: RunState, move: RunMove) -> RunState:
    """The state after ``move``. Raises :class:`IllegalMove`."""
    match state:
        case RunState.DRAFT:
            moves = {RunMove.FREEZE: RunState.FROZEN, RunMove.CANCEL: RunState.CANCELLED}
        case RunState.FROZEN:
            moves = {RunMove.APPROVE: RunState.APPROVED, RunMove.CANCEL: RunState.CANCELLED}
        case RunState.APPROVED:
            moves = {
                RunMove.WITHDRAW: RunState.FROZEN,
                RunMove.BUILD: RunState.BUILT,
                RunMove.CANCEL: RunState.CANCELLED,
            }
        case RunState.BUILT:
            moves = {RunMove.SUBMIT: RunState.SUBMITTED, RunMove.CANCEL: RunState.CANCELLED}
        case RunState.SUBMITTED:
            moves = {RunMove.CLOSE: RunState.CLOSED}
        case RunState.CLOSED | RunState.CANCELLED:
            moves = {}
        case _:
            assert_never(state)
    if move not in moves:
        raise IllegalMove("run", state, move)
    return moves[move]


def next_payout_status(state: PayoutState, move: PayoutMove) -> PayoutState:
    """The state after ``move``. Raises :class:`IllegalMove`.

    Feedback on a filed payout is two moves: SUBMIT first, then what the bank says.
    """
    match state:
        case PayoutState.RESERVED:
            moves = {PayoutMove.FILE: PayoutState.FILED, PayoutMove.CANCEL: PayoutState.CANCELLED}
        case PayoutState.FILED:
            moves = {PayoutMove.SUBMIT: PayoutState.SUBMITTED, PayoutMove.CANCEL: PayoutState.CANCELLED}
        case PayoutState.SUBMITTED:
            moves = {
                PayoutMove.BOOK: PayoutState.PAID,
                PayoutMove.REJECT: PayoutState.REJECTED,
                PayoutMove.LOSE: PayoutState.UNKNOWN,
            }
        case PayoutState.UNKNOWN:
            moves = {PayoutMove.BOOK: PayoutState.PAID, PayoutMove.REJECT: PayoutState.REJECTED}
        case PayoutState.PAID:
            moves = {PayoutMove.RETURN: PayoutState.RETURNED}
        case PayoutState.REJECTED | PayoutState.RETURNED | PayoutState.CANCELLED:
            moves = {}
        case _:
            assert_never(state)
    if move not in moves:
        raise IllegalMove("payout", state, move)
    return moves[move]
