"""What the bank answered, as staff see it: files, and records that somebody has to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Status, Table, Tone
from app.dashboard.i18n import _, ngettext
from app.payouts.errors import NoSuchReference, NotAssignable
from app.payouts.words import BankEventKind, BankEventState, BankFileState, ExceptionReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.kernel.errors import RefledgerError
    from app.payouts.models import BankEvent, BankFile
    from app.payouts.reconcile import ImportResult


def bank_file_table(files: Sequence[BankFile], timezone: str) -> Table:
    """What the bank has answered so far."""
    return Table(
        title=_("Files from the bank"),
        id="bank-files",
        columns=(
            Column(_("Read"), sorts_by="read"),
            Column(_("File")),
            Column(_("Kind")),
            Column(_("State")),
        ),
        rows=tuple(
            (
                Cell(formatting.instant(file.imported_at, timezone)),
                Cell(file.name),
                Cell(file.kind.value, code=True),
                Cell(status=_file_state(file.state)),
            )
            for file in files
        ),
        empty=Empty(_("No file yet"), _("Upload what the bank answers: pain.002, camt.053 or camt.054.")),
    )


def _file_state(state: BankFileState) -> Status:
    match state:
        case BankFileState.RECORDING:
            return Status(_("being read"), Tone.MOVE)
        case BankFileState.RECORDED:
            return Status(_("being applied"), Tone.MOVE)
        case BankFileState.APPLIED:
            return Status(_("applied"), Tone.DONE)


def event_table(events: Sequence[BankEvent]) -> Table:
    """Every record that a bank sent, with what became of it."""
    return Table(
        title=_("Records of the bank"),
        show_title=False,
        id="bank-records",
        columns=(
            Column(_("Record")),
            Column(_("Booked on")),
            Column(_("State")),
            Column(_("Reference")),
            Column(_("The bank's reference")),
            Column(_("The bank's reason")),
        ),
        rows=tuple(
            (
                Cell(_event_kind(event), sub=event.resolution or ""),
                Cell(formatting.short_day(event.booked_on) if event.booked_on else formatting.DASH),
                Cell(
                    status=event_state(event.state),
                    sub=_exception(event.exception) if event.exception else "",
                ),
                Cell(event.end_to_end_id or formatting.DASH, code=True),
                Cell(event.entry_ref or formatting.DASH, code=True),
                Cell(event.reason_code or event.status or formatting.DASH, code=True),
            )
            for event in events
        ),
        empty=Empty(_("No record yet"), _("Each booking and each status that the bank sends stands here.")),
    )


def event_state(state: BankEventState) -> Status:
    """What became of a record of the bank."""
    match state:
        case BankEventState.RECEIVED:
            return Status(_("being applied"), Tone.MOVE)
        case BankEventState.APPLIED:
            return Status(_("applied"), Tone.DONE)
        case BankEventState.REPEATED:
            return Status(_("known already"), Tone.CALM)
        case BankEventState.NOTED:
            return Status(_("moves nothing"), Tone.CALM)
        case BankEventState.DEFERRED:
            return Status(_("waits for its debit"), Tone.WAIT)
        case BankEventState.EXCEPTION:
            return Status(_("to look at"), Tone.HELD)
        case BankEventState.RESOLVED:
            return Status(_("looked at"), Tone.DONE)


_SEEN_TO: Final = frozenset(
    {ExceptionReason.FIX_DATA, ExceptionReason.REFERRER_FROZEN, ExceptionReason.STATEMENT_GAP}
)


@dataclass(frozen=True, slots=True)
class ExceptionItem:
    """A record of the bank that somebody has to look at."""

    id: int
    title: str
    reason: str
    facts: tuple[Fact, ...]
    seen_to: bool
    """Its money has moved already; there is nothing that it could be assigned to."""


def exception_items(events: Sequence[BankEvent]) -> tuple[ExceptionItem, ...]:
    """Each record in words."""
    return tuple(
        ExceptionItem(
            id=event.id,
            title=_event_kind(event),
            reason=_exception(event.exception) if event.exception else "",
            facts=(
                Fact(
                    _("Booked on"),
                    Cell(formatting.day(event.booked_on) if event.booked_on else formatting.DASH),
                ),
                Fact(_("Reference"), Cell(event.end_to_end_id or formatting.DASH, code=True)),
                Fact(_("The bank's reference"), Cell(event.entry_ref or formatting.DASH, code=True)),
                Fact(
                    _("The bank's reason"),
                    Cell(event.reason_code or event.status or formatting.DASH, code=True),
                ),
                *_proposal(event),
            ),
            seen_to=event.exception in _SEEN_TO,
        )
        for event in events
    )


def _proposal(event: BankEvent) -> tuple[Fact, ...]:
    return (Fact(_("Name at the payee's bank"), Cell(event.payee_name)),) if event.payee_name else ()


def refused_reference(error: RefledgerError) -> str:
    """Why a record cannot belong to what somebody said."""
    if isinstance(error, NoSuchReference):
        return _("There is no payout and no file of ours with this reference.")
    if isinstance(error, NotAssignable):
        return _("This record cannot be of it: amount and currency have to be the same to the cent.")
    return _("The payout's state does not allow it.")


def _event_kind(event: BankEvent) -> str:
    amount = (
        formatting.amount(event.amount_minor, event.currency)
        if event.amount_minor is not None and event.currency
        else ""
    )
    match event.kind:
        case BankEventKind.DEBIT:
            return _("Debit of %(amount)s", amount=amount)
        case BankEventKind.CREDIT:
            return _("Credit of %(amount)s", amount=amount)
        case BankEventKind.STATUS:
            return _("The bank's word on a payment")
        case BankEventKind.GAP:
            return _("A gap between two statements")


def _exception(reason: ExceptionReason) -> str:  # noqa: C901, PLR0912 - one arm for each member
    match reason:
        case ExceptionReason.UNKNOWN_PAYMENT:
            return _("The reference looks like ours, and there is no such payout.")
        case ExceptionReason.AMOUNT_DIFFERS:
            return _("The amount or the currency is not the payout's.")
        case ExceptionReason.OTHER_ACCOUNT:
            return _("The statement is of another account than the run was paid from.")
        case ExceptionReason.SECOND_DEBIT:
            return _("This payout was booked before, under another bank reference.")
        case ExceptionReason.SECOND_RETURN:
            return _("This payout was returned before, under another bank reference.")
        case ExceptionReason.IMPOSSIBLE_STATE:
            return _("The payout's state does not allow it.")
        case ExceptionReason.BATCH_DIFFERS:
            return _("Count or sum of the batch is not that of our file.")
        case ExceptionReason.UNKNOWN_REASON:
            return _("A credit for one of our payouts that does not say it is a return.")
        case ExceptionReason.NEEDS_A_PERSON:
            return _("The bank asks for a decision.")
        case ExceptionReason.PAYEE_NO_MATCH:
            return _(
                "The payee's bank says that the account is in another name. The payout is held: have the bank pay it "
                "all the same and note it here, or take it back by its reference."
            )
        case ExceptionReason.PAYEE_CLOSE_MATCH:
            return _(
                "The payee's bank has nearly this name. The payout is held: have the bank pay it all the same and note "
                "it here, or take it back by its reference."
            )
        case ExceptionReason.FIX_DATA:
            return _(
                "The bank did not pay because of name or address. The money is available again; put the data right "
                "before the next run."
            )
        case ExceptionReason.REFERRER_FROZEN:
            return _(
                "The bank says that the payee has died. The money is available again, and the referrer is suspended."
            )
        case ExceptionReason.STATEMENT_GAP:
            return _("A statement between this one and the last is missing.")


def no_exceptions() -> Empty:
    """The list of exceptions when it is empty."""
    return Empty(
        _("Nothing to look at"), _("Every record of the bank matched a payout or was other business.")
    )


def import_summary(result: ImportResult) -> str:
    """What an upload did."""
    if result.known_file:
        return _("This file was read before; nothing was changed.")
    parts = [
        ngettext("%(num)s record read", "%(num)s records read", result.records),
        ngettext("%(num)s applied", "%(num)s applied", result.applied),
        ngettext("%(num)s known before", "%(num)s known before", result.repeated),
        ngettext("%(num)s to look at", "%(num)s to look at", result.exceptions),
    ]
    return ", ".join(parts) + "."
