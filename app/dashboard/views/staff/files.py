"""Every list as a file: one address beside each list's page, and the same right as for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import redirect, request, url_for

from app.dashboard.listings.money import BANK_EVENTS, BANK_FILES, DOCUMENTS, PAYOUTS, RUNS
from app.dashboard.listings.people import CUSTOMERS, REFERRERS
from app.dashboard.listings.sales import COMMISSIONS, ORDERS
from app.dashboard.listings.work import AUDIT, CLICKS, CONTESTS, FACTS, REVIEWS, WAITING
from app.dashboard.lists import file_answer
from app.dashboard.views.staff import clicks, contests, facts, review
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, staff
from app.dashboard.views.staff.runs import find_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from app.dashboard.lists import Listing

LISTINGS: Final[tuple[tuple[Listing[Any], Callable[[], object]], ...]] = (
    (REFERRERS, lambda: None),
    (CUSTOMERS, lambda: None),
    (ORDERS, lambda: None),
    (COMMISSIONS, lambda: None),
    (WAITING, lambda: None),
    (FACTS, facts.asked_state),
    (REVIEWS, review.asked_state),
    (CONTESTS, contests.asked_state),
    (CLICKS, clicks.asked_days),
    (RUNS, lambda: None),
    (BANK_FILES, lambda: None),
    (BANK_EVENTS, lambda: None),
    (DOCUMENTS, lambda: None),
    (AUDIT, lambda: None),
)
"""Each with what its page is about besides the search."""


def _register(listing: Listing[Any], about: Callable[[], object]) -> None:
    def file() -> ResponseReturnValue:
        """The list as a file; back to its page, which says why, where the search is wrong."""
        chosen = chosen_program(all_programs())
        answer = file_answer(listing, chosen, actor(), inside=about())
        asked: dict[str, Any] = request.args.to_dict()
        return answer or redirect(url_for(listing.endpoint, **asked))

    staff.add_url_rule(f"/{listing.name}.csv", listing.file_endpoint.removeprefix(f"{staff.name}."), file)


for _listing, _about in LISTINGS:
    _register(_listing, _about)


@staff.get("/payouts/<name>/payouts.csv")
def run_payouts_file(name: str) -> ResponseReturnValue:
    """The payouts of one run."""
    row, owner = find_run(name, all_programs())
    answer = file_answer(PAYOUTS, owner, actor(), inside=row.id)
    asked: dict[str, Any] = request.args.to_dict()
    return answer or redirect(url_for("staff.run", name=name, **asked))
