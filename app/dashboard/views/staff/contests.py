"""What referrers contest, and the answers of staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for

from app.dashboard.cursors import read_key
from app.dashboard.forms.base import text
from app.dashboard.forms.belonging import AnswerForm
from app.dashboard.i18n import _
from app.dashboard.presenters import contests as presenter
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, refused, staff
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import Conflict
from app.referrals import contests as use_cases
from app.referrals.models import Referrer
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/contests")
def contests() -> ResponseReturnValue:
    """What waits for an answer, oldest first."""
    return _page("", AnswerForm(formdata=None))


@staff.post("/contests/<contest_id>/answer")
def answer_contest(contest_id: str) -> ResponseReturnValue:
    """Answer; the referrer is mailed."""
    form = AnswerForm()
    if not form.validate_on_submit():
        return _page(contest_id, form), 422
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


def _page(wrong: str, form: AnswerForm) -> str:
    found = all_programs()
    chosen = chosen_program(found)
    after = read_key(request.args.get("after"))
    rows = use_cases.open_contests(session(), chosen.id, after=after, limit=use_cases.PAGE + 1)
    more = None
    if len(rows) > use_cases.PAGE:
        more = url_for("staff.contests", after=rows[use_cases.PAGE - 1][0].id)
    return page(
        "staff/contests.html",
        chosen,
        found,
        items=presenter.for_staff(rows[: use_cases.PAGE], chosen),
        nothing=presenter.nothing(),
        more_href=more,
        may_answer=me().may(Action.REVIEW),
        form=form,
        wrong=wrong,
    )
