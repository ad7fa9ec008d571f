"""Tax documents for staff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, NavItem, Status, Table
from app.dashboard.i18n import _
from app.dashboard.presenters import documents as shared
from app.payouts.domain.invoice import CorrectionReason, Invoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.payouts.models import MerchantProfile, TaxDocument
    from app.referrals.models import Program, Referrer


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """One document."""

    title: str
    kind: str
    status: Status
    facts: tuple[Fact, ...]
    file_href: str | None
    """``None`` while the bytes are being made."""
    back: NavItem


def waiting_table(rows: Sequence[tuple[Referrer, int]], program: Program) -> Table:
    """Referrers whose money no document shows yet."""
    return Table(
        title=_("Waiting for a document"),
        note=_("Paid or about to be, net: an agreement, a confirmed VAT id or your own details are missing."),
        id="waiting",
        columns=(Column(_("Referrer"), fold=False), Column(_("Net"), numeric=True, fold=False)),
        rows=tuple(
            (
                Cell(referrer.code, href=url_for("staff.referrer", code=referrer.code)),
                Cell(formatting.amount(total, program.currency)),
            )
            for referrer, total in rows
        ),
        empty=Empty(_("Nothing waits"), _("Every business has the documents of what it was paid.")),
    )


def merchant_facts(merchant: MerchantProfile | None) -> tuple[Fact, ...]:
    """Who writes the documents."""
    if merchant is None:
        return ()
    address = f"{merchant.street}, {merchant.postcode} {merchant.town}, {merchant.country}"
    return (
        Fact(_("Legal name"), Cell(merchant.legal_name)),
        Fact(_("Address"), Cell(address)),
        Fact(_("VAT id"), Cell(merchant.vat_id, code=True)),
    )


def document_page(document: TaxDocument, referrer: Referrer) -> DocumentPage:
    """What it says, and what became of it."""
    said = Invoice.from_json(document.facts)

    def money(minor: int) -> Cell:
        return Cell(formatting.amount(minor, document.currency))

    facts = [
        Fact(_("Referrer"), Cell(referrer.code, href=url_for("staff.referrer", code=referrer.code))),
        Fact(_("Supplier"), Cell(f"{said.seller.name}, {said.seller.country}")),
        Fact(_("Date"), Cell(formatting.day(document.issued_on))),
        Fact(_("VAT category"), Cell(f"{document.category.value}, {formatting.percent(document.rate_ppm)}")),
        Fact(_("Net"), money(document.net_minor)),
        Fact(_("VAT"), money(document.vat_minor)),
        Fact(_("Total"), money(document.net_minor + document.vat_minor)),
    ]
    if said.corrects is not None:
        href = url_for("staff.document", document_id=document.corrects_id)
        facts.append(Fact(_("Corrects"), Cell(said.corrects.number, href=href)))
    if document.void_reason is not None:
        facts.append(Fact(_("Void because"), Cell(_reason(document.void_reason))))
    if document.objection:
        facts.append(Fact(_("Objection"), Cell(document.objection)))
    if document.sha256:
        facts.append(Fact("SHA-256", Cell(document.sha256, code=True, wraps=True)))
    ready = document.sha256 is not None
    return DocumentPage(
        title=document.number,
        kind=shared.kind(document),
        status=shared.state(document),
        facts=tuple(facts),
        file_href=url_for("staff.document_file", document_id=document.id) if ready else None,
        back=NavItem(_("All documents"), url_for("staff.documents")),
    )


def _reason(reason: CorrectionReason) -> str:
    match reason:
        case CorrectionReason.REFUND:
            return _("customers were refunded")
        case CorrectionReason.OBJECTION:
            return _("the referrer objected")
        case CorrectionReason.CANCELLED:
            return _("its payout was cancelled")
