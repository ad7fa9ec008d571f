"""Orders with the explanation of each, and commissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound

from app.dashboard.i18n import _
from app.dashboard.listings.sales import COMMISSIONS, ORDERS
from app.dashboard.lists import show
from app.dashboard.presenters import contests as contests_presenter
from app.dashboard.presenters.staff import orders as presenter
from app.dashboard.presenters.staff import sales
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
    """Every order of the programme, or those that are searched."""
    found = all_programs()
    chosen = chosen_program(found)
    shown = show(ORDERS, chosen)
    rows = shown.dress(presenter.order_table(shown.rows, chosen, more_href=None))
    return page("staff/list.html", chosen, found, title=_("Orders"), rows=rows, list=shown), shown.status


@staff.get("/commissions")
def commissions() -> ResponseReturnValue:
    """Every commission of the programme, or those that are searched."""
    found = all_programs()
    chosen = chosen_program(found)
    shown = show(COMMISSIONS, chosen)
    rows = shown.dress(sales.commission_table(shown.rows, chosen))
    return page("staff/list.html", chosen, found, title=_("Commissions"), rows=rows, list=shown), shown.status


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
