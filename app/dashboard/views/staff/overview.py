"""The overview: what referrers brought in a period, what it costs, and what a person should look at."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flask import request
from redis.exceptions import RedisError

from app.dashboard.presenters.staff import overview as presenter
from app.dashboard.views.staff.base import all_programs, chosen_program, me, page, staff
from app.kernel import clock, heartbeat
from app.overview.attention import attention
from app.overview.owed import owed_now
from app.overview.periods import Span, compared
from app.overview.totals import totals
from app.requests import services, session

if TYPE_CHECKING:
    from datetime import datetime

    from flask.typing import ResponseReturnValue

_LATE: Final = timedelta(minutes=2)


@staff.get("")
def index() -> ResponseReturnValue:
    """The figures of a chosen period beside those of the one before."""
    found = all_programs()
    chosen = chosen_program(found)
    now = clock.now()
    today = clock.local_day(now, chosen.timezone)
    span = next((each for each in Span if each == request.args.get("period")), Span.MONTH)
    days = compared(span, today)
    brought = totals(session(), chosen, days, top=presenter.TOP)
    waiting = attention(session(), chosen.id, clock.day_start(days.now.first, chosen.timezone))
    may = me().may
    beat = _scheduler_seen()
    shown = presenter.OverviewPage(
        title=chosen.name,
        spans=presenter.spans(span),
        days=presenter.days_words(days),
        money=presenter.money(brought, owed_now(session(), chosen.id, today), chosen, may),
        funnel=presenter.funnel(brought.now, brought.before, may),
        attention=presenter.attention_table(
            waiting, beat, late=beat is None or beat < now - _LATE, timezone=chosen.timezone, may=may
        ),
        top=presenter.top_table(brought.top, chosen.currency),
        note=presenter.reckoned_note(brought.until),
    )
    return page("staff/index.html", chosen, found, page=shown)


def _scheduler_seen() -> datetime | None:
    """When the scheduler was last alive; ``None`` also where the queue does not answer, which stops it too."""
    try:
        return heartbeat.last_beats(services().queue.redis).get(heartbeat.SCHEDULER)
    except (RedisError, OSError):
        return None
