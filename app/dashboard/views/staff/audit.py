"""The audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request, url_for

from app.dashboard.cursors import read_key
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import people as presenter
from app.dashboard.views.staff.base import all_programs, chosen_program, page, staff
from app.identity.queries import audit_page, names_of_actors
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

_PAGE = 50


@staff.get("/audit")
def audit() -> ResponseReturnValue:
    """Who changed what, newest first."""
    found = all_programs()
    chosen = chosen_program(found)
    before = read_key(request.args.get("after")) or None
    events = audit_page(session(), before_id=before, limit=_PAGE + 1)
    more = url_for("staff.audit", after=events[_PAGE - 1].id) if len(events) > _PAGE else None
    events = events[:_PAGE]
    names = names_of_actors(session(), [event.actor for event in events])
    table = presenter.audit_table(events, names, chosen.timezone, more_href=more)
    return page("staff/list.html", chosen, [chosen], title=_("Audit trail"), rows=table)
