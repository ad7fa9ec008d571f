"""What staff do to a payout run: freeze, approve, build, hand over, cancel, withdraw, take a payout out.

Moves of many transactions are begun here and made by a worker; the page of the run shows how far they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, flash, redirect, url_for

from app.dashboard import formatting
from app.dashboard.again import is_me
from app.dashboard.components import Cell, Fact
from app.dashboard.errors import render_error
from app.dashboard.forms.base import text
from app.dashboard.forms.staff import ApproveForm, ReasonForm
from app.dashboard.i18n import _
from app.dashboard.presenters.bank_account import masked
from app.dashboard.presenters.staff import runs as presenter
from app.dashboard.presenters.staff.refusals import run_refusal
from app.dashboard.views.staff.base import actor, all_programs, page, staff
from app.dashboard.views.staff.runs import find_run, run_page
from app.kernel import clock
from app.kernel.errors import RefledgerError
from app.payouts import shown as queries
from app.payouts.approval import approve_run as sign_run
from app.payouts.approval import exclude_payout as take_out
from app.payouts.approval import withdraw_approval as take_back
from app.payouts.background import start_move
from app.payouts.domain.state import RunMove
from app.payouts.errors import NotTheApprover
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


def _start(name: str, move: RunMove) -> ResponseReturnValue:
    """Begin a move, have a worker make it, and come back to the run's page."""
    row, _owner = find_run(name, all_programs())
    here = url_for("staff.run", name=row.name)
    try:
        # A refusal half-way must not leave the move begun.
        with session().begin_nested():
            start_move(session(), row.id, move, by=actor(), now=clock.now())
    except RefledgerError as error:
        return _refused(error, here)
    return redirect(here)


def _refused(error: RefledgerError, href: str) -> ResponseReturnValue:
    flash(run_refusal(error), "stop")
    return redirect(href)


@staff.post("/payouts/<name>/freeze")
def freeze_run(name: str) -> ResponseReturnValue:
    """Fix who is paid how much, and reserve it."""
    return _start(name, RunMove.FREEZE)


@staff.post("/payouts/<name>/approve")
def approve_run(name: str) -> ResponseReturnValue:
    """Sign the run with the password, and have its files built and verified."""
    form = ApproveForm()
    row, _owner = find_run(name, all_programs())
    if not (form.validate_on_submit() and is_me(form)):
        return run_page(name, form), 422
    now, by, here = clock.now(), actor(), url_for("staff.run", name=row.name)
    try:
        with session().begin_nested():
            sign_run(session(), row.id, by=by, now=now)
            start_move(session(), row.id, RunMove.BUILD, by=by, now=now)
    except NotTheApprover as error:
        return render_error(403, run_refusal(error))
    except RefledgerError as error:
        return _refused(error, here)
    flash(_("The run is approved."), "done")
    return redirect(here)


@staff.post("/payouts/<name>/build")
def build_run(name: str) -> ResponseReturnValue:
    """Build the files of an approved run whose build was left off."""
    return _start(name, RunMove.BUILD)


@staff.post("/payouts/<name>/submit")
def submit_run(name: str) -> ResponseReturnValue:
    """Say that the bank has the files."""
    return _start(name, RunMove.SUBMIT)


@staff.post("/payouts/<name>/cancel")
def cancel_run(name: str) -> ResponseReturnValue:
    """Give everything back."""
    return _start(name, RunMove.CANCEL)


@staff.route("/payouts/<name>/withdraw", methods=["GET", "POST"])
def withdraw_approval(name: str) -> ResponseReturnValue:
    """Strike the approval of a run, with a reason."""
    form = ReasonForm()
    row, owner = find_run(name, all_programs())
    here = url_for("staff.run", name=row.name)
    if form.validate_on_submit():
        try:
            with session().begin_nested():
                take_back(session(), row.id, text(form.reason), by=actor(), now=clock.now())
        except RefledgerError as error:
            return _refused(error, here)
        flash(_("The approval is withdrawn."), "done")
        return redirect(here)
    asked = presenter.ReasonPage(
        title=_("Withdraw the approval"),
        text=_("The run goes back to frozen; somebody has to approve it again."),
        back=here,
        run=_("Payout for %(month)s", month=presenter.month_of(row)),
        button=_("Withdraw the approval"),
        facts=(
            Fact(_("Payouts"), Cell(formatting.number(row.payout_count))),
            Fact(_("Total"), Cell(formatting.amount(row.total_minor, row.currency))),
        ),
    )
    body = page("staff/reason.html", owner, all_programs(), asked=asked, form=form)
    return body, 422 if form.is_submitted() else 200


@staff.route("/payouts/<name>/payouts/<int:payout_id>/exclude", methods=["GET", "POST"])
def exclude_payout(name: str, payout_id: int) -> ResponseReturnValue:
    """Take one payout out of a run, with a reason; its money stays available."""
    form = ReasonForm()
    row, owner = find_run(name, all_programs())
    found = queries.payout_of_run(session(), row.id, payout_id)
    if found is None:
        abort(404)
    payout, referrer, destination = found
    here = url_for("staff.run", name=row.name)
    if form.validate_on_submit():
        try:
            with session().begin_nested():
                take_out(session(), payout.id, text(form.reason), by=actor(), now=clock.now())
        except RefledgerError as error:
            return _refused(error, here)
        flash(_("%(name)s is taken out of this run; the money stays available.", name=referrer.name), "done")
        return redirect(here)
    asked = presenter.ReasonPage(
        title=_("Take out the payout to %(name)s", name=referrer.name),
        text=_("The money stays available for a later run. An approval of this run becomes void."),
        back=here,
        run=_("Payout for %(month)s", month=presenter.month_of(row)),
        button=_("Take this payout out"),
        facts=(
            Fact(_("Amount"), Cell(formatting.amount(payout.amount_minor, payout.currency))),
            Fact(_("Bank account"), Cell(masked(destination), code=True)),
            Fact(_("Reference"), Cell(payout.end_to_end_id, code=True)),
        ),
    )
    body = page("staff/reason.html", owner, all_programs(), asked=asked, form=form)
    return body, 422 if form.is_submitted() else 200
