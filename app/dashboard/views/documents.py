"""The referrer's statements and tax documents, and what the documents are written by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from app.dashboard import formatting
from app.dashboard.components import NavItem
from app.dashboard.cursors import read_key
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.documents import AgreementForm, ObjectionForm, TaxProfileForm
from app.dashboard.i18n import _
from app.dashboard.presenters import documents as presenter
from app.dashboard.views.home import chosen_membership, home, me, my_memberships, switch
from app.identity.audit import Actor
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.payouts.documents import queries
from app.payouts.documents.invoice_sheet import invoice_sheet
from app.payouts.documents.profiles import (
    GivenParty,
    GivenProfile,
    agree,
    current_agreement,
    current_profile,
    put_profile,
    withdraw_agreement,
)
from app.payouts.documents.rendering import document_content
from app.payouts.documents.statement_file import statement_file
from app.payouts.documents.statement_sheet import statement_sheet
from app.payouts.documents.statements import MonthNotOver, made_at, months_of, statement_of
from app.payouts.documents.voiding import DocumentStandsNot, object_to
from app.payouts.domain.calendar import Period, UnknownPeriod
from app.payouts.domain.invoice import DocumentState, DocumentType, Invoice
from app.payouts.domain.vat import TaxStatus
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.payouts.models import TaxDocument
    from app.referrals.queries.dashboard import Membership

_LINES = 200
"""Lines of a section that the page shows; the PDF has them all."""
_PAGE = 50


@home.get("/statements")
def statements() -> ResponseReturnValue:
    """Every month that is over."""
    found = my_memberships()
    chosen = chosen_membership(found)
    months = months_of(session(), chosen.program, chosen.referrer.id, now=clock.now())
    page = presenter.statements_page(months)
    return render_template("home/list.html", page=page, memberships=switch(found, chosen))


@home.get("/statements/<period>")
def statement(period: str) -> ResponseReturnValue:
    """One month, from balance to balance."""
    chosen, month = _month(period)
    try:
        found = statement_of(session(), chosen.program, chosen.referrer, month, now=clock.now())
    except MonthNotOver as error:
        raise NotFound from error
    language = formatting.language().language
    sheet = statement_sheet(found, language, made_at(chosen.program, month), most=_LINES)
    page = presenter.sheet_page(
        sheet,
        url_for("home.statement_pdf", period=str(month)),
        NavItem(_("All statements"), url_for("home.statements")),
    )
    return render_template("home/sheet.html", page=page)


@home.get("/statements/<period>/file")
def statement_pdf(period: str) -> ResponseReturnValue:
    """The same as PDF, with every line."""
    chosen, month = _month(period)
    language = formatting.language().language
    try:
        name, content = statement_file(
            session(), chosen.program, chosen.referrer, month, now=clock.now(), language=language
        )
    except MonthNotOver as error:
        raise NotFound from error
    return pdf_answer(name, content)


def _month(period: str) -> tuple[Membership, Period]:
    try:
        return chosen_membership(my_memberships()), Period.parse(period)
    except UnknownPeriod as error:
        raise NotFound from error


def pdf_answer(name: str, content: bytes) -> Response:
    """A PDF as a download."""
    answer = Response(content, mimetype="application/pdf")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@home.get("/documents")
def documents() -> ResponseReturnValue:
    """Every tax document, the profile that they are written by, and the agreement."""
    return _page(_filled(), AgreementForm(formdata=None))


def _filled() -> TaxProfileForm:
    chosen = chosen_membership(my_memberships())
    return TaxProfileForm(formdata=None, obj=current_profile(session(), chosen.referrer.id))


def _page(form: TaxProfileForm, agreement: AgreementForm) -> str:
    found = my_memberships()
    chosen = chosen_membership(found)
    rows = queries.documents_shown_to(
        session(), chosen.referrer.id, before=read_key(request.args.get("after")), limit=_PAGE + 1
    )
    more = url_for("home.documents", after=rows[_PAGE - 1].id) if len(rows) > _PAGE else None
    table = presenter.document_table(rows[:_PAGE], endpoint="home.document", more_href=more)
    profile = current_profile(session(), chosen.referrer.id)
    page = presenter.documents_page(
        table,
        profile,
        queries.treatment_of(session(), chosen.program, profile, clock.now()),
        current_agreement(session(), chosen.referrer.id),
        chosen.program,
    )
    return render_template(
        "home/documents.html",
        page=page,
        form=form,
        agreement=agreement,
        memberships=switch(found, chosen, "home.documents"),
    )


@home.post("/documents/tax-profile")
def change_tax_profile() -> ResponseReturnValue:
    """Store the next version of the tax profile; earlier documents stay as they are."""
    form = TaxProfileForm()
    if form.validate_on_submit() and _kept(form):
        flash(_("Your tax details are saved."), "done")
        return redirect(url_for("home.documents"))
    return _page(form, AgreementForm(formdata=None)), 422


def _kept(form: TaxProfileForm) -> bool:
    party = GivenParty(
        text(form.legal_name),
        text(form.street),
        text(form.postcode),
        text(form.town),
        text(form.country),
        text(form.vat_id),
    )
    given = GivenProfile(
        TaxStatus(text(form.status)), party, text(form.tax_number), text(form.small_business_id)
    )
    chosen = chosen_membership(my_memberships())
    try:
        put_profile(session(), chosen.referrer, given, by=Actor.person(me().public_id), now=clock.now())
    except InvalidInput as error:
        show_refusal(form, error, presenter.refusal(error))
        return False
    return True


@home.post("/documents/agreement")
def agree_to_self_billing() -> ResponseReturnValue:
    """Agree that the programme writes the invoices; VAT that waited is invoiced by the next job."""
    form = AgreementForm()
    if not form.validate_on_submit():
        return _page(_filled(), form), 422
    chosen = chosen_membership(my_memberships())
    agree(session(), chosen.referrer, by=Actor.person(me().public_id), now=clock.now())
    flash(_("Thank you: your invoices are written from now on."), "done")
    return redirect(url_for("home.documents"))


@home.post("/documents/agreement/withdrawal")
def withdraw_self_billing() -> ResponseReturnValue:
    """End the agreement; documents that were written stand."""
    chosen = chosen_membership(my_memberships())
    withdraw_agreement(session(), chosen.referrer, by=Actor.person(me().public_id), now=clock.now())
    flash(_("You no longer agree to self-billing. No further invoices are written."), "done")
    return redirect(url_for("home.documents"))


@home.get("/documents/<int:document_id>")
def document(document_id: int) -> ResponseReturnValue:
    """One document as it reads, and the way to object to it."""
    return _document_page(_own(document_id), ObjectionForm(formdata=None))


def _document_page(found: TaxDocument, form: ObjectionForm) -> str:
    sheet = invoice_sheet(Invoice.from_json(found.facts), found.issued_at)
    page = presenter.sheet_page(
        sheet,
        url_for("home.document_file", document_id=found.id),
        NavItem(_("All documents"), url_for("home.documents")),
    )
    stands = found.type is DocumentType.SELF_BILLED and found.state is DocumentState.ISSUED
    return render_template(
        "home/sheet.html",
        page=page,
        form=form if stands else None,
        document=found,
        state=presenter.state(found),
    )


@home.get("/documents/<int:document_id>/file")
def document_file(document_id: int) -> ResponseReturnValue:
    """The stored bytes, the same at every download."""
    found = _own(document_id)
    return pdf_answer(f"{found.number}.pdf", document_content(session(), found))


@home.post("/documents/<int:document_id>/objection")
def object_to_document(document_id: int) -> ResponseReturnValue:
    """Object: the document is void, a correction takes it back, and staff look at it."""
    found, form = _own(document_id), ObjectionForm()
    if not form.validate_on_submit():
        return _document_page(found, form), 422
    try:
        object_to(session(), found.id, text(form.reason), by=Actor.person(me().public_id), now=clock.now())
    except DocumentStandsNot:
        flash(_("This document is void already."), "stop")
        return redirect(url_for("home.document", document_id=found.id))
    flash(_("Your objection is noted. The document is void; the programme looks into it."), "done")
    return redirect(url_for("home.document", document_id=found.id))


def _own(document_id: int) -> TaxDocument:
    for each in my_memberships():
        found = queries.document_shown_to(session(), each.referrer.id, document_id)
        if found is not None:
            return found
    raise NotFound
