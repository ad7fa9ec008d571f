"""Payout runs and bank records as staff see them: what is paid to whom, who was left out, what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Figure, Status, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.dashboard.presenters.bank_account import masked
from app.payouts.domain.calendar import Period
from app.payouts.domain.plan import PlannedPayout
from app.payouts.domain.state import PayoutState, RunState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.dashboard.presenters.staff.run_moves import Move, Progress
    from app.payouts.domain.plan import Planned
    from app.payouts.models import (
        Payout,
        PayoutDestination,
        PayoutFile,
        PayoutOmission,
        PayoutRun,
    )
    from app.referrals.models import Program, Referrer


_MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a run's way, as word and shape."""

    word: str
    tone: Tone
    current: bool


@dataclass(frozen=True, slots=True)
class RunPage:
    """One run."""

    title: str
    name: str
    status: Status
    stages: tuple[Stage, ...]
    notice: Status | None
    progress: Progress | None
    figures: tuple[Figure, ...]
    moves: tuple[Move, ...]
    compare_href: str | None
    facts: tuple[Fact, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class ReasonPage:
    """Something that is done to a run only with a reason."""

    title: str
    text: str
    back: str
    run: str
    button: str
    facts: tuple[Fact, ...]


def month_of(run: PayoutRun) -> str:
    """The month that a run pays for."""
    return formatting.month(Period.parse(run.period).first_day)


def run_table(rows: Sequence[PayoutRun], *, more_href: str | None) -> Table:
    """A programme's runs, newest first."""
    return Table(
        title=_("Payout runs"),
        id="runs",
        columns=(
            Column(_("Month"), sorts_by="month"),
            Column(_("Run"), sorts_by="started"),
            Column(_("State")),
            Column(_("Payouts"), numeric=True),
            Column(_("Total"), numeric=True, sorts_by="total"),
            Column(_("Left out"), numeric=True),
            Column(_("Bank day")),
        ),
        rows=tuple(
            (
                Cell(month_of(run), href=url_for("staff.run", name=run.name)),
                Cell(run.name, code=True),
                Cell(status=words.run_state(run.state)),
                Cell(formatting.number(run.payout_count)),
                Cell(formatting.amount(run.total_minor, run.currency)),
                Cell(formatting.number(run.omission_count)),
                Cell(formatting.short_day(run.execution_on) if run.execution_on else formatting.DASH),
            )
            for run in rows
        ),
        more_href=more_href,
        empty=Empty(
            _("No payout run yet"),
            _("One is drafted on the payout day of each month; you can also start one for a finished month."),
        ),
    )


def stages(run: PayoutRun) -> tuple[Stage, ...]:
    """The way of a run, with what lies behind it."""
    way = (
        (RunState.DRAFT, _("Draft")),
        (RunState.FROZEN, _("Frozen")),
        (RunState.APPROVED, _("Approved")),
        (RunState.BUILT, _("Files ready")),
        (RunState.SUBMITTED, _("At the bank")),
        (RunState.CLOSED, _("Closed")),
    )
    if run.state is RunState.CANCELLED:
        return (Stage(_("Cancelled"), Tone.STOP, current=True),)
    here = [state for state, _word in way].index(run.state)
    return tuple(
        Stage(word, Tone.DONE if index < here else Tone.MOVE if index == here else Tone.CALM, index == here)
        for index, (_state, word) in enumerate(way)
    )


def run_figures(run: PayoutRun) -> tuple[Figure, ...]:
    """Count, total, left out, bank day."""
    return (
        Figure(_("Total"), formatting.amount(run.total_minor, run.currency)),
        Figure(_("Payouts"), formatting.number(run.payout_count)),
        Figure(_("Left out"), formatting.number(run.omission_count), _("with the reason below")),
        Figure(
            _("Bank day"), formatting.short_day(run.execution_on) if run.execution_on else formatting.DASH
        ),
    )


def run_facts(run: PayoutRun, names: Mapping[str, str], program: Program) -> tuple[Fact, ...]:
    """Who did what, and from which account."""
    zone = program.timezone

    def done(at: object, by: str | None) -> Cell:
        return Cell(f"{at}, {names.get(by or '', by or '')}" if at else formatting.DASH)

    def said(moment: object) -> str:
        return formatting.instant(moment, zone) if moment else ""  # type: ignore[arg-type]

    return (
        Fact(_("Pays what is available until"), Cell(formatting.day(run.until_on))),
        Fact(_("Minimum payout"), Cell(formatting.amount(run.minimum_minor, run.currency))),
        Fact(_("Approval"), Cell(words.approval(run.approval))),
        Fact(
            _("Paid from"),
            Cell(f"{run.debtor_name}, {run.debtor_iban[:2]}\u2022\u2022 {run.debtor_iban[-4:]}")
            if run.debtor_iban
            else Cell(formatting.DASH),
        ),
        Fact(_("Drafted"), done(said(run.created_at), run.created_by)),
        Fact(_("Frozen"), done(said(run.frozen_at), run.frozen_by)),
        Fact(_("Approved"), done(said(run.approved_at), run.approved_by)),
        Fact(_("Handed to the bank"), done(said(run.submitted_at), run.submitted_by)),
        *((Fact(_("Closed"), Cell(said(run.closed_at))),) if run.closed_at else ()),
        *(
            (Fact(_("Cancelled"), done(said(run.cancelled_at), run.cancelled_by)),)
            if run.cancelled_at
            else ()
        ),
    )


def payout_table(
    rows: Sequence[tuple[Payout, Referrer, PayoutDestination]],
    run: PayoutRun,
    *,
    shared: Mapping[str, Sequence[str]],
    may_exclude: bool,
    may_settle: bool,
) -> Table:
    """Who is paid how much, and how far it has come; with what may be done to a single one.

    ``shared`` has for an account the codes of all whom the run pays to it.
    """
    taken_out = may_exclude and can_exclude(run)
    open_ = taken_out or (may_settle and any(row[0].state is PayoutState.UNKNOWN for row in rows))
    return Table(
        title=_("Payouts"),
        id="payouts",
        columns=(
            Column(_("Referrer")),
            Column(_("Amount"), numeric=True, sorts_by="amount"),
            Column(_("State")),
            Column(_("Bank account")),
            Column(_("Reference"), sorts_by="reserved"),
            Column(_("Bank day")),
            *((Column(_("Action")),) if open_ else ()),
        ),
        rows=tuple(
            (
                Cell(referrer.name, href=url_for("staff.referrer", code=referrer.code), wraps=True),
                Cell(formatting.amount(payout.amount_minor, payout.currency)),
                Cell(
                    status=words.payout_state(payout.state), sub=payout.decision or payout.reason_code or ""
                ),
                Cell(
                    masked(destination),
                    code=True,
                    sub=_shared(referrer.code, shared.get(destination.iban_key, ())),
                ),
                Cell(payout.end_to_end_id, code=True),
                Cell(formatting.short_day(payout.paid_on) if payout.paid_on else formatting.DASH),
                *((_action(payout, run, taken_out=taken_out),) if open_ else ()),
            )
            for payout, referrer, destination in rows
        ),
        empty=Empty(_("Nothing is reserved yet"), _("Freeze the run to fix who is paid."))
        if run.state is RunState.DRAFT
        else Empty(_("Nobody is paid in this run"), _("The list of those left out says why.")),
    )


def can_exclude(run: PayoutRun) -> bool:
    """Whether single payouts can still be taken out of the run."""
    return run.underway is None and run.state in {RunState.FROZEN, RunState.APPROVED}


def _shared(own: str, codes: Sequence[str]) -> str:
    others = [code for code in codes if code != own]
    return _("the same account as %(codes)s", codes=", ".join(others[:_MOST_NAMED])) if others else ""


def _action(payout: Payout, run: PayoutRun, *, taken_out: bool) -> Cell:
    if payout.state is PayoutState.UNKNOWN and not taken_out:
        href = url_for("staff.decide_unknown_payout", name=run.name, payout_id=payout.id)
        return Cell(_("Say what became of it"), href=href)
    if payout.state is not PayoutState.RESERVED:
        return Cell(formatting.DASH)
    return Cell(_("Take out"), href=url_for("staff.exclude_payout", name=run.name, payout_id=payout.id))


def preview_table(
    planned: Sequence[Planned], names: Mapping[int, Referrer], run: PayoutRun, *, more_href: str | None
) -> Table:
    """Who a draft would pay as the books stand now, and why not the others."""
    return Table(
        title=_("What it would pay"),
        note=_("As the books stand now; freezing fixes it"),
        id="preview",
        columns=(Column(_("Referrer")), Column(_("Amount"), numeric=True), Column(_("Verdict"))),
        rows=tuple(_preview_row(plan, names, run) for plan in planned),
        more_href=more_href,
        empty=Empty(_("Nobody has anything available"), _("The run would pay nobody.")),
    )


def _preview_row(plan: Planned, names: Mapping[int, Referrer], run: PayoutRun) -> tuple[Cell, ...]:
    referrer = names.get(plan.referrer_id)
    who = (
        Cell(referrer.name, href=url_for("staff.referrer", code=referrer.code))
        if referrer
        else Cell(formatting.DASH)
    )
    if isinstance(plan, PlannedPayout):
        paid = Status(_("would be paid"), Tone.DONE)
        return (who, Cell(formatting.amount(plan.amount_minor, run.currency)), Cell(status=paid))
    left = Status(_("left out"), Tone.WAIT)
    return (
        who,
        Cell(formatting.amount(plan.available_minor, run.currency)),
        Cell(status=left, sub=words.omission(plan.reason)),
    )


def omission_table(rows: Sequence[tuple[PayoutOmission, Referrer]], run: PayoutRun) -> Table:
    """Who has money and is not paid, and why."""
    return Table(
        title=_("Left out"),
        id="omissions",
        columns=(Column(_("Referrer")), Column(_("Available"), numeric=True), Column(_("Why"))),
        rows=tuple(
            (
                Cell(referrer.name, href=url_for("staff.referrer", code=referrer.code)),
                Cell(formatting.amount(omission.available_minor, run.currency)),
                Cell(words.omission(omission.reason)),
            )
            for omission, referrer in rows
        ),
        empty=Empty(_("Nobody was left out"), _("Everyone with money is paid in this run.")),
    )


def file_table(files: Sequence[PayoutFile], run: PayoutRun, *, may_download: bool, may_settle: bool) -> Table:
    """The files for the bank; every download gives the same bytes. With what is known of the hand-over."""
    handed = run.underway is None and run.state in {RunState.BUILT, RunState.SUBMITTED}
    return Table(
        title=_("Files for the bank"),
        id="files",
        columns=(
            Column(_("File")),
            Column(_("Payments"), numeric=True),
            Column(_("Sum"), numeric=True),
            Column(_("SHA-256")),
            *((Column(_("Hand-over")),) if handed else ()),
        ),
        rows=tuple(
            (
                Cell(
                    file.name,
                    href=url_for("staff.run_file", name=run.name, file_id=file.id)
                    if file.sha256 and may_download
                    else None,
                ),
                Cell(formatting.number(file.payment_count)),
                Cell(formatting.amount(file.control_sum_minor, run.currency)),
                Cell(file.sha256 or formatting.DASH, code=True),
                *((_hand_over(file, run, may_lose=may_download, may_settle=may_settle),) if handed else ()),
            )
            for file in files
        ),
        empty=Empty(_("No files yet"), _("They are built and verified after the approval.")),
    )


def _hand_over(file: PayoutFile, run: PayoutRun, *, may_lose: bool, may_settle: bool) -> Cell:
    """What is known of a file's way to the bank, and what may be said of it."""
    if file.absent_at is not None:
        return Cell(status=Status(_("never arrived"), Tone.STOP))
    if file.lost_at is None:
        if not may_lose:
            return Cell(formatting.DASH)
        href = url_for("staff.lose_payout_file", name=run.name, file_id=file.id)
        return Cell(_("The upload ended without an answer"), href=href)
    if not may_settle:
        return Cell(status=Status(_("outcome unknown"), Tone.HELD))
    href = url_for("staff.dismiss_payout_file", name=run.name, file_id=file.id)
    return Cell(_("The bank never got it"), href=href, sub=_("outcome unknown"))


def own_payout_table(rows: Sequence[tuple[Payout, PayoutRun]]) -> Table:
    """One referrer's payouts."""
    return Table(
        title=_("Payouts"),
        id="payouts",
        columns=(
            Column(_("Month")),
            Column(_("Amount"), numeric=True),
            Column(_("State")),
            Column(_("Reference")),
        ),
        rows=tuple(
            (
                Cell(month_of(run), href=url_for("staff.run", name=run.name)),
                Cell(formatting.amount(payout.amount_minor, payout.currency)),
                Cell(status=words.payout_state(payout.state), sub=payout.reason_code or ""),
                Cell(payout.end_to_end_id, code=True),
            )
            for payout, run in rows
        ),
        empty=Empty(_("No payout yet"), _("The next run pays what is available.")),
    )
