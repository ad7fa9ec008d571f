"""Payout runs as pages: the list, a run with how far it has come, its files. What is done to one is in
``run_moves.py``.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from flask import Response, abort, make_response, redirect, render_template, request, url_for

from app.dashboard.cursors import read_key
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.staff import ApproveForm, RunForm
from app.dashboard.i18n import _
from app.dashboard.listings.money import PAYOUTS, RUNS
from app.dashboard.lists import show
from app.dashboard.presenters import words
from app.dashboard.presenters.staff import run_compare, run_moves
from app.dashboard.presenters.staff import runs as presenter
from app.dashboard.presenters.staff.refusals import run_refusal
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, staff
from app.identity.queries import audit_page, names_of_actors
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import RefledgerError
from app.payouts import shown as queries
from app.payouts.compare import compare_run as compare
from app.payouts.domain.state import RunState
from app.payouts.files import file_content
from app.payouts.queries import run_by_name
from app.payouts.runs import draft_run, preview_run
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.dashboard.components import Table
    from app.dashboard.listings.money import PaidRow
    from app.dashboard.lists import Shown
    from app.payouts.models import PayoutFile, PayoutRun
    from app.referrals.models import Program


@staff.get("/payouts")
def runs() -> ResponseReturnValue:
    """Every run of the programme, and the form that starts one."""
    return _list_page(RunForm(formdata=None))


def _list_page(form: RunForm) -> ResponseReturnValue:
    found = all_programs()
    chosen = chosen_program(found)
    shown = show(RUNS, chosen)
    table = shown.dress(presenter.run_table(shown.rows, more_href=None))
    may_start = me().may(Action.PREPARE_PAYOUTS)
    return page(
        "staff/runs.html", chosen, found, rows=table, list=shown, form=form, may_start=may_start
    ), 422 if form.errors or form.form_errors else shown.status


@staff.post("/payouts")
def create_run() -> ResponseReturnValue:
    """Draft the run of a finished month; the one that is there, if there is one."""
    form = RunForm()
    chosen = chosen_program(all_programs())
    if form.validate_on_submit():
        try:
            run = draft_run(session(), chosen, period=text(form.period), by=actor(), now=clock.now())
        except RefledgerError as error:
            show_refusal(form, error, run_refusal(error), fields={"": "period"})
        else:
            return redirect(url_for("staff.run", name=run.name))
    return _list_page(form)


@staff.get("/payouts/<name>")
def run(name: str) -> ResponseReturnValue:
    """One run: what it pays, whom it leaves out, its files, and what may be done now."""
    return run_page(name, ApproveForm(formdata=None))


def run_page(name: str, form: ApproveForm) -> str:
    """The page of a run, with the form that approves it."""
    found = all_programs()
    row, owner = find_run(name, found)
    did = (row.created_by, row.frozen_by, row.approved_by, row.submitted_by, row.cancelled_by)
    people = [by for by in did if by]
    may, files = me().may, queries.files_of_run(session(), row.id)
    listed = (
        None if row.state is RunState.DRAFT else show(PAYOUTS, owner, inside=row.id, path={"name": row.name})
    )
    money = (_preview(row),) if listed is None else _money_tables(row, files, listed)
    shown = presenter.RunPage(
        title=_("Payout for %(month)s", month=presenter.month_of(row)),
        name=row.name,
        status=words.run_state(row.state),
        stages=presenter.stages(row),
        notice=run_moves.notice(row, queries.approvals_of_run(session(), row.id)),
        progress=run_moves.progress(row),
        figures=presenter.run_figures(row),
        moves=run_moves.moves(
            row,
            may_prepare=may(Action.PREPARE_PAYOUTS),
            may_approve=may(Action.APPROVE_PAYOUTS),
            may_submit=may(Action.EXPORT_PAYOUTS),
            may_be_seen=any(file.lost_at for file in files),
        ),
        compare_href=None if row.state is RunState.DRAFT else url_for("staff.compare_run", name=row.name),
        facts=presenter.run_facts(row, names_of_actors(session(), people), owner),
        tables=(*money, _history(row, owner)),
    )
    return page("staff/run.html", owner, found, page=shown, form=form, list=listed)


@staff.get("/payouts/<name>/compare")
def compare_run(name: str) -> ResponseReturnValue:
    """The run beside the month before it."""
    found = all_programs()
    row, owner = find_run(name, found)
    shown = run_compare.compare_page(row, compare(session(), row))
    return page("staff/run_compare.html", owner, found, page=shown)


def _history(row: PayoutRun, owner: Program) -> Table:
    events = audit_page(session(), subject=f"run:{row.name}", limit=queries.PAGE)
    names = names_of_actors(session(), [event.actor for event in events])
    return run_compare.history_table(events, names, owner.timezone)


def _preview(row: PayoutRun) -> Table:
    after = read_key(request.args.get("after"))
    planned = list(islice(preview_run(session(), row, clock.now(), after=after), queries.PAGE + 1))
    more = None
    if len(planned) > queries.PAGE:
        more = url_for("staff.run", name=row.name, after=planned[queries.PAGE - 1].referrer_id)
    planned = planned[: queries.PAGE]
    names = queries.referrers_by_id(session(), planned)
    return presenter.preview_table(planned, names, row, more_href=more)


def _money_tables(row: PayoutRun, files: list[PayoutFile], shown: Shown[PaidRow]) -> tuple[Table, ...]:
    payouts = presenter.payout_table(
        shown.rows,
        row,
        shared=queries.shared_accounts(session(), row.id, shown.rows),
        may_exclude=me().may(Action.PREPARE_PAYOUTS),
        may_settle=me().may(Action.SETTLE_PAYOUTS),
    )
    return (
        presenter.file_table(
            files,
            row,
            may_download=me().may(Action.EXPORT_PAYOUTS),
            may_settle=me().may(Action.SETTLE_PAYOUTS),
        ),
        shown.dress(payouts),
        presenter.omission_table(queries.omissions_of_run(session(), row.id), row),
    )


def find_run(name: str, found: list[Program]) -> tuple[PayoutRun, Program]:
    """The run of that name and its programme, or 404."""
    row = run_by_name(session(), name)
    owner = next((program for program in found if row and program.id == row.program_id), None)
    if row is None or owner is None:
        abort(404)
    return row, owner


@staff.get("/payouts/<name>/progress")
def run_progress(name: str) -> ResponseReturnValue:
    """How far the move under way has come, asked for by the page itself; has the page drawn anew when it is over."""
    row, _owner = find_run(name, all_programs())
    here = url_for("staff.run", name=row.name)
    if "HX-Request" not in request.headers:
        return redirect(here)
    shown = run_moves.progress(row)
    if shown is None or shown.stopped:
        return Response(headers={"HX-Redirect": here})
    answer = make_response(render_template("staff/progress.html", progress=shown))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@staff.get("/payouts/<name>/files/<int:file_id>")
def run_file(name: str, file_id: int) -> ResponseReturnValue:
    """The stored bytes of a file, the same at every download."""
    row, _owner = find_run(name, all_programs())
    file = next((each for each in queries.files_of_run(session(), row.id) if each.id == file_id), None)
    if file is None:
        abort(404)
    answer = Response(file_content(session(), file), mimetype=file.media_type)
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    answer.headers["Cache-Control"] = "no-store"
    return answer
