"""Search over everything of the programme that this person may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from app.dashboard.presenters.staff import search as presenter
from app.dashboard.views.staff.base import all_programs, chosen_program, me, page, staff
from app.kernel.crypto import email_key
from app.overview.search import LONGEST, cleaned
from app.overview.search import search as find
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/search")
def search() -> ResponseReturnValue:
    """What is called as asked, grouped by what it is."""
    found = all_programs()
    chosen = chosen_program(found)
    words = cleaned(request.args.get("q", ""))
    key = email_key(services().keyring, words) if "@" in words else ""
    hits = find(session(), chosen.id, words, key, presenter.kinds_for(me().may))
    return page(
        "staff/search.html",
        chosen,
        found,
        words=words,
        longest=LONGEST,
        tables=presenter.hit_tables(hits),
        nothing=presenter.nothing(words),
    )
