"""A self-billing document in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.payouts.documents.language import Language
from app.payouts.documents.sheets import Block, Column, Section, Sheet, Total
from app.payouts.documents.sources import ADJUSTMENT, BONUS, OPENING
from app.payouts.domain.invoice import CorrectionReason, DocumentType, Line
from app.payouts.domain.vat import VatCategory

if TYPE_CHECKING:
    from datetime import datetime

    from app.payouts.domain.invoice import Invoice, Party


def invoice_sheet(invoice: Invoice, made_at: datetime) -> Sheet:
    """The document in its own language."""
    _ = Language(invoice.language)
    corrected = invoice.type is DocumentType.CORRECTED
    facts = [
        (_("Number"), invoice.number),
        (_("Date"), _.day(invoice.issued_on)),
        (_("Period"), f"{_.short_day(invoice.from_on)} \u2013 {_.short_day(invoice.until_on)}"),
        (_("Programme"), invoice.program),
    ]
    if invoice.corrects is not None:
        day = _.day(invoice.corrects.issued_on)
        facts.append((_("Corrects"), _("%(number)s of %(day)s", number=invoice.corrects.number, day=day)))
    return Sheet(
        title=_("Correction invoice") if corrected else _("Self-billing invoice"),
        subtitle=invoice.number,
        language=_.code,
        author=invoice.buyer.name,
        made_at=made_at,
        blocks=(
            Block(_("Supplier"), _address(invoice.seller, _)),
            Block(_("Customer, who writes this invoice"), _address(invoice.buyer, _)),
        ),
        facts=tuple(facts),
        sections=(
            Section(
                title=_("Services"),
                columns=(
                    Column(_("Commission for"), 6),
                    Column(_("Commissions"), 2, numeric=True),
                    Column(_("VAT"), 2, numeric=True),
                    Column(_("Net"), 3, numeric=True),
                ),
                rows=tuple(_row(line, invoice, _) for line in invoice.lines),
            ),
        ),
        totals=(
            Total(_("Net"), _.amount(invoice.net_minor, invoice.currency)),
            Total(
                _("VAT %(rate)s", rate=_.percent(invoice.rate_ppm)),
                _.amount(invoice.vat_minor, invoice.currency),
            ),
            Total(_("Total"), _.amount(invoice.gross_minor, invoice.currency), strong=True),
        ),
        notes=tuple(
            note for note in (exemption_text(invoice), reason_text(invoice), terms_text(invoice)) if note
        ),
    )


def _row(line: Line, invoice: Invoice, _: Language) -> tuple[str, ...]:
    rate = _.percent(invoice.rate_ppm)
    return label_text(line.label, _), str(line.count), rate, _.amount(line.net_minor, invoice.currency)


def label_text(label: str, _: Language) -> str:
    """What a line is for: a product's own name, or one of our words."""
    words = {
        BONUS: _("Sign-up bonus"),
        OPENING: _("Balance brought along from another system"),
        ADJUSTMENT: _("Adjustment"),
    }
    return words.get(label, label)


def _address(party: Party, _: Language) -> tuple[str, ...]:
    lines = [party.name, party.street, f"{party.postcode} {party.town}", _.locale.territories[party.country]]
    if party.vat_id is not None:
        lines.append(_("VAT id: %(number)s", number=party.vat_id))
    if party.tax_number is not None:
        lines.append(_("Tax number: %(number)s", number=party.tax_number))
    if party.own_id is not None and party.own_id != party.tax_number:
        lines.append(_("EU small-business number: %(number)s", number=party.own_id))
    return tuple(lines)


def exemption_text(invoice: Invoice) -> str:
    """Why there is no VAT; nothing where there is."""
    _ = Language(invoice.language)
    match invoice.category:
        case VatCategory.STANDARD:
            return ""
        case VatCategory.REVERSE_CHARGE:
            return _("Reverse charge: the recipient owes the VAT.")
        case VatCategory.EXEMPT:
            if invoice.seller.country == "NL":
                return _("Exempt from VAT: small businesses scheme (KOR), article 25 of the Dutch VAT Act.")
            if invoice.seller.country == "DE":
                return _("Exempt from VAT: small business under section 19 of the German VAT Act (UStG).")
            return _("Exempt from VAT: small business, article 284 of Directive 2006/112/EC.")


def reason_text(invoice: Invoice) -> str:
    """Why a correction was written; nothing on an invoice."""
    _ = Language(invoice.language)
    if invoice.corrects is None or invoice.reason is None:
        return ""
    number = invoice.corrects.number
    match invoice.reason:
        case CorrectionReason.REFUND:
            return _("Corrects %(number)s: customers were refunded.", number=number)
        case CorrectionReason.OBJECTION:
            return _("Takes back %(number)s in full, because the supplier objected to it.", number=number)
        case CorrectionReason.CANCELLED:
            return _("Takes back %(number)s in full, because its payout was cancelled.", number=number)


def terms_text(invoice: Invoice) -> str:
    """How it is settled."""
    _ = Language(invoice.language)
    if invoice.gross_minor < 0:
        return _("Settled with the next payout.")
    return _("Paid by bank transfer with the programme's payout.")


def translated(invoice: Invoice) -> Invoice:
    """The same with its lines in words, for the XML."""
    _ = Language(invoice.language)
    return replace(
        invoice,
        lines=tuple(Line(label_text(line.label, _), line.count, line.net_minor) for line in invoice.lines),
    )
