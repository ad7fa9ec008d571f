"""The audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.dashboard.i18n import _
from app.dashboard.listings.work import AUDIT
from app.dashboard.lists import show
from app.dashboard.presenters.staff import people as presenter
from app.dashboard.views.staff.base import all_programs, chosen_program, page, staff

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/audit")
def audit() -> ResponseReturnValue:
    """Who changed what, newest first."""
    chosen = chosen_program(all_programs())
    shown = show(AUDIT, chosen)
    rows = shown.dress(presenter.audit_table(shown.rows, chosen.timezone))
    return page(
        "staff/list.html", chosen, [chosen], title=_("Audit trail"), rows=rows, list=shown
    ), shown.status
