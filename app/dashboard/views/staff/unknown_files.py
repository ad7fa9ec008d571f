"""What staff say of a file, or of a payout, of which nobody knows whether the bank has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, flash, redirect, url_for

from app.dashboard.again import is_me
from app.dashboard.forms.base import text
from app.dashboard.forms.payouts import DecideForm, DismissForm, fields_of
from app.dashboard.forms.staff import ActionForm
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import unknown_files as presenter
from app.dashboard.presenters.staff.refusals import run_refusal
from app.dashboard.views.staff.base import actor, all_programs, page, staff
from app.dashboard.views.staff.runs import find_run
from app.kernel import clock
from app.kernel.errors import RefledgerError
from app.payouts import shown as queries
from app.payouts.unknown import decide_payout, dismiss_file, lose_file
from app.requests import services, session

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm

    from app.dashboard.presenters.staff.unknown_files import Asked
    from app.payouts.models import PayoutFile, PayoutRun
    from app.referrals.models import Program


@staff.route("/payouts/<name>/files/<int:file_id>/unknown", methods=["GET", "POST"])
def lose_payout_file(name: str, file_id: int) -> ResponseReturnValue:
    """Say that nobody knows whether the bank has a file."""
    row, owner, file = _file(name, file_id)
    form = ActionForm()
    if form.validate_on_submit():
        return _done(row, lambda: lose_file(session(), file.id, by=actor(), now=clock.now()), _noted())
    return _ask(owner, presenter.losing(row, file), form)


@staff.route("/payouts/<name>/files/<int:file_id>/absent", methods=["GET", "POST"])
def dismiss_payout_file(name: str, file_id: int) -> ResponseReturnValue:
    """Say, with a reason and the password, that the bank never got a file."""
    row, owner, file = _file(name, file_id)
    form = DismissForm()
    if form.validate_on_submit() and is_me(form):
        reason = text(form.reason)
        return _done(
            row, lambda: dismiss_file(session(), file.id, reason, by=actor(), now=clock.now()), _noted()
        )
    return _ask(owner, presenter.dismissing(row, file), form)


@staff.route("/payouts/<name>/payouts/<int:payout_id>/decide", methods=["GET", "POST"])
def decide_unknown_payout(name: str, payout_id: int) -> ResponseReturnValue:
    """Say, with a reason and the password, what became of one payout."""
    row, owner = find_run(name, all_programs())
    found = queries.payout_of_run(session(), row.id, payout_id)
    if found is None:
        abort(404)
    payout, referrer, _destination = found
    form = DecideForm()
    if form.validate_on_submit() and is_me(form):
        reason, by, now = text(form.reason), actor(), clock.now()
        deps = services().payouts
        return _done(
            row,
            lambda: decide_payout(deps, session(), payout.id, reason, paid_on=form.day, by=by, now=now),
            _("What became of the payout to %(name)s is written down.", name=referrer.name),
        )
    return _ask(owner, presenter.deciding(row, payout, referrer), form)


def _noted() -> str:
    return _("It is written down; a worker marks the payouts.")


def _file(name: str, file_id: int) -> tuple[PayoutRun, Program, PayoutFile]:
    row, owner = find_run(name, all_programs())
    file = next((each for each in queries.files_of_run(session(), row.id) if each.id == file_id), None)
    if file is None:
        abort(404)
    return row, owner, file


def _done(row: PayoutRun, say: Callable[[], object], said: str) -> ResponseReturnValue:
    try:
        with session().begin_nested():
            say()
    except RefledgerError as error:
        flash(run_refusal(error), "stop")
    else:
        flash(said, "done")
    return redirect(url_for("staff.run", name=row.name))


def _ask(owner: Program, asked: Asked, form: FlaskForm) -> ResponseReturnValue:
    body = page("staff/reason.html", owner, all_programs(), asked=asked, form=form, fields=fields_of(form))
    return body, 422 if form.is_submitted() else 200
