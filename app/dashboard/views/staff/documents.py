"""Tax documents of a programme for staff: all of them, what waits, and who the merchant is on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, flash, redirect, url_for

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.documents import PartyForm
from app.dashboard.forms.staff import ActionForm
from app.dashboard.i18n import _
from app.dashboard.listings.money import DOCUMENTS
from app.dashboard.lists import show
from app.dashboard.presenters import documents as shared
from app.dashboard.presenters.staff import documents as presenter
from app.dashboard.views.documents import pdf_answer
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, refused, staff
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.payouts.documents import queries
from app.payouts.documents.profiles import GivenParty, current_merchant, put_merchant
from app.payouts.documents.rendering import document_content
from app.payouts.documents.voiding import NotWaiting, issue_again
from app.payouts.models import TaxDocument
from app.referrals.models import Program, Referrer
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/documents")
def documents() -> ResponseReturnValue:
    """Every document of the programme, newest first."""
    chosen = chosen_program(all_programs())
    return _list(PartyForm(formdata=None, obj=current_merchant(session(), chosen.id)))


def _list(form: PartyForm) -> ResponseReturnValue:
    found = all_programs()
    chosen = chosen_program(found)
    shown = show(DOCUMENTS, chosen)
    names = {referrer.id: referrer.code for _document, referrer in shown.rows}
    rows = [document for document, _referrer in shown.rows]
    return page(
        "staff/documents.html",
        chosen,
        found,
        rows=shown.dress(shared.document_table(rows, endpoint="staff.document", names=names, more_href=None)),
        list=shown,
        waiting=presenter.waiting_table(queries.waiting_totals(session(), chosen.id), chosen),
        merchant=presenter.merchant_facts(current_merchant(session(), chosen.id)),
        form=form,
        may_change=me().may(Action.CHANGE_PROGRAM),
    ), 422 if form.errors else shown.status


@staff.post("/documents/merchant")
def change_merchant() -> ResponseReturnValue:
    """Store the next version of who the merchant is; earlier documents stay as they are."""
    form = PartyForm()
    if form.validate_on_submit() and _kept(form):
        flash(_("The merchant's details are saved."), "done")
        return redirect(url_for("staff.documents"))
    return _list(form)


def _kept(form: PartyForm) -> bool:
    chosen = chosen_program(all_programs())
    given = GivenParty(
        text(form.legal_name),
        text(form.street),
        text(form.postcode),
        text(form.town),
        text(form.country),
        text(form.vat_id),
    )
    try:
        put_merchant(session(), chosen, given, by=actor(), now=clock.now())
    except InvalidInput as error:
        show_refusal(form, error, shared.refusal(error))
        return False
    return True


@staff.get("/documents/<int:document_id>")
def document(document_id: int) -> ResponseReturnValue:
    """One document: what it says, what was objected to, and its file."""
    found, owner = _of_program(document_id)
    shown = presenter.document_page(found, session().get_one(Referrer, found.referrer_id))
    return page(
        "staff/document.html",
        owner,
        all_programs(),
        page=shown,
        document=found,
        may_issue=me().may(Action.PREPARE_PAYOUTS) and queries.waits_for_staff(session(), found),
    )


@staff.get("/documents/<int:document_id>/file")
def document_file(document_id: int) -> ResponseReturnValue:
    """The stored bytes, the same at every download."""
    found, _owner = _of_program(document_id)
    return pdf_answer(f"{found.number}.pdf", document_content(session(), found))


@staff.post("/documents/<int:document_id>/issue-again")
def issue_document_again(document_id: int) -> ResponseReturnValue:
    """The objection is settled: invoice the money anew."""
    found, _owner = _of_program(document_id)
    here = url_for("staff.document", document_id=found.id)
    if not ActionForm().validate_on_submit():
        return redirect(here)
    try:
        written = issue_again(session(), found.id, by=actor(), now=clock.now())
    except NotWaiting as error:
        return refused(error, here)
    if not written:
        flash(_("It is invoiced as soon as the referrer's details allow it."), "wait")
        return redirect(here)
    flash(_("Issued again as %(number)s.", number=written[0].number), "done")
    return redirect(url_for("staff.document", document_id=written[0].id))


def _of_program(document_id: int) -> tuple[TaxDocument, Program]:
    found = session().get(TaxDocument, document_id)
    owner = next((each for each in all_programs() if found and each.id == found.program_id), None)
    if found is None or owner is None:
        abort(404)
    return found, owner
