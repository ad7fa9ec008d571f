"""Customers: whom each belongs to, and the correction of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, url_for
from werkzeug.exceptions import NotFound

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.belonging import CorrectionForm
from app.dashboard.i18n import _
from app.dashboard.listings.people import CUSTOMERS
from app.dashboard.lists import show
from app.dashboard.presenters.staff import customers as presenter
from app.dashboard.presenters.staff import sales
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, staff
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.referrals.assignments import NothingToCorrect, Wanted, correct_attribution
from app.referrals.errors import InTheFuture, ReferrerSuspended
from app.referrals.queries import belonging as queries
from app.referrals.queries.staff import referrer_by_code
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.kernel.errors import RefledgerError
    from app.referrals.models import Program, Referrer
    from app.referrals.queries.belonging import CustomerStory


@staff.get("/customers")
def customers() -> ResponseReturnValue:
    """Every customer of the programme, or those that are searched."""
    found = all_programs()
    chosen = chosen_program(found)
    shown = show(CUSTOMERS, chosen)
    rows = shown.dress(sales.customer_table(shown.rows, chosen))
    return page("staff/list.html", chosen, found, title=_("Customers"), rows=rows, list=shown), shown.status


@staff.get("/customers/<int:customer_id>")
def customer(customer_id: int) -> ResponseReturnValue:
    """Whom a customer belongs to and why."""
    return _page(*_find(customer_id), CorrectionForm(formdata=None))


@staff.post("/customers/<int:customer_id>/referrer")
def correct_customer(customer_id: int) -> ResponseReturnValue:
    """Say whom the customer belongs to, with a reason."""
    program, story = _find(customer_id)
    form = CorrectionForm()
    if not form.validate_on_submit():
        return _page(program, story, form), 422
    referrer = _referrer(program, form)
    if bool(text(form.code)) is bool(form.nobody.data):
        form.code.errors = [_("Fill in a code, or say that the customer belongs to nobody.")]
        return _page(program, story, form), 422
    if referrer is None and text(form.code):
        form.code.errors = [_("There is no referrer with this code in the programme.")]
        return _page(program, story, form), 422
    day = form.from_on.data
    wanted = Wanted(
        referrer,
        text(form.reason),
        clock.day_start(day, program.timezone) if day else None,
        bool(form.also_earlier.data),
    )
    try:
        done = correct_attribution(
            services().referrals,
            session(),
            program,
            story.customer.customer_id,
            wanted,
            actor=actor(),
            now=clock.now(),
        )
    except (NothingToCorrect, ReferrerSuspended, InvalidInput) as error:
        show_refusal(form, error, _refusal(error), fields={"/referrer_code": "code", "/from_at": "from_on"})
        return _page(program, story, form), 422
    flash(presenter.moved(done.moved, program.currency), "done")
    return redirect(url_for("staff.customer", customer_id=customer_id))


def _refusal(error: RefledgerError) -> str:
    match error:
        case NothingToCorrect():
            return _("The customer belongs there already.")
        case ReferrerSuspended():
            return _("This referrer takes no part at that time.")
        case InTheFuture():
            return _("This day lies in the future.")
        case _:
            return _("Please give a reason; it is kept.")


def _referrer(program: Program, form: CorrectionForm) -> Referrer | None:
    return referrer_by_code(session(), program.id, text(form.code)) if text(form.code) else None


def _find(customer_id: int) -> tuple[Program, CustomerStory]:
    for program in all_programs():
        story = queries.customer_story(session(), program.id, customer_id)
        if story is not None:
            return program, story
    raise NotFound


def _page(program: Program, story: CustomerStory, form: CorrectionForm) -> str:
    return page(
        "staff/customer.html",
        program,
        all_programs(),
        page=presenter.customer_page(story, program, clock.now()),
        form=form,
        may_correct=me().may(Action.CORRECT_ATTRIBUTION),
    )
