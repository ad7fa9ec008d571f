"""Why a payout use case says no."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from app.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, RefledgerError

if TYPE_CHECKING:
    from app.payouts.domain.calendar import Period
    from app.payouts.domain.state import RunMove


class BadHolder(InvalidInput):
    """A name that no bank file can carry."""

    title = "Not a usable name"

    def __init__(self) -> None:
        super().__init__(
            "the account holder needs 1 to 140 characters with at least one letter that banks can write",
            pointer="/holder",
        )


class BadAddress(InvalidInput):
    """An address that a bank file cannot carry."""

    title = "Not a usable address"

    def __init__(self, field: str, bound: str) -> None:
        super().__init__(f"the address's {field} needs {bound}", pointer=f"/address/{field}")


class NoSuchRun(NotFound):
    """No run of that name or number."""

    title = "No such payout run"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no payout run {name!r}")


class NoDebtor(Conflict):
    """The programme does not say which account pays."""

    title = "No debtor"

    def __init__(self, slug: str) -> None:
        super().__init__(f"programme {slug} has no debtor: set its name and IBAN before paying out")


class PeriodUnfinished(Conflict):
    """The month is still running in the programme's time zone."""

    title = "Period not finished"

    def __init__(self, period: Period) -> None:
        super().__init__(
            f"the period {period} is not finished; it can be paid from {period.next().first_day} on"
        )


class PeriodClosed(Conflict):
    """The books of the month are closed; nothing is paid for it any more."""

    title = "Period closed"

    def __init__(self, period: Period) -> None:
        super().__init__(
            f"the books of {period} are closed; what is still available from it is paid with the next month's run"
        )


class RailCannotPay(Conflict):
    """The programme's way of paying does not carry its currency."""

    title = "Currency not payable"

    def __init__(self, rail: str, currency: str) -> None:
        super().__init__(f"the rail {rail!r} cannot pay {currency}")


class UnknownRail(InvalidInput):
    """A rail that is not built in."""

    title = "Unknown rail"

    def __init__(self, rail: str) -> None:
        super().__init__(f"there is no rail {rail!r}")


class RunBusy(Conflict):
    """Another move of the run has begun and is not finished."""

    title = "Run busy"

    def __init__(self, name: str, underway: RunMove) -> None:
        super().__init__(f"run {name} is in the middle of: {underway.value}")
        self.underway = underway


class Objection(StrEnum):
    """Why somebody may not approve a run."""

    NO_PERSON = "must be approved by a person"
    FROZEN_BY_NOBODY = "was frozen by nobody in particular; four eyes need two people"
    MADE_OR_FROZE = "must be approved by somebody who neither made nor froze it"
    EDITED_ACCOUNT = "pays to a bank account that its approver edited"


class NotTheApprover(Forbidden):
    """Four eyes: this person may not approve this run."""

    title = "Another person must approve"

    def __init__(self, name: str, objection: Objection) -> None:
        super().__init__(f"run {name} {objection.value}")
        self.objection = objection


class NoSuchPayout(NotFound):
    """The run has no payout to that referrer that could be taken out."""

    title = "No such payout"

    def __init__(self, name: str, code: str) -> None:
        super().__init__(f"run {name} pays nothing to {code!r}")


class ApprovalVoid(Conflict):
    """The payouts are not those that were approved."""

    title = "Approval void"

    def __init__(self, name: str) -> None:
        super().__init__(f"run {name} changed after it was approved; it must be approved again")


class BuildBegun(Conflict):
    """A payout that stands in a numbered file can no longer be taken out by itself."""

    title = "The files are being built"

    def __init__(self, name: str) -> None:
        super().__init__(f"the files of run {name} are begun: only the whole run can be cancelled")


class BlockedDestinations(Conflict):
    """A bank account in the run was blocked after it was frozen."""

    title = "Blocked bank accounts in the run"

    def __init__(self, name: str, count: int) -> None:
        self.count = count
        super().__init__(
            f"run {name} pays to {count} blocked bank account(s): take those payouts out or cancel the run"
        )


class SuspendedReferrers(Conflict):
    """Somebody in the run was suspended after it was frozen."""

    title = "Suspended referrers in the run"

    def __init__(self, name: str, count: int) -> None:
        self.count = count
        super().__init__(
            f"run {name} pays {count} suspended referrer(s): take those payouts out or cancel the run"
        )


class AlreadySubmitted(Conflict):
    """The bank has (or may have) the run; it cannot be taken back."""

    title = "Already submitted"

    def __init__(self, name: str) -> None:
        super().__init__(f"run {name} is with the bank and cannot be cancelled")


class FileNotBuilt(NotFound):
    """A payout file whose bytes do not exist yet."""

    title = "File not built"

    def __init__(self, message_id: str) -> None:
        super().__init__(f"the file {message_id} is not built yet")


class NoSuchFile(NotFound):
    """No payout file of that name or number."""

    title = "No such payout file"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no payout file {name!r}")


class FileNotOpen(Conflict):
    """A file of which there is nothing to be unsure about."""

    title = "Nothing is unknown about this file"

    def __init__(self, message_id: str) -> None:
        super().__init__(
            f"the file {message_id} cannot be with the bank yet, or all of its payouts are settled"
        )


class FileNotUnknown(Conflict):
    """Only of a file whose outcome is unknown can a person say that it never arrived."""

    title = "The file's outcome is not unknown"

    def __init__(self, message_id: str) -> None:
        super().__init__(f"nobody said that the outcome of the file {message_id} is unknown")


class NoDebt(Conflict):
    """The referrer owes nothing."""

    title = "Nothing is owed"

    def __init__(self, code: str) -> None:
        super().__init__(f"referrer {code!r} owes nothing")


class WriteOffTooLarge(InvalidInput):
    """More would be written off than is owed."""

    title = "More than is owed"

    def __init__(self, code: str, owed: str) -> None:
        super().__init__(f"amount: referrer {code!r} owes {owed}, no more", pointer="/amount")


class ChangeNotUndoable(Conflict):
    """A change of the bank account that cannot be taken back (any more)."""

    title = "This change cannot be undone"

    def __init__(self) -> None:
        super().__init__("this change was undone, has come into force, or was followed by another account")


class DestinationAltered(RefledgerError):
    """A sealed IBAN that is not the one its row was found by: the row was changed behind the service's
    back.
    """

    title = "Bank account altered"

    def __init__(self, destination: str) -> None:
        super().__init__(f"the bank account {destination} was altered in the database; nothing is paid to it")


class NoSuchEvent(NotFound):
    """No such record on the exception list."""

    title = "No such bank record"

    def __init__(self, event_id: int) -> None:
        super().__init__(f"there is no open bank record {event_id}")


class NoSuchReference(NotFound):
    """Neither a payout's end-to-end id nor a payout file's message id."""

    title = "No such payout or file"

    def __init__(self, reference: str) -> None:
        super().__init__(f"there is no payout and no payout file {reference[:35]!r}")


class NotAssignable(Conflict):
    """A record of the bank that cannot be what somebody said it is."""

    title = "Does not belong there"

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"this record cannot be of {reference!r}: a booked debit or credit has to be of the same amount and "
            "currency to the cent, a status a rejection or an answer about the payee"
        )
