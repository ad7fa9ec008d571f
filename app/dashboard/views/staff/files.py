"""Every list as a file: one address beside each list's page, and the same right as for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import redirect, request, url_for

from app.dashboard.listings.people import CUSTOMERS, REFERRERS
from app.dashboard.listings.sales import COMMISSIONS, ORDERS
from app.dashboard.lists import file_answer
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, staff

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.dashboard.lists import Listing

LISTINGS: Final[tuple[Listing[Any], ...]] = (REFERRERS, CUSTOMERS, ORDERS, COMMISSIONS)


def _register(listing: Listing[Any]) -> None:
    def file() -> ResponseReturnValue:
        """The list as a file; back to its page, which says why, where the search is wrong."""
        chosen = chosen_program(all_programs())
        answer = file_answer(listing, chosen, actor())
        asked: dict[str, Any] = request.args.to_dict()
        return answer or redirect(url_for(listing.endpoint, **asked))

    name = listing.endpoint.removeprefix(f"{staff.name}.")
    staff.add_url_rule(f"/{listing.name}.csv", f"{name}_file", file)


for _each in LISTINGS:
    _register(_each)
