"""The review list: what a rule took aside or noted, decided one by one or together, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for

from app.dashboard.forms.base import text
from app.dashboard.forms.review import DecideManyForm, Decision
from app.dashboard.forms.staff import ReasonForm
from app.dashboard.i18n import _, ngettext
from app.dashboard.listings.work import REVIEWS
from app.dashboard.lists import show
from app.dashboard.presenters.staff import review as presenter
from app.dashboard.presenters.staff.evidence import people_in
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, refused, staff
from app.identity.audit import record_event
from app.identity.queries import names_of_actors
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import Conflict
from app.referrals.holds import decide_hold, decide_holds, take_aside
from app.referrals.queries import staff as queries
from app.referrals.words import HoldState
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.referrals.models import Hold, Program

_VERBS = {Decision.RELEASE: "released", Decision.REJECT: "rejected", Decision.ASIDE: "taken_aside"}


@staff.get("/review")
def review() -> ResponseReturnValue:
    """What waits for a decision, oldest first; ``?state=noted`` what was only noted."""
    return _page(0, ReasonForm(formdata=None), DecideManyForm(formdata=None))


def _page(wrong: int, form: ReasonForm, many: DecideManyForm) -> ResponseReturnValue:
    found = all_programs()
    chosen = chosen_program(found)
    state = asked_state()
    shown = show(REVIEWS, chosen, inside=state, keep={"state": state.value})
    counts = queries.waiting_counts(session(), chosen.id)
    people = names_of_actors(session(), people_in([row.hold for row in shown.rows]))
    return page(
        "staff/review.html",
        chosen,
        found,
        tabs=presenter.tabs(counts, state),
        items=presenter.review_items(shown.rows, people, chosen),
        nothing=shown.nothing or presenter.nothing_to_review(state),
        list=shown,
        may_decide=me().may(Action.REVIEW),
        noted=state is HoldState.NOTED,
        state=state.value,
        form=form,
        wrong=wrong,
        many=many,
        ticked=set(many.holds.data or ()),
    ), 422 if form.errors or many.errors else shown.status


def asked_state() -> HoldState:
    """Which of the two lists the request is about."""
    return HoldState.NOTED if request.args.get("state") == HoldState.NOTED.value else HoldState.OPEN


def _back() -> str:
    return url_for("staff.review", state=asked_state().value)


@staff.post("/review/<int:hold_id>/release")
def release(hold_id: int) -> ResponseReturnValue:
    """It was an honest order: the money comes free, or the note is closed."""
    return _decide(hold_id, Decision.RELEASE)


@staff.post("/review/<int:hold_id>/reject")
def reject(hold_id: int) -> ResponseReturnValue:
    """It earns nothing, for good."""
    return _decide(hold_id, Decision.REJECT)


@staff.post("/review/<int:hold_id>/aside")
def aside(hold_id: int) -> ResponseReturnValue:
    """A note becomes a hold."""
    return _decide(hold_id, Decision.ASIDE)


@staff.post("/review/decide")
def decide_many() -> ResponseReturnValue:
    """Release or reject all that are ticked, for one reason."""
    form = DecideManyForm()
    if not form.validate_on_submit():
        return _page(0, ReasonForm(formdata=None), form)
    chosen = chosen_program(all_programs())
    reason, now = text(form.reason), clock.now()
    decision = Decision(text(form.decision))
    decided = decide_holds(
        session(),
        chosen,
        form.holds.data or [],
        release=decision is Decision.RELEASE,
        reason=reason,
        by=actor().label,
        now=now,
    )
    for hold in decided:
        _record(chosen, hold, decision, reason)
    _tell_many(len(decided), len(set(form.holds.data or ())) - len(decided), decision)
    return redirect(_back())


def _tell_many(decided: int, left: int, decision: Decision) -> None:
    if decided and decision is Decision.RELEASE:
        flash(ngettext("%(num)s released.", "%(num)s released.", decided), "done")
    elif decided:
        flash(ngettext("%(num)s rejected.", "%(num)s rejected.", decided), "done")
    if left:
        flash(
            ngettext(
                "%(num)s was left: it was decided before, or ends with the suspension.",
                "%(num)s were left: they were decided before, or end with the suspension.",
                left,
            ),
            "stop",
        )


def _decide(hold_id: int, decision: Decision) -> ResponseReturnValue:
    form = ReasonForm()
    if not form.validate_on_submit():
        return _page(hold_id, form, DecideManyForm(formdata=None))
    chosen = chosen_program(all_programs())
    reason, now = text(form.reason), clock.now()
    try:
        if decision is Decision.ASIDE:
            hold = take_aside(session(), chosen, hold_id, now=now)
        else:
            release = decision is Decision.RELEASE
            hold = decide_hold(
                session(), chosen, hold_id, release=release, reason=reason, by=actor().label, now=now
            )
    except Conflict as error:
        return refused(error, _back())
    _record(chosen, hold, decision, reason)
    flash(_said(hold), "done")
    return redirect(_back())


def _said(hold: Hold) -> str:
    match hold.state:
        case HoldState.RELEASED:
            return _("Released.")
        case HoldState.SEEN:
            return _("Left as it is.")
        case HoldState.OPEN | HoldState.NOTED:
            return _("Taken aside.")
        case HoldState.REJECTED:
            return _("Rejected.")


def _record(chosen: Program, hold: Hold, decision: Decision, reason: str) -> None:
    details = {"reason": reason, "rule": hold.rule.value, "commission": hold.commission_id}
    action = f"hold.{_VERBS[decision]}"
    record_event(
        session(), actor(), action, f"hold:{hold.id}", details, now=clock.now(), program_id=chosen.id
    )
