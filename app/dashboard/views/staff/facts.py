"""Facts that wait for another one, and those that contradict what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from app.dashboard.i18n import _
from app.dashboard.listings.work import FACTS
from app.dashboard.lists import show
from app.dashboard.presenters.staff import facts as presenter
from app.dashboard.views.staff.base import all_programs, chosen_program, page, staff
from app.referrals.words import FactState

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/facts")
def facts() -> ResponseReturnValue:
    """What is parked, the newest first; ``?state=refused`` what was refused later."""
    found = all_programs()
    chosen = chosen_program(found)
    state = asked_state()
    shown = show(FACTS, chosen, inside=state, keep={"state": state.value})
    return page(
        "staff/facts.html",
        chosen,
        found,
        title=_("Parked facts"),
        tabs=presenter.tabs(state),
        rows=shown.dress(presenter.fact_table(shown.rows, chosen, state)),
        list=shown,
    ), shown.status


def asked_state() -> FactState:
    """Which of the two lists the request is about."""
    refused = request.args.get("state") == FactState.REFUSED.value
    return FactState.REFUSED if refused else FactState.PARKED
