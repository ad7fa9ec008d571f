"""What the bank's reason for a rejection or a return asks of us (ISO 20022 external code sets, EPC guidance)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.payouts.words import PayeeCheck


class Consequence(StrEnum):
    """What a reason leads to, besides the money being available again."""

    BLOCK_ACCOUNT = "block_account"
    """Nothing more is paid to this account."""
    ASK = "ask"
    """Nothing is done; a person decides."""
    FREEZE_REFERRER = "freeze_referrer"
    """The referrer is suspended, and staff are told."""
    FIX_DATA = "fix_data"
    """Staff are told that name or address must be put right."""
    NONE = "none"
    """It may go through next time."""


CONSEQUENCES: Final = {
    "AC01": Consequence.BLOCK_ACCOUNT,  # the account number is wrong
    "AC04": Consequence.BLOCK_ACCOUNT,  # the account is closed
    "AC06": Consequence.BLOCK_ACCOUNT,  # the account is blocked
    "AG01": Consequence.BLOCK_ACCOUNT,  # the account takes no transfers
    "RC01": Consequence.BLOCK_ACCOUNT,  # the BIC is wrong
    PayeeCheck.NO_MATCH.value: Consequence.BLOCK_ACCOUNT,  # the account is in another name
    "AM05": Consequence.ASK,  # the bank takes it for a duplicate
    "MD07": Consequence.FREEZE_REFERRER,  # the payee died
    "BE04": Consequence.FIX_DATA,  # the payee's address is missing or wrong
    "RR01": Consequence.FIX_DATA,  # the payer's account or id is missing (regulation)
    "RR02": Consequence.FIX_DATA,  # the payer's name or address is missing
    "RR03": Consequence.FIX_DATA,  # the payee's name or address is missing
    "RR04": Consequence.FIX_DATA,  # another regulatory reason
}


def consequence_of(code: str | None) -> Consequence:
    """What ``code`` leads to."""
    return CONSEQUENCES.get(code or "", Consequence.NONE)


def payee_check_of(status: str | None, reason: str | None) -> PayeeCheck | None:
    """The answer of a verification of payee in a pain.002, or ``None`` where it holds none.

    It stands as the status of the transaction (``TxSts``: DFÜ-Abkommen, Anlage 3, version 3.9, chapter 2.2.6); some
    banks give it as the reason of a status that leaves the payment waiting. A rejection stays a rejection.
    """
    answers = {answer.value for answer in PayeeCheck}
    if status in answers:
        return PayeeCheck(status)
    return PayeeCheck(reason) if reason in answers and status != "RJCT" else None
