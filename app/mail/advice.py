"""What the referrer of a failed payout can do, by the bank's reason (``payouts/domain/reasons.py``)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.payouts.domain.reasons import Consequence, consequence_of
from app.payouts.models import Payout, PayoutDestination
from app.payouts.words import PayeeCheck

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Advice(StrEnum):
    """One sentence in ``payout_failed.txt`` each."""

    NEW_NUMBER = "new_number"
    """The bank does not know the account: put the number right."""
    OTHER_ACCOUNT = "other_account"
    """The account is closed, blocked or takes no transfers: give another one."""
    RIGHT_HOLDER = "right_holder"
    """The account is in another name: put the holder right."""
    WAIT = "wait"
    """Staff look at it; there is nothing to do."""
    CHECK = "check"
    """The bank gives no reason that asks for anything: see that the account is right."""


_BY_CODE: Final = {
    "AC01": Advice.NEW_NUMBER,
    "RC01": Advice.NEW_NUMBER,
    PayeeCheck.NO_MATCH.value: Advice.RIGHT_HOLDER,
}


def advice_for(code: str | None, *, account_blocked: bool) -> Advice:
    """The advice for a reason.

    A reason that blocks accounts but blocked this one not spoke of the whole order, perhaps of the payer's own
    account: the referrer has nothing to put right.
    """
    match consequence_of(code):
        case Consequence.BLOCK_ACCOUNT:
            return _BY_CODE.get(code or "", Advice.OTHER_ACCOUNT) if account_blocked else Advice.WAIT
        case Consequence.ASK | Consequence.FREEZE_REFERRER | Consequence.FIX_DATA:
            return Advice.WAIT
        case Consequence.NONE:  # pragma: no branch - there is no other
            return Advice.CHECK


def advice_on(session: Session, end_to_end_id: str) -> Advice:
    """The advice for a payout that failed."""
    wanted = select(Payout.reason_code, PayoutDestination.blocked_at).join(
        PayoutDestination, PayoutDestination.id == Payout.destination_id
    )
    found = session.execute(wanted.where(Payout.end_to_end_id == end_to_end_id)).one_or_none()
    return Advice.CHECK if found is None else advice_for(found[0], account_blocked=found[1] is not None)
