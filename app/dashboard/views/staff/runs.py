"""Payout runs: drafted, frozen, approved, exported, handed to the bank, cancelled.

The moves of a run make their own transactions, in batches; the request's own one ends before each of them.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from flask import Response, abort, flash, redirect, request, url_for

from app.dashboard.cursors import read_key
from app.dashboard.errors import render_error
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.staff import ApproveForm, RunForm
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.dashboard.presenters.staff import runs as presenter
from app.dashboard.views.staff.base import (
    actor,
    all_programs,
    chosen_program,
    me,
    page,
    password_is_mine,
    refused,
    staff,
)
from app.identity.queries import names_of_actors
from app.identity.roles import Action
from app.identity.sessions import stamp_authentication
from app.kernel import clock
from app.kernel.errors import RefledgerError
from app.payouts import shown as queries
from app.payouts.approval import approve_run as sign_run
from app.payouts.cancelling import cancel_run as give_up_run
from app.payouts.domain.state import RunState
from app.payouts.errors import NoDebtor, NotTheApprover, PeriodUnfinished
from app.payouts.files import build_files, file_content
from app.payouts.files import submit_run as hand_over_run
from app.payouts.queries import run_by_name
from app.payouts.runs import draft_run, preview_run
from app.payouts.runs import freeze_run as reserve_run
from app.requests import commit, services, session

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from app.dashboard.components import Table
    from app.payouts.models import PayoutRun
    from app.referrals.models import Program


@staff.get("/payouts")
def runs() -> ResponseReturnValue:
    """Every run of the programme, and the form that starts one."""
    return _list_page(RunForm(formdata=None))


def _list_page(form: RunForm) -> str:
    found = all_programs()
    chosen = chosen_program(found)
    before = read_key(request.args.get("after"))
    rows = queries.runs_of(session(), chosen.id, before=before, limit=queries.PAGE + 1)
    more = url_for("staff.runs", after=rows[queries.PAGE - 1].id) if len(rows) > queries.PAGE else None
    table = presenter.run_table(rows[: queries.PAGE], more_href=more)
    return page(
        "staff/runs.html", chosen, found, rows=table, form=form, may_start=me().may(Action.PREPARE_PAYOUTS)
    )


@staff.post("/payouts")
def create_run() -> ResponseReturnValue:
    """Draft the run of a finished month; the one that is there, if there is one."""
    form = RunForm()
    chosen = chosen_program(all_programs())
    if form.validate_on_submit():
        try:
            run = draft_run(session(), chosen, period=text(form.period), by=actor(), now=clock.now())
        except PeriodUnfinished as error:
            show_refusal(form, error, _("This month is not finished yet."), fields={"": "period"})
        except NoDebtor as error:
            show_refusal(
                form, error, _("The programme has no account to pay from yet."), fields={"": "period"}
            )
        except RefledgerError as error:
            show_refusal(form, error, error.detail, fields={"": "period"})
        else:
            return redirect(url_for("staff.run", name=run.name))
    return _list_page(form), 422


@staff.get("/payouts/<name>")
def run(name: str) -> ResponseReturnValue:
    """One run: what it pays, whom it leaves out, its files, and what may be done now."""
    return _run_page(name, ApproveForm(formdata=None))


def _run_page(name: str, form: ApproveForm) -> str:
    found = all_programs()
    row, owner = _find(name, found)
    people = [by for by in (row.created_by, row.frozen_by, row.approved_by, row.submitted_by) if by]
    may = me().may
    shown = presenter.RunPage(
        title=_("Payout for %(month)s", month=presenter.month_of(row)),
        name=row.name,
        status=words.run_state(row.state),
        stages=presenter.stages(row),
        notice=presenter.notice(row, queries.approvals_of_run(session(), row.id)),
        figures=presenter.run_figures(row),
        moves=presenter.moves(
            row,
            may_prepare=may(Action.PREPARE_PAYOUTS),
            may_approve=may(Action.APPROVE_PAYOUTS),
            may_submit=may(Action.EXPORT_PAYOUTS),
        ),
        facts=presenter.run_facts(row, names_of_actors(session(), people), owner),
        tables=_tables(row),
    )
    return page("staff/run.html", owner, found, page=shown, form=form)


def _tables(row: PayoutRun) -> tuple[Table, ...]:
    if row.state is RunState.DRAFT:
        planned = list(islice(preview_run(session(), row, clock.now()), queries.PAGE))
        return (presenter.preview_table(planned, queries.referrers_by_id(session(), planned), row),)
    after = read_key(request.args.get("after"))
    payouts = queries.payouts_of_run(session(), row.id, after=after, limit=queries.PAGE + 1)
    more = None
    if len(payouts) > queries.PAGE:
        more = url_for("staff.run", name=row.name, after=payouts[queries.PAGE - 1][0].id)
    return (
        presenter.file_table(
            queries.files_of_run(session(), row.id), row, may_download=me().may(Action.EXPORT_PAYOUTS)
        ),
        presenter.payout_table(payouts[: queries.PAGE], row, more_href=more),
        presenter.omission_table(queries.omissions_of_run(session(), row.id), row),
    )


def _find(name: str, found: list[Program]) -> tuple[PayoutRun, Program]:
    row = run_by_name(session(), name)
    owner = next((program for program in found if row and program.id == row.program_id), None)
    if row is None or owner is None:
        abort(404)
    return row, owner


def _moved(name: str, move: Callable[[int], object], done: str) -> ResponseReturnValue:
    """Make one move of a run and come back to its page with what became of it."""
    row, _owner = _find(name, all_programs())
    here = url_for("staff.run", name=row.name)
    run_id = row.id
    commit()
    try:
        move(run_id)
    except RefledgerError as error:
        return refused(error, here)
    flash(done, "done")
    return redirect(here)


@staff.post("/payouts/<name>/freeze")
def freeze_run(name: str) -> ResponseReturnValue:
    """Fix who is paid how much, and reserve it."""
    by = actor()
    return _moved(
        name,
        lambda run_id: reserve_run(services().payouts, run_id, by=by, now=clock.now()),
        _("The run is frozen: everybody's money is reserved."),
    )


@staff.post("/payouts/<name>/approve")
def approve_run(name: str) -> ResponseReturnValue:
    """Sign the run with the password, then build and verify its files."""
    form = ApproveForm()
    row, _owner = _find(name, all_programs())
    if not form.validate_on_submit():
        return _run_page(name, form), 422
    if not password_is_mine(text(form.password)):
        form.password.errors = [_("This is not your password.")]
        return _run_page(name, form), 422
    now, by, here, run_id = clock.now(), actor(), url_for("staff.run", name=row.name), row.id
    stamp_authentication(session(), me().session_id, now=now)
    try:
        sign_run(session(), run_id, by=by, now=now)
    except NotTheApprover:
        return render_error(
            403, _("Four eyes: somebody who neither made nor froze this run has to approve it.")
        )
    except RefledgerError as error:
        return refused(error, here)
    return _moved(
        name,
        lambda key: build_files(services().payouts, key, by=by, now=clock.now()),
        _("Approved. The files are built and verified."),
    )


@staff.post("/payouts/<name>/build")
def build_run(name: str) -> ResponseReturnValue:
    """Build the files of an approved run whose build was left off."""
    by = actor()
    return _moved(
        name,
        lambda run_id: build_files(services().payouts, run_id, by=by, now=clock.now()),
        _("The files are built and verified."),
    )


@staff.post("/payouts/<name>/submit")
def submit_run(name: str) -> ResponseReturnValue:
    """Say that the bank has the files."""
    by = actor()
    return _moved(
        name,
        lambda run_id: hand_over_run(services().payouts, run_id, by=by, now=clock.now()),
        _("The run is with the bank."),
    )


@staff.post("/payouts/<name>/cancel")
def cancel_run(name: str) -> ResponseReturnValue:
    """Give everything back."""
    by = actor()
    return _moved(
        name,
        lambda run_id: give_up_run(services().payouts, run_id, by=by, now=clock.now()),
        _("The run is cancelled; all its money is available again."),
    )


@staff.get("/payouts/<name>/files/<int:file_id>")
def run_file(name: str, file_id: int) -> ResponseReturnValue:
    """The stored bytes of a file, the same at every download."""
    row, _owner = _find(name, all_programs())
    file = next((each for each in queries.files_of_run(session(), row.id) if each.id == file_id), None)
    if file is None:
        abort(404)
    answer = Response(file_content(session(), file), mimetype=file.media_type)
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    answer.headers["Cache-Control"] = "no-store"
    return answer
