"""What referrers contest, and the answers of staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for

from app.dashboard.forms.base import text
from app.dashboard.forms.belonging import AnswerForm
from app.dashboard.i18n import _
from app.dashboard.listings.work import CONTESTS
from app.dashboard.lists import show
from app.dashboard.presenters import contests as presenter
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, refused, staff
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import Conflict
from app.referrals import contests as use_cases
from app.referrals.models import ContestState, Referrer
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/contests")
def contests() -> ResponseReturnValue:
    """What waits for an answer, oldest first; ``?state=answered`` what has one."""
    return _page("", AnswerForm(formdata=None))


@staff.post("/contests/<contest_id>/answer")
def answer_contest(contest_id: str) -> ResponseReturnValue:
    """Answer; the referrer is mailed."""
    form = AnswerForm()
    if not form.validate_on_submit():
        return _page(contest_id, form)
    chosen = chosen_program(all_programs())
    now = clock.now()
    try:
        contest = use_cases.answer_contest(
            session(), chosen, contest_id, text(form.answer), actor=actor(), now=now
        )
    except Conflict as error:
        return refused(error, url_for("staff.contests"))
    referrer = session().get_one(Referrer, contest.referrer_id)
    services().mail.contest_answered(
        session(),
        referrer,
        contest=contest.contest_id,
        program=chosen.name,
        path=contest.path,
        now=now,
    )
    flash(_("Answered. The referrer gets a mail."), "done")
    return redirect(url_for("staff.contests"))


def asked_state() -> ContestState:
    """Which of the two lists the request is about."""
    answered = request.args.get("state") == ContestState.ANSWERED.value
    return ContestState.ANSWERED if answered else ContestState.OPEN


def _page(wrong: str, form: AnswerForm) -> ResponseReturnValue:
    found = all_programs()
    chosen = chosen_program(found)
    state = asked_state()
    shown = show(CONTESTS, chosen, inside=state, keep={"state": state.value})
    return page(
        "staff/contests.html",
        chosen,
        found,
        tabs=presenter.tabs(state),
        items=presenter.for_staff(shown.rows, chosen),
        nothing=shown.nothing or presenter.nothing(state),
        list=shown,
        may_answer=me().may(Action.REVIEW) and state is ContestState.OPEN,
        form=form,
        wrong=wrong,
    ), 422 if form.errors else shown.status
