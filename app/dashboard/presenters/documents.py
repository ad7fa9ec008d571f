"""Statements and tax documents as pages: what the file says, and what has to be done for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, ListPage, NavItem, Status, Table, Tone
from app.dashboard.i18n import _
from app.payouts.domain.invoice import DocumentState, DocumentType
from app.payouts.domain.vat import TaxStatus, TaxWait, Treatment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.kernel.errors import InvalidInput
    from app.payouts.documents.sheets import Section, Sheet
    from app.payouts.domain.calendar import Period
    from app.payouts.models import SelfBillingAgreement, TaxDocument, TaxProfile
    from app.referrals.models import Program


@dataclass(frozen=True, slots=True)
class SheetPage:
    """A statement or document, as the file has it."""

    title: str
    subtitle: str
    language: str
    """Of everything that the sheet says; a document keeps its own."""
    facts: tuple[Fact, ...]
    blocks: tuple[tuple[str, tuple[str, ...]], ...]
    before: tuple[Fact, ...]
    tables: tuple[Table, ...]
    after: tuple[Fact, ...]
    notes: tuple[str, ...]
    file_href: str
    back: NavItem


@dataclass(frozen=True, slots=True)
class DocumentsPage:
    """The referrer's documents, and what they are written by."""

    notice: Status
    table: Table
    agreement: str
    """When they agreed, or nothing."""


def statements_page(periods: Sequence[Period]) -> ListPage:
    """Every finished month, newest first."""
    rows = tuple(
        (
            Cell(
                formatting.month(period.first_day),
                href=url_for("home.statement", period=str(period)),
            ),
            Cell(_("Download the PDF"), href=url_for("home.statement_pdf", period=str(period))),
        )
        for period in periods
    )
    return ListPage(
        title=_("Statements"),
        text=_(
            "Each month from the balance at its beginning to the balance at its end, movement by movement."
        ),
        table=Table(
            title=_("Statements"),
            show_title=False,
            id="statements",
            columns=(Column(_("Month"), fold=False), Column(_("File"), fold=False)),
            rows=rows,
            empty=Empty(
                _("No statement yet"),
                _("The first one comes when the month of your first commission is over."),
            ),
        ),
    )


def sheet_page(sheet: Sheet, file_href: str, back: NavItem) -> SheetPage:
    """The sheet with its tables as the pages draw them."""
    return SheetPage(
        title=sheet.title,
        subtitle=sheet.subtitle,
        language=sheet.language,
        facts=tuple(Fact(label, Cell(value, wraps=True)) for label, value in sheet.facts),
        blocks=tuple((block.title, block.lines) for block in sheet.blocks),
        before=tuple(Fact(total.label, Cell(total.value)) for total in sheet.totals_first),
        tables=tuple(_table(number, section) for number, section in enumerate(sheet.sections)),
        after=tuple(Fact(total.label, Cell(total.value)) for total in sheet.totals),
        notes=sheet.notes,
        file_href=file_href,
        back=back,
    )


def _table(number: int, section: Section) -> Table:
    rows = [tuple(Cell(text) for text in row) for row in section.rows]
    if section.total:
        blank = (Cell(),) * (len(section.columns) - 2)
        rows.append((Cell(_("Sum")), *blank, Cell(section.total)))
    return Table(
        title=section.title,
        note=section.note,
        id=f"section-{number}",
        columns=tuple(Column(column.label, numeric=column.numeric) for column in section.columns),
        rows=tuple(rows),
        empty=Empty("", ""),
    )


def document_table(
    documents: Sequence[TaxDocument],
    *,
    endpoint: str,
    names: dict[int, str] | None = None,
    more_href: str | None,
) -> Table:
    """Documents, newest first; with ``names`` whose they are."""
    people = (Column(_("Referrer")),) if names is not None else ()
    return Table(
        title=_("Documents"),
        show_title=False,
        id="documents",
        folds=True,
        columns=(
            Column(_("Number"), fold=False, sorts_by="written"),
            *people,
            Column(_("Date"), sorts_by="date"),
            Column(_("Net"), numeric=True),
            Column(_("VAT"), numeric=True),
            Column(_("Total"), numeric=True, fold=False),
            Column(_("State"), fold=False),
        ),
        rows=tuple(_row(document, endpoint, names) for document in documents),
        more_href=more_href,
        empty=Empty(
            _("No document yet"), _("Invoices of businesses are written with the payout and stand here.")
        ),
    )


def _row(document: TaxDocument, endpoint: str, names: dict[int, str] | None) -> tuple[Cell, ...]:
    def money(minor: int) -> Cell:
        return Cell(formatting.amount(minor, document.currency))

    people = (Cell(names[document.referrer_id]),) if names is not None else ()
    return (
        Cell(
            document.number, href=url_for(endpoint, document_id=document.id), sub=kind(document), wraps=True
        ),
        *people,
        Cell(formatting.short_day(document.issued_on)),
        money(document.net_minor),
        money(document.vat_minor),
        money(document.net_minor + document.vat_minor),
        Cell(status=state(document)),
    )


def kind(document: TaxDocument) -> str:
    """What sort of document it is."""
    return _("Self-billing invoice") if document.type is DocumentType.SELF_BILLED else _("Correction invoice")


def state(document: TaxDocument) -> Status:
    """Whether it stands."""
    return state_word(document.state)


def state_word(standing: DocumentState) -> Status:
    """The same of a state alone."""
    match standing:
        case DocumentState.ISSUED:
            return Status(_("issued"), Tone.DONE)
        case DocumentState.VOID:
            return Status(_("void"), Tone.STOP)


def documents_page(
    table: Table,
    profile: TaxProfile | None,
    treatment: Treatment | TaxWait | None,
    agreement: SelfBillingAgreement | None,
    program: Program,
) -> DocumentsPage:
    """What a referrer gets, and what is missing for it."""
    agreed = ""
    if agreement is not None:
        day = formatting.day(formatting.local(agreement.agreed_at, program.timezone))
        agreed = _("You agreed on %(day)s (version %(version)s).", day=day, version=agreement.version)
    return DocumentsPage(_notice(profile, treatment), table, agreed)


def _notice(profile: TaxProfile | None, treatment: Treatment | TaxWait | None) -> Status:
    if profile is None or profile.status is TaxStatus.PRIVATE or treatment is None:
        return Status(
            _("You are a private person here: you get statements, and no invoices are written."), Tone.CALM
        )
    if isinstance(treatment, Treatment):
        return Status(_("Your invoices are written with each payout."), Tone.DONE)
    return Status(waiting(treatment), Tone.WAIT)


def waiting(wait: TaxWait) -> str:
    """Why documents wait, for the referrer."""
    match wait:
        case TaxWait.NO_MERCHANT:
            return _("The programme has not entered its own details yet. Until then only the net is paid.")
        case TaxWait.NO_AGREEMENT:
            return _("Please agree to self-billing below. Until then only the net is paid; the VAT follows.")
        case TaxWait.VAT_ID_UNCHECKED:
            return _("Your VAT id is being checked. Until then only the net is paid; the VAT follows.")
        case TaxWait.VAT_ID_INVALID:
            return _(
                "The tax offices do not know your VAT id. Please check it; until then only the net is paid."
            )
        case TaxWait.VAT_ID_MISSING:
            return _(
                "You are paid from another country: please enter a VAT id, or your EU small-business number."
            )


def refusal(error: InvalidInput) -> str:
    """Why a name, address or number was not taken."""
    match error.pointer:
        case "/country":
            return _("Documents are written for businesses in the European Union only.")
        case "/vat_id":
            return _("This is not a VAT id of that country. Please check every character.")
        case "/small_business_id":
            return _("An EU small-business number begins with a country and ends in EX.")
        case "/tax_number":
            return _("Please fill in the tax number of your small business.")
        case _:
            return _("Please fill this in.")
