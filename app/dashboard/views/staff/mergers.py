"""Two referrers who are one person become one: whom, what will happen, and then it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for
from werkzeug.exceptions import NotFound

from app.dashboard.forms.base import text
from app.dashboard.forms.mergers import MergeForm, MergeIntoForm
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import mergers as presenter
from app.dashboard.views.staff.base import actor, all_programs, page, refused, staff
from app.kernel import clock
from app.kernel.errors import RefledgerError
from app.ledger.balances import balance
from app.payouts.queries import current_destination
from app.referrals.mergers import bound_customers, merge
from app.referrals.models import ReferrerStatus
from app.referrals.queries import staff as queries
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.referrals.models import Program, Referrer


@staff.get("/referrers/<code>/merge")
def merge_referrer(code: str) -> ResponseReturnValue:
    """Into whom; and once that is said, what will happen."""
    owner, gone = _find(code)
    asked = "into" in request.args
    ask = MergeIntoForm(request.args if asked else None)
    survivor = _into(ask, owner, gone) if asked else None
    if survivor is None:
        body = page("staff/merge.html", owner, all_programs(), page=presenter.start(gone), form=ask)
        return body, 422 if asked else 200
    return _confirmation(owner, gone, survivor, MergeForm(formdata=None, into=survivor.code))


@staff.post("/referrers/<code>/merge")
def merge_referrers(code: str) -> ResponseReturnValue:
    """Do it; the same again changes nothing."""
    owner, gone = _find(code)
    form = MergeForm()
    survivor = _into(form, owner, gone, again=True)
    if survivor is None:
        return page("staff/merge.html", owner, all_programs(), page=presenter.start(gone), form=form), 422
    if not form.validate_on_submit():
        return _confirmation(owner, gone, survivor, form), 422
    here = url_for("staff.referrer", code=gone.code)
    try:
        merge(session(), owner, gone, survivor, reason=text(form.reason), actor=actor(), now=clock.now())
    except RefledgerError as error:
        return refused(error, here)
    flash(presenter.done(gone, survivor), "done")
    return redirect(url_for("staff.referrer", code=survivor.code))


def _into(form: MergeIntoForm, owner: Program, gone: Referrer, *, again: bool = False) -> Referrer | None:
    """Who shall stay; ``None`` where the form says what is wrong. ``again``: the two may be merged already."""
    form.into.validate(form)
    found = queries.referrer_by_code(session(), owner.id, text(form.into))
    wrong = ""
    if form.into.errors:
        return None
    if found is None:
        wrong = _("There is no referrer with this code in the programme.")
    elif found.id == gone.id:
        wrong = _("This is the same referrer.")
    elif not again and any(each.status is not ReferrerStatus.ACTIVE for each in (found, gone)):
        wrong = _("Both have to take part: reinstate whoever is suspended first.")
    form.into.errors = [wrong] if wrong else []
    return None if wrong else found


def _confirmation(owner: Program, gone: Referrer, survivor: Referrer, form: MergeForm) -> str:
    today = clock.local_day(clock.now(), owner.timezone)
    shown = presenter.confirmation(
        gone,
        survivor,
        customers=bound_customers(session(), gone.id),
        money=balance(session(), referrer_id=gone.id, currency=owner.currency, today=today),
        account=current_destination(session(), gone.id),
    )
    return page("staff/merge.html", owner, all_programs(), page=shown, form=form)


def _find(code: str) -> tuple[Program, Referrer]:
    for program in all_programs():
        row = queries.referrer_by_code(session(), program.id, code)
        if row is not None:
            return program, row
    raise NotFound
