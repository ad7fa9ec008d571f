"""What may be done with a payout run, what one should know before, and how far a move under way has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Status, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters.staff.refusals import trouble
from app.payouts.approval import PAYOUTS_CHANGED
from app.payouts.domain.state import RunMove, RunState
from app.payouts.stages import CANCELLABLE
from app.referrals.words import Approval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.payouts.models import PayoutApproval, PayoutRun


@dataclass(frozen=True, slots=True)
class Move:
    """What may be done with the run now: a form that is a button, with what it does in words."""

    label: str
    text: str
    href: str
    kind: str = ""
    asks_password: bool = False
    asks_reason: bool = False
    """The button leads to a page that asks why."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A move under way: what is done, in words and as a bar (``total`` 0: not known yet), and where it is asked for."""

    title: str
    words: str
    done: int
    total: int
    href: str
    stopped: bool
    """Something stopped it, so that there is nothing to ask for again and again."""


def moves(
    run: PayoutRun, *, may_prepare: bool, may_approve: bool, may_submit: bool, may_be_seen: bool
) -> tuple[Move, ...]:
    """What this person may do with the run as it stands. ``may_be_seen``: the bank may have one of its files."""
    name = run.name
    found: list[Move] = []
    if run.underway is not None:
        stuck = run.trouble is not None and run.underway in CANCELLABLE
        return (_cancel(run),) if stuck and may_prepare else ()
    if run.state is RunState.DRAFT and may_prepare:
        found.append(
            Move(
                _("Freeze this run"),
                _("Reserves everybody's money and fixes who is paid how much. Nothing leaves the house yet."),
                url_for("staff.freeze_run", name=name),
            )
        )
    if run.state is RunState.FROZEN and may_approve:
        found.append(
            Move(
                _("Approve and build the files"),
                _("Signs every amount and bank account. Any change afterwards voids the approval."),
                url_for("staff.approve_run", name=name),
                asks_password=True,
            )
        )
    if run.state is RunState.APPROVED and may_prepare:
        found += _approved(run)
    if run.state is RunState.BUILT and may_submit:
        found.append(
            Move(
                _("Mark as handed to the bank"),
                _(
                    "After you have uploaded every file at the bank. From then on the run cannot be cancelled."
                ),
                url_for("staff.submit_run", name=name),
            )
        )
    unseen = run.state in {RunState.DRAFT, RunState.FROZEN, RunState.APPROVED, RunState.BUILT}
    if unseen and may_prepare and not may_be_seen:
        found.append(_cancel(run))
    return tuple(found)


def _approved(run: PayoutRun) -> tuple[Move, Move]:
    return (
        Move(
            _("Build the files"),
            _("Writes and verifies the bank files."),
            url_for("staff.build_run", name=run.name),
        ),
        Move(
            _("Withdraw the approval"),
            _("Puts the run back to frozen; somebody has to approve it again."),
            url_for("staff.withdraw_approval", name=run.name),
            kind="quiet",
            asks_reason=True,
        ),
    )


def _cancel(run: PayoutRun) -> Move:
    return Move(
        _("Cancel this run"),
        _("Gives all reserved money back. Do this only if no file has reached the bank."),
        url_for("staff.cancel_run", name=run.name),
        kind="danger",
    )


def notice(run: PayoutRun, approvals: Sequence[PayoutApproval]) -> Status | None:
    """What one should know before acting."""
    if run.trouble is not None:
        return Status(trouble(run), Tone.STOP)
    if run.underway is not None:
        return None
    void = [approval for approval in approvals if approval.voided_at is not None]
    if run.state is RunState.FROZEN and void:
        said = void[-1].void_reason or ""
        reason = _("the payouts changed") if said == PAYOUTS_CHANGED else said
        return Status(_("An earlier approval is void: %(reason)s", reason=reason), Tone.WAIT)
    if run.state is RunState.FROZEN and run.approval is Approval.TWO:
        return Status(
            _("Four eyes: somebody else than who made or froze the run has to approve it."), Tone.HELD
        )
    if run.state is RunState.BUILT:
        return Status(
            _("Download each file, upload it at the bank, then mark the run as handed over."), Tone.WAIT
        )
    if run.state is RunState.SUBMITTED:
        return Status(_("Upload the bank's answers under Bank; each payout is settled from them."), Tone.MOVE)
    return None


def progress(run: PayoutRun) -> Progress | None:
    """How far the move under way has come; ``None`` where nothing is."""
    if run.underway is None:
        return None
    title, counted = _work(run.underway)
    total, done = run.stage_total, min(run.stage_done, run.stage_total)
    if not total:
        words = _("A worker takes it up in a moment.")
    else:
        words = counted(formatting.number(done), formatting.number(total))
    href = url_for("staff.run_progress", name=run.name)
    return Progress(title, words, done, total, href, stopped=run.trouble is not None)


def _work(move: RunMove) -> tuple[str, Callable[[str, str], str]]:
    """The name of a move that is under way, and its "how many of how many"."""

    def payouts(done: str, total: str) -> str:
        return _("%(done)s of %(total)s payouts", done=done, total=total)

    def referrers(done: str, total: str) -> str:
        return _("%(done)s of %(total)s referrers", done=done, total=total)

    match move:
        case RunMove.FREEZE:
            return _("Everybody's money is being reserved"), referrers
        case RunMove.BUILD:
            return _("The bank files are being written and verified"), payouts
        case RunMove.SUBMIT:
            return _("The payouts are being marked as handed to the bank"), payouts
        case RunMove.CANCEL:
            return _("All reserved money is being given back"), payouts
        case (
            RunMove.APPROVE | RunMove.WITHDRAW | RunMove.CLOSE
        ):  # pragma: no cover - these take one transaction
            return move.value, payouts
