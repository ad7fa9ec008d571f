"""The review list: what a rule took aside, released or rejected with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for

from app.dashboard.cursors import read_key
from app.dashboard.forms.base import text
from app.dashboard.forms.staff import ReasonForm
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import people as presenter
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, refused, staff
from app.identity.audit import record_event
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import Conflict
from app.referrals.holds import decide_hold
from app.referrals.queries import staff as queries
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/review")
def review() -> ResponseReturnValue:
    """What waits for a decision, oldest first."""
    return _page(0, ReasonForm(formdata=None))


def _page(wrong: int, form: ReasonForm) -> str:
    found = all_programs()
    chosen = chosen_program(found)
    after = read_key(request.args.get("after"))
    rows = queries.open_holds(session(), chosen.id, after=after, limit=queries.PAGE + 1)
    more = url_for("staff.review", after=rows[queries.PAGE - 1].hold.id) if len(rows) > queries.PAGE else None
    return page(
        "staff/review.html",
        chosen,
        found,
        items=presenter.review_items(rows[: queries.PAGE], chosen),
        nothing=presenter.nothing_to_review(),
        more_href=more,
        may_decide=me().may(Action.REVIEW),
        form=form,
        wrong=wrong,
    )


@staff.post("/review/<int:hold_id>/release")
def release(hold_id: int) -> ResponseReturnValue:
    """It was an honest order: the money comes free."""
    return _decide(hold_id, released=True)


@staff.post("/review/<int:hold_id>/reject")
def reject(hold_id: int) -> ResponseReturnValue:
    """It earns nothing, for good."""
    return _decide(hold_id, released=False)


def _decide(hold_id: int, *, released: bool) -> ResponseReturnValue:
    form = ReasonForm()
    if not form.validate_on_submit():
        return _page(hold_id, form), 422
    chosen = chosen_program(all_programs())
    reason, now = text(form.reason), clock.now()
    try:
        hold = decide_hold(
            session(), chosen, hold_id, release=released, reason=reason, by=actor().label, now=now
        )
    except Conflict as error:
        return refused(error, url_for("staff.review"))
    verb = "released" if released else "rejected"
    details = {"reason": reason, "rule": hold.rule.value, "commission": hold.commission_id}
    record_event(
        session(), actor(), f"hold.{verb}", f"hold:{hold_id}", details, now=now, program_id=chosen.id
    )
    flash(_("Released.") if released else _("Rejected."), "done")
    return redirect(url_for("staff.review"))
