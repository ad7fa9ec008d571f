"""Forgiving what a referrer owes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, url_for
from werkzeug.exceptions import NotFound

from app.dashboard import formatting
from app.dashboard.components import Cell, Fact
from app.dashboard.forms.base import text
from app.dashboard.forms.payouts import WriteOffForm, fields_of
from app.dashboard.i18n import _
from app.dashboard.presenters.staff.runs import ReasonPage
from app.dashboard.views.staff.base import actor, all_programs, page, refused, staff
from app.kernel import clock
from app.kernel.errors import InvalidInput, RefledgerError
from app.kernel.money import Money
from app.payouts.debts import debt_of, write_off
from app.referrals.queries import staff as queries
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.referrals.models import Program, Referrer


@staff.route("/referrers/<code>/write-off", methods=["GET", "POST"])
def write_off_debt(code: str) -> ResponseReturnValue:
    """Forgive all or part of a debt, with a reason."""
    owner, row = _find(code)
    form = WriteOffForm()
    here = url_for("staff.referrer", code=row.code)
    if form.validate_on_submit():
        try:
            with session().begin_nested():
                forgiven = _forgive(form, owner, row)
        except InvalidInput:
            form.amount.errors = [_("Nobody can be forgiven nothing, or more than they owe.")]
        except RefledgerError as error:
            return refused(error, here)
        else:
            said = formatting.amount(forgiven, owner.currency)
            flash(_("%(amount)s of the debt of %(name)s is written off.", amount=said, name=row.name), "done")
            return redirect(here)
    today = clock.local_day(clock.now(), owner.timezone)
    owed = formatting.amount(debt_of(session(), row.id, today), owner.currency)
    asked = ReasonPage(
        title=_("Write off what %(name)s owes", name=row.name),
        text=_("It becomes an expense of today. Otherwise it carries forward and the next earnings net it."),
        back=here,
        run=row.name,
        button=_("Write it off"),
        facts=(Fact(_("Owed today"), Cell(owed)),),
    )
    body = page("staff/reason.html", owner, all_programs(), asked=asked, form=form, fields=fields_of(form))
    return body, 422 if form.is_submitted() else 200


def _forgive(form: WriteOffForm, owner: Program, row: Referrer) -> int:
    amount = text(form.amount).replace(",", ".")
    minor = Money.parse(amount, owner.currency).minor if amount else None
    return write_off(session(), owner, row, minor, text(form.reason), by=actor(), now=clock.now())


def _find(code: str) -> tuple[Program, Referrer]:
    for program in all_programs():
        row = queries.referrer_by_code(session(), program.id, code)
        if row is not None:
            return program, row
    raise NotFound
