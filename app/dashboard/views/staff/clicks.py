"""Click quality: how each referrer's clicks were labelled, the most suspicious first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request, url_for

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
    days = next((each for each in SPANS if str(each) == request.args.get("days")), max(SPANS))
    after = presenter.read_after(request.args.get("after"))
    rows = queries.reported(session(), chosen.id, days, after=after, limit=queries.PAGE + 1)
    more = None
    if len(rows) > queries.PAGE:
        more = url_for("staff.clicks", days=days, after=presenter.write_after(rows[queries.PAGE - 1]))
    until = queries.reported_until(session(), chosen.id, days)
    table = presenter.quality_table(rows[: queries.PAGE], more_href=more)
    return page(
        "staff/clicks.html",
        chosen,
        found,
        rows=table,
        note=presenter.covers(until, days),
        periods=presenter.periods(days),
    )
