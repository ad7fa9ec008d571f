"""Click quality: how each referrer's clicks were labelled, the most suspicious first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from app.dashboard.listings.work import CLICKS
from app.dashboard.lists import show
from app.dashboard.presenters.staff import clicks as presenter
from app.dashboard.views.staff.base import all_programs, chosen_program, page, staff
from app.referrals.domain.click_quality import SPANS
from app.referrals.queries import click_quality as queries
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/clicks")
def clicks() -> ResponseReturnValue:
    """The nightly report of the last day or the last thirty."""
    found = all_programs()
    chosen = chosen_program(found)
    days = asked_days()
    shown = show(CLICKS, chosen, inside=days, keep={"days": days})
    until = queries.reported_until(session(), chosen.id, days)
    return page(
        "staff/clicks.html",
        chosen,
        found,
        rows=shown.dress(presenter.quality_table(shown.rows)),
        list=shown,
        note=presenter.covers(until, days),
        periods=presenter.periods(days),
    ), shown.status


def asked_days() -> int:
    """The span that the request is about."""
    return next((each for each in SPANS if str(each) == request.args.get("days")), max(SPANS))
