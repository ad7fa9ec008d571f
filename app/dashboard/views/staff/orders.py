"""Orders and the explanation of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, request, url_for
from werkzeug.exceptions import NotFound

from app.dashboard.cursors import read_cursor, write_cursor
from app.dashboard.i18n import _
from app.dashboard.presenters import contests as contests_presenter
from app.dashboard.presenters.staff import orders as presenter
from app.dashboard.presenters.staff.evidence import people_in
from app.dashboard.views.staff.base import all_programs, chosen_program, page, staff
from app.identity.queries import names_of_actors
from app.referrals.contests import contests_of_order
from app.referrals.queries import staff as queries
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/orders")
def orders() -> ResponseReturnValue:
    """The newest orders, one referrer's, or the one that was searched."""
    found = all_programs()
    chosen = chosen_program(found)
    search = (request.args.get("q") or "").strip()
    code = request.args.get("referrer")
    referrer = queries.referrer_by_code(session(), chosen.id, code) if code else None
    if code and referrer is None:
        abort(404)
    rows = queries.orders(
        session(),
        chosen.id,
        order_id=search,
        referrer_id=referrer.id if referrer else None,
        before=read_cursor(request.args.get("after")),
        limit=queries.PAGE + 1,
    )
    more = None
    if len(rows) > queries.PAGE:
        last = rows[queries.PAGE - 1].order
        more = url_for("staff.orders", after=write_cursor(last.placed_at, last.id), referrer=code)
    return page(
        "staff/list.html",
        chosen,
        found,
        title=_("Orders of %(name)s", name=referrer.name) if referrer else _("Orders"),
        rows=presenter.order_table(rows[: queries.PAGE], chosen, more_href=more, searched=bool(search)),
        search=search,
        search_label=_("Order number"),
        search_href=url_for("staff.orders"),
    )


@staff.get("/orders/<int:order_id>")
def order(order_id: int) -> ResponseReturnValue:
    """Why an order earned what it earned."""
    found = all_programs()
    for program in found:
        story = queries.order_story(session(), program.id, order_id)
        if story is not None:
            contests = contests_presenter.for_staff(contests_of_order(session(), order_id), program)
            people = names_of_actors(session(), people_in(story.holds))
            shown = presenter.order_page(story, people, program)
            return page("staff/order.html", program, found, page=shown, contests=contests)
    raise NotFound
