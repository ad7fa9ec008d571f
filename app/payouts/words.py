"""The enums that the payout tables and rules share; the states are in ``domain/state.py``."""

from __future__ import annotations

from enum import StrEnum


class DestinationSource(StrEnum):
    """Who gave a bank account."""

    REFERRER = "referrer"
    """Typed by the referrer on the dashboard."""
    MERCHANT = "merchant"
    """Handed over by the merchant's API."""
    STAFF = "staff"
    """Entered by the merchant's staff or an operator."""


class OmissionReason(StrEnum):
    """Why a referrer with money is not in a run. The money carries forward; nothing is lost."""

    BELOW_MINIMUM = "below_minimum"
    """Less is available than the programme pays out."""
    NEGATIVE = "negative"
    """Clawbacks exceed what is available; the next earnings net it."""
    SUSPENDED = "suspended"
    """The referrer is suspended."""
    NO_BANK_ACCOUNT = "no_bank_account"
    """No bank account is on file."""
    ACCOUNT_NOT_YET_USABLE = "account_not_yet_usable"
    """The bank account was changed a few days ago and rests until it may be used."""
    ACCOUNT_BLOCKED = "account_blocked"
    """The bank said that the account cannot receive money, or staff blocked it."""
    ADDRESS_MISSING = "address_missing"
    """Accounts outside the EEA need a structured address."""
    NOT_REACHABLE = "not_reachable"
    """The programme's way of paying does not reach the account's country."""
    TOO_LARGE = "too_large"
    """More than one transfer may carry; staff pay it another way."""
    EXCLUDED = "excluded"
    """Staff took this payout out of the run, with a reason."""


class BlockedReason(StrEnum):
    """Why a bank account may not be paid to (ISO 20022 reason codes and one of ours)."""

    AC01 = "AC01"
    """The account number is wrong."""
    AC04 = "AC04"
    """The account is closed."""
    AC06 = "AC06"
    """The account is blocked."""
    AG01 = "AG01"
    """The account does not take transfers."""
    RC01 = "RC01"
    """The bank's BIC is wrong."""
    RVNM = "RVNM"
    """The payee's bank says that the account is in another name."""
    STAFF = "staff"
    """A person blocked it."""


class PayeeCheck(StrEnum):
    """What the payee's bank answered when it was asked whether name and account belong together."""

    MATCH = "RCVC"
    """They do."""
    CLOSE_MATCH = "RVMC"
    """Nearly; the bank says which name it has."""
    NO_MATCH = "RVNM"
    """They do not."""
    NOT_POSSIBLE = "RVNA"
    """The payee's bank could not say."""


class BankFileKind(StrEnum):
    """What a file from the bank is."""

    PAIN_002 = "pain.002"
    """Status of payments that were handed in. Never proof of payment."""
    CAMT_053 = "camt.053"
    """A statement: what was booked on the account, between two balances."""
    CAMT_054 = "camt.054"
    """A notification of bookings, without balances."""


class BankFileState(StrEnum):
    """How far a file from the bank has been taken in."""

    RECORDING = "recording"
    """Its records are being stored; killed here, the same file is simply imported again."""
    RECORDED = "recorded"
    """Every record is stored and is applied by whoever comes next."""
    APPLIED = "applied"
    """Every record had its effect, or is on the exception list."""


class BankEventKind(StrEnum):
    """What one record of a bank file says."""

    DEBIT = "debit"
    """Money left the account."""
    CREDIT = "credit"
    """Money came in, for instance a returned payout."""
    STATUS = "status"
    """The bank's word on a payment, a payment information block or a whole file."""
    GAP = "gap"
    """A statement does not open with the balance with which the last one closed."""


class BankEventState(StrEnum):
    """What became of a record of a bank file."""

    RECEIVED = "received"
    """Stored and not yet applied."""
    APPLIED = "applied"
    """It moved a payout."""
    REPEATED = "repeated"
    """It says what was known already."""
    NOTED = "noted"
    """It moves nothing (ACCP, a pending entry, somebody else's booking)."""
    DEFERRED = "deferred"
    """A return that came before its debit; applied when that comes."""
    EXCEPTION = "exception"
    """A person has to look at it."""
    RESOLVED = "resolved"
    """A person looked at it and said what it was."""


class ExceptionReason(StrEnum):
    """Why a record of a bank file is on the exception list."""

    UNKNOWN_PAYMENT = "unknown_payment"
    """An end-to-end id, message id or payment information id that looks like ours and is not."""
    AMOUNT_DIFFERS = "amount_differs"
    """The amount or the currency is not the payout's."""
    OTHER_ACCOUNT = "other_account"
    """The statement is of another account than the run was paid from."""
    SECOND_DEBIT = "second_debit"
    """The payout was booked already, under another bank reference."""
    SECOND_RETURN = "second_return"
    """The payout was returned already, under another bank reference."""
    IMPOSSIBLE_STATE = "impossible_state"
    """The payout's state does not allow it, for instance a debit of a cancelled payout."""
    BATCH_DIFFERS = "batch_differs"
    """A batch debit whose count or sum is not that of its file's open payouts."""
    UNKNOWN_REASON = "unknown_reason"
    """A credit for one of our payouts that does not say that it is a return."""
    NEEDS_A_PERSON = "needs_a_person"
    """The bank asks for a decision (AM05: it takes the payment for a duplicate)."""
    PAYEE_NO_MATCH = "payee_no_match"
    """The payee's bank says that the account is in another name; the payout is held."""
    PAYEE_CLOSE_MATCH = "payee_close_match"
    """The payee's bank has nearly this name, and says which; the payout is held."""
    FIX_DATA = "fix_data"
    """Rejected or returned, its money given back: name or address must be put right before it is paid again."""
    REFERRER_FROZEN = "referrer_frozen"
    """Rejected or returned because the payee died (MD07), its money given back: the referrer is suspended."""
    STATEMENT_GAP = "statement_gap"
    """A statement is missing between this one and the last."""
