"""The books: what is owed, months and their files, runs held against the bank, seals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Response, abort, flash, redirect, request, stream_with_context, url_for

from app.dashboard import formatting
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import finance as presenter
from app.dashboard.views.staff.base import (
    actor,
    all_programs,
    checked_action,
    chosen_program,
    me,
    page,
    refused,
    staff,
)
from app.finance.basis import as_known
from app.finance.closing import close_period, first_month, months_closed, next_to_close
from app.finance.datev import batch_lines, file_name, require_batch
from app.finance.errors import NotForDatev
from app.finance.journal import journal_lines, month_of
from app.finance.match import matches
from app.finance.owed import ageing, liability, liability_lines
from app.finance.sealing import BOOKS
from app.finance.settings import settings_of
from app.finance.ubd import ubd_lines, year_of
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import InvalidInput, RefledgerError
from app.ledger.seals import head_of
from app.payouts.domain.calendar import Period
from app.referrals.models import Program
from app.requests import commit, services, session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.typing import ResponseReturnValue
    from sqlalchemy.orm import Session

_MONTHS: Final = 24
_RUNS: Final = 24


@staff.get("/finance")
def finance() -> ResponseReturnValue:
    """What is owed and how old it is, the months with their files, and whether runs and seals hold."""
    found = all_programs()
    chosen = chosen_program(found)
    now = clock.now()
    basis = as_known(chosen, now)
    closed = {each.period: each.closed_at for each in months_closed(session(), chosen.id)}
    months = _months(chosen)
    to_close = next_to_close(session(), chosen, now) if me().may(Action.CLOSE_BOOKS) else None
    shown = presenter.FinancePage(
        figures=presenter.figures(liability(session(), basis), chosen.currency, basis.day),
        close=presenter.to_close(to_close),
        facts=presenter.settings_facts(settings_of(session(), chosen.id)),
        tables=(
            presenter.ageing_table(ageing(session(), basis), chosen.currency),
            presenter.month_table(months[:_MONTHS], closed, chosen.timezone),
            presenter.match_table(list(matches(session(), chosen.id, limit=_RUNS))),
            presenter.people_table(sorted({each.year for each in months}, reverse=True)),
            presenter.seal_table([(book.name, head_of(session(), book.name)) for book in BOOKS]),
        ),
    )
    return page("staff/finance.html", chosen, found, shown=shown)


def _months(program: Program) -> list[Period]:
    """From this month back to the first with anything in it."""
    first = first_month(session(), program.id)
    month = Period.of(clock.local_day(clock.now(), program.timezone))
    found: list[Period] = []
    while first is not None and month >= first:
        found.append(month)
        month = month.previous()
    return found


@staff.post("/finance/close")
def close_month() -> ResponseReturnValue:
    """Close the month that is next, for good."""
    checked_action()
    chosen = chosen_program(all_programs())
    program_id, here, by = chosen.id, url_for("staff.finance"), actor()
    commit()
    try:
        closed = close_period(
            services().db, program_id, request.form.get("period", ""), by=by, now=clock.now()
        )
    except RefledgerError as error:
        return refused(error, here)
    month = formatting.month(Period.parse(closed.period).first_day)
    flash(_("%(month)s is closed.", month=month), "done")
    return redirect(here)


@staff.get("/finance/liability.csv")
def finance_liability_file() -> ResponseReturnValue:
    """What is owed to each referrer now."""
    chosen = chosen_program(all_programs())
    now = clock.now()

    def lines(inside: Session, program: Program) -> Iterator[str]:
        return liability_lines(inside, as_known(program, now))

    return _file(chosen.id, f"liability-{chosen.slug}.csv", lines)


@staff.get("/finance/months/<period>/<kind>")
def finance_month_file(period: str, kind: str) -> ResponseReturnValue:
    """A month's journal, or its booking batch for DATEV."""
    chosen = chosen_program(all_programs())
    try:
        month = month_of(session(), chosen, period)
    except InvalidInput:
        abort(404)
    if kind == "journal":
        name = f"journal-{chosen.slug}-{month.period}.csv"
        return _file(chosen.id, name, lambda inside, _program: journal_lines(inside, month))
    if kind != "datev":
        abort(404)
    try:
        require_batch(month)
    except NotForDatev as error:
        return refused(error, url_for("staff.finance"))
    now = clock.now()
    return _file(chosen.id, file_name(month), lambda inside, _program: batch_lines(inside, month, now))


@staff.get("/finance/people/<int:year>")
def finance_year_file(year: int) -> ResponseReturnValue:
    """What people were paid in a year, for the Dutch tax office."""
    chosen = chosen_program(all_programs())
    try:
        wanted = year_of(str(year))
    except InvalidInput:
        abort(404)
    name = f"ubd-{chosen.slug}-{wanted}.csv"
    return _file(chosen.id, name, lambda inside, program: ubd_lines(inside, program, wanted))


def _file(
    program_id: int, name: str, lines: Callable[[Session, Program], Iterator[str] | Iterator[bytes]]
) -> Response:
    """A file that is sent while it is read, from one snapshot of its own: the request's session is over by then."""
    db = services().db

    def sent() -> Iterator[bytes]:
        with db.snapshot() as inside:
            for each in lines(inside, inside.get_one(Program, program_id)):
                yield each.encode() if isinstance(each, str) else each

    answer = Response(stream_with_context(sent()), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer
