"""The rate table at any instant, and the orders that wait for an exchange rate."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from flask import request

from app.dashboard.i18n import _
from app.dashboard.listings.work import WAITING
from app.dashboard.lists import show
from app.dashboard.presenters.staff import rates as presenter
from app.dashboard.views.staff.base import all_programs, chosen_program, page, staff
from app.kernel import clock
from app.referrals.queries.rate_table import rate_table
from app.referrals.referrers import find_referrer
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/rate-table")
def rate_table_page() -> ResponseReturnValue:
    """What held on a day, and the versions of every level; with a referrer also their own rates."""
    found = all_programs()
    chosen = chosen_program(found)
    code = request.args.get("referrer", "").strip()
    referrer = find_referrer(session(), chosen, code) if code else None
    now = clock.now()
    today = clock.local_day(now, chosen.timezone)
    day = _day(request.args.get("at", "")) or today
    # A day that is over is shown as it ended; today as it is now.
    at = now if day == today else clock.day_start(day + timedelta(days=1), chosen.timezone)
    at = at if day >= today else at - timedelta(microseconds=1)
    table = rate_table(session(), chosen, at, referrer)
    return page(
        "staff/rate_table.html",
        chosen,
        found,
        holds=presenter.holding_table(table, chosen),
        levels=presenter.timeline_tables(table, chosen, referrer, at),
        day=day.isoformat(),
        code=code,
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date(1970, 1, 2) <= day <= date(9998, 12, 30) else None


@staff.get("/orders/waiting")
def waiting_orders() -> ResponseReturnValue:
    """The orders that wait for an exchange rate, oldest first."""
    found = all_programs()
    chosen = chosen_program(found)
    shown = show(WAITING, chosen)
    rows = shown.dress(presenter.waiting_table(shown.rows, chosen))
    title = _("Orders that wait for an exchange rate")
    return page("staff/list.html", chosen, found, title=title, rows=rows)
