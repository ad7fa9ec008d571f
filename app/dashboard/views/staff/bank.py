"""What the bank answers: files taken in, records that somebody has to look at."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, cast

from flask import flash, redirect, request, url_for

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.staff import FeedbackForm, ResolveForm
from app.dashboard.i18n import _
from app.dashboard.listings.money import BANK_EVENTS, BANK_FILES
from app.dashboard.lists import show
from app.dashboard.presenters.staff import bank as presenter
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, staff
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.payouts import shown as queries
from app.payouts.domain.state import IllegalMove
from app.payouts.errors import NoSuchReference, NotAssignable
from app.payouts.reconcile import import_feedback
from app.payouts.resolving import assign_exception, note_exception
from app.requests import commit, services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/bank")
def bank() -> ResponseReturnValue:
    """Upload, exceptions, and what was read so far."""
    return _page(FeedbackForm(formdata=None), ResolveForm(formdata=None))


def _page(form: FeedbackForm, resolve: ResolveForm, wrong: int = 0) -> str:
    chosen = chosen_program(all_programs())
    shown = show(BANK_FILES, chosen)
    return page(
        "staff/bank.html",
        chosen,
        [chosen],
        items=presenter.exception_items(queries.exceptions(session())),
        nothing=presenter.no_exceptions(),
        rows=shown.dress(presenter.bank_file_table(shown.rows, chosen.timezone)),
        form=form,
        resolve=resolve,
        wrong=wrong,
        may_settle=me().may(Action.SETTLE_PAYOUTS),
    )


@staff.get("/bank/records")
def bank_records() -> ResponseReturnValue:
    """Every record that a bank sent, with what became of it."""
    chosen = chosen_program(all_programs())
    shown = show(BANK_EVENTS, chosen)
    rows = shown.dress(presenter.event_table(shown.rows))
    title = _("Records of the bank")
    return page("staff/list.html", chosen, [chosen], title=title, rows=rows, list=shown), shown.status


@staff.post("/bank/files")
def upload_feedback() -> ResponseReturnValue:
    """Take in a pain.002, camt.053 or camt.054; the same file again does nothing twice."""
    form = FeedbackForm()
    if not form.validate_on_submit():
        return _page(form, ResolveForm(formdata=None)), 422
    file, by = form.file.data, actor()
    commit()
    try:
        result = import_feedback(
            services().payouts,
            cast("IO[bytes]", file.stream),
            file.filename or "upload",
            by=by,
            now=clock.now(),
        )
    except InvalidInput as error:
        show_refusal(
            form,
            error,
            _("This file cannot be read: %(reason)s.", reason=error.detail.rstrip(".")),
            fields={"": "file"},
        )
        return _page(form, ResolveForm(formdata=None)), 422
    flash(presenter.import_summary(result), "wait" if result.exceptions else "done")
    return redirect(url_for("staff.bank"))


@staff.post("/bank/exceptions/<int:event_id>")
def resolve_exception(event_id: int) -> ResponseReturnValue:
    """Say what a record was, which moves nothing, or what it belongs to, which applies it there; it leaves the list."""
    form = ResolveForm()
    belongs = "belongs" in request.form
    valid = form.validate_on_submit()
    if belongs and not form.reference.data:
        form.reference.errors = [_("Please enter the reference of a payout, or the id of one of our files.")]
        valid = False
    if not valid:
        return _page(FeedbackForm(formdata=None), form, wrong=event_id), 422
    said = text(form.resolution)
    if not belongs:
        note_exception(session(), event_id, said, by=actor(), now=clock.now())
        flash(_("Noted."), "done")
        return redirect(url_for("staff.bank"))
    reference, by = text(form.reference), actor()
    commit()
    try:
        assign_exception(services().payouts, event_id, reference, said, by=by, now=clock.now())
    except (NoSuchReference, NotAssignable, IllegalMove) as error:
        form.reference.errors = [presenter.refused_reference(error)]
        return _page(FeedbackForm(formdata=None), form, wrong=event_id), 422
    flash(_("Applied to %(reference)s.", reference=reference), "done")
    return redirect(url_for("staff.bank"))
