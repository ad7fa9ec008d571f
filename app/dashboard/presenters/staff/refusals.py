"""Why a move of a payout run was refused, in words that say what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_babel import lazy_gettext as _l

from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.payouts.domain.state import IllegalMove, PayoutMove, PayoutState, RunMove, RunState
from app.payouts.errors import NotTheApprover, Objection

if TYPE_CHECKING:
    from app.kernel.errors import RefledgerError
    from app.payouts.models import PayoutRun

_NAMED: Final = {
    "RunBusy": _l("This run is in the middle of another step. Please wait until that is done."),
    "ApprovalVoid": _l("The payouts are not those that were approved. The run must be approved again."),
    "BlockedDestinations": _l(
        "A bank account in this run has been blocked since it was frozen. Take the payouts to it out, "
        "or cancel the run."
    ),
    "SuspendedReferrers": _l(
        "Somebody in this run has been suspended since it was frozen. Take the payouts to them out, "
        "or cancel the run."
    ),
    "BuildBegun": _l(
        "The bank files are begun, so no single payout can be taken out. Cancel the run instead."
    ),
    "AlreadySubmitted": _l("The bank has this run; it cannot be cancelled any more."),
    "FileNotOpen": _l("This file cannot be with the bank yet, or all of its payouts are settled."),
    "FileNotUnknown": _l("First say that the outcome of this file is unknown."),
    "NoDebtor": _l("The programme has no account to pay from yet."),
    "PeriodUnfinished": _l("This month is not finished yet."),
    "PeriodClosed": _l(
        "The books of this month are closed. What is still available from it is paid with the next month's run."
    ),
    "UnknownPeriod": _l("Write the month as 2026-10."),
    "RailCannotPay": _l("The programme's way of paying does not carry its currency."),
    "BooksDoNotAddUp": _l(
        "The books do not add up, so nothing is paid. The operator finds the reason with "
        "“flask ledger check”."
    ),
    "FileNotVerified": _l(
        "A bank file did not pass its check, so it was thrown away and nothing is sent. "
        "Please tell the operator."
    ),
    "DestinationAltered": _l(
        "A bank account in this run was altered in the database, so nothing is paid to it. "
        "Please tell the operator."
    ),
    "CannotOpen": _l(
        "A bank account in this run cannot be read, so nothing is paid to it. Please tell the operator."
    ),
}
"""By the name of the refusal, which is also what a run keeps of it."""

_SIGNED = {RunState.APPROVED, RunState.BUILT, RunState.SUBMITTED, RunState.CLOSED}
_WITH_THE_BANK = {RunState.SUBMITTED, RunState.CLOSED}


def run_refusal(error: RefledgerError) -> str:
    """A whole sentence for the page."""
    match error:
        case IllegalMove():
            return _illegal(error)
        case NotTheApprover():
            return _not_the_approver(error.objection)
        case _:
            return _named(type(error).__name__) or _(
                "That was refused: %(reason)s.", reason=error.detail.rstrip(".")
            )


def trouble(run: PayoutRun) -> str:
    """What stopped the worker that was moving this run."""
    said = _named(run.trouble or "")
    if said is not None:
        return said
    return _(
        "The work stopped with an error (%(name)s). It is tried again every minute.", name=run.trouble or ""
    )


def _illegal(error: IllegalMove) -> str:
    state, move = error.state, error.move
    if isinstance(state, PayoutState):
        said = words.payout_state(state).word
        if move is not PayoutMove.CANCEL:
            return _("It is known already what became of this payout: it is “%(state)s”.", state=said)
        return _("This payout cannot be taken out any more: it is “%(state)s”.", state=said)
    if move is RunMove.APPROVE and state in _SIGNED:
        return _("This run is approved already; a second approval changes nothing.")
    if move is RunMove.CANCEL and state in _WITH_THE_BANK:
        return _("The bank has this run; it cannot be cancelled any more.")
    said = words.run_state(state).word
    return _("That is not possible with a run in this state (%(state)s). Nothing was changed.", state=said)


def _not_the_approver(objection: Objection) -> str:
    match objection:
        case Objection.NO_PERSON:
            return _("A person has to approve this run.")
        case Objection.FROZEN_BY_NOBODY:
            return _(
                "Four eyes: this run was not frozen by a person, so two people cannot have seen it. "
                "Cancel it and start again."
            )
        case Objection.MADE_OR_FROZE:
            return _("Four eyes: somebody who neither made nor froze this run has to approve it.")
        case Objection.EDITED_ACCOUNT:
            return _(
                "Four eyes: this run pays to a bank account that you entered. Somebody else has to approve it."
            )


def _named(name: str) -> str | None:
    words = _NAMED.get(name)
    return None if words is None else str(words)
