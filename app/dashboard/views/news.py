"""The page of news: what happened since one looked last."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import render_template
from flask import session as browser

from app.dashboard.presenters import news as presenter
from app.dashboard.views.home import (
    chosen_membership,
    home,
    my_memberships,
    news_read_until,
    paid_by,
    switch,
)
from app.kernel import clock
from app.payouts.shown import standing
from app.referrals.queries.news import moved_since
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@home.get("/news")
def news() -> ResponseReturnValue:
    """What happened in the last weeks; what was not read yet stands above. The browser keeps that it is read now."""
    found = my_memberships()
    chosen = chosen_membership(found)
    now = clock.now()
    mark = presenter.read_mark(news_read_until(chosen), now)
    referrer, start = chosen.referrer, now - timedelta(days=presenter.KEPT_DAYS)
    file = standing(session(), chosen.program.id, referrer.id)
    moved = moved_since(session(), referrer.id, start)
    told = presenter.Happened(chosen, moved, paid_by(chosen), file.destination)
    marks = browser.get("news")
    kept = marks if isinstance(marks, dict) else {}
    browser["news"] = {**kept, referrer.code: presenter.write_mark(now)}
    return render_template(
        "home/news.html", page=presenter.news_page(told, mark, now), memberships=switch(found, chosen)
    )
