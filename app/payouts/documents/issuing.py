"""Writing documents: for a payout, in the transaction that reserves its money, and between payouts.

What is decided is in ``domain/``: whether there is VAT (``vat.py``) and which money a document shows
(``invoicing.py``). Here the answers are read, numbered, stored and posted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from app.identity.audit import Actor, record_event
from app.kernel.clock import local_day
from app.kernel.db import insert_all, table_of
from app.kernel.queue import collect
from app.ledger.journal import Entry, Posting, post_many, write_balances
from app.ledger.models import LedgerAccount, TransactionKind
from app.payouts.documents.numbers import number_text, take_numbers
from app.payouts.documents.profiles import current_merchant, current_profiles, standings
from app.payouts.documents.sources import documented, unshown, vat_balances
from app.payouts.domain.calendar import Period
from app.payouts.domain.invoice import (
    CorrectionReason,
    DocumentState,
    DocumentType,
    Invoice,
    Line,
    Party,
    Reference,
)
from app.payouts.domain.invoicing import Documents, plan_documents, shown_lines
from app.payouts.domain.vat import TaxWait, Treatment, VatCategory, treat, vat_of
from app.payouts.models import DocumentLine, Payout, TaxDocument
from app.referrals.models import Referrer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.payouts.domain.invoicing import Source
    from app.payouts.models import MerchantProfile, PayoutRun, TaxProfile
    from app.referrals.models import Program

RENDER: Final = "documents.render"
"""The job that makes the bytes of documents that have none."""
_WRITER: Final = Actor.system("documents")


@dataclass(frozen=True, slots=True)
class TaxPart:
    """What documents would add to one referrer's payout, computed and not written yet."""

    plan: Documents
    """What to write; ``invoice`` is empty where the treatment waits or the referrer is private."""
    treatment: Treatment | TaxWait | None
    profile: TaxProfile
    known: frozenset[int]
    """Entries of ``plan`` that have a line already."""
    rates: Mapping[int, int]
    """The VAT rate of each document to be corrected."""
    standing_minor: int
    """VAT payable as it stands."""

    @property
    def corrected_minor(self) -> int:
        """VAT that the corrections take back (zero or below)."""
        return sum(
            vat_of(sum(source.amount_minor for source in group), self.rates[document_id])
            for document_id, group in self.plan.corrections.items()
        )

    @property
    def vat_minor(self) -> int:
        """VAT that the payout takes along."""
        rate = self.treatment.rate_ppm if isinstance(self.treatment, Treatment) else 0
        return self.standing_minor + self.corrected_minor + vat_of(self.plan.net_minor, rate)

    def without_invoice(self) -> TaxPart:
        """The corrections alone: nothing is paid out, so nothing new is invoiced."""
        return replace(self, plan=Documents((), self.plan.corrections))


@dataclass(frozen=True, slots=True)
class Occasion:
    """What documents are written for: a period's payouts, or (``payouts`` empty) something between payouts."""

    from_on: date
    until_on: date
    now: datetime
    payouts: Mapping[int, int]
    """Payout ids by referrer."""


def tax_parts(
    session: Session, program: Program, referrer_ids: Sequence[int], *, until: date | None, now: datetime
) -> dict[int, TaxPart]:
    """The tax part of each referrer that has a tax profile; writes nothing. The caller holds their locks, or previews.

    A programme of private persons costs one query.
    """
    profiles = current_profiles(session, referrer_ids)
    if not profiles:
        return {}
    write_balances(session)
    merchant = current_merchant(session, program.id)
    standing, balances = standings(session, profiles), vat_balances(session, profiles)
    found = unshown(session, list(profiles), until)
    shown = documented(session, (source for sources, _ in found.values() for source in sources))
    rates = _rates(session, set(shown.values()))
    on = local_day(now, program.timezone)
    parts = {}
    for referrer_id, profile in profiles.items():
        treatment = treat(standing[referrer_id], merchant.country if merchant else None, on)
        sources, known = found.get(referrer_id, ([], set()))
        plan = plan_documents(sources, shown)
        if treatment is None:
            plan = Documents((), plan.corrections)
        elif isinstance(treatment, TaxWait):
            plan = Documents((), plan.corrections, (*plan.invoice, *plan.waiting))
        parts[referrer_id] = TaxPart(
            plan, treatment, profile, frozenset(known), rates, balances.get(referrer_id, 0)
        )
    return parts


def _rates(session: Session, document_ids: set[int]) -> dict[int, int]:
    wanted = select(TaxDocument.id, TaxDocument.rate_ppm).where(TaxDocument.id.in_(document_ids))
    return dict(session.execute(wanted).all())


@dataclass(slots=True)
class Draft:
    """A document before it has a number."""

    referrer_id: int
    country: str
    invoice: Invoice
    sources: tuple[Source, ...]
    payout_id: int | None = None
    corrects_id: int | None = None
    reverses: bool = False


def write_documents(
    session: Session, program: Program, parts: Mapping[int, TaxPart], occasion: Occasion
) -> list[TaxDocument]:
    """Number, store and post what the parts plan, and keep what waits. The caller holds the referrers' locks."""
    drafts: list[Draft] = []
    locales = session.execute(select(Referrer.id, Referrer.locale).where(Referrer.id.in_(parts)))
    languages: dict[int, str] = dict(locales.all())
    merchant = current_merchant(session, program.id)
    corrected = _by_id(session, {number for part in parts.values() for number in part.plan.corrections})
    for referrer_id, part in sorted(parts.items()):
        if part.plan.invoice and merchant is not None and isinstance(part.treatment, Treatment):
            invoice = _invoice(program, merchant, part, part.treatment, languages[referrer_id], occasion)
            payout_id = occasion.payouts.get(referrer_id)
            drafts.append(Draft(referrer_id, part.profile.country, invoice, part.plan.invoice, payout_id))
        drafts += [
            correction_of(corrected[number], group, occasion, program)
            for number, group in sorted(part.plan.corrections.items())
        ]
    written = store(session, program, drafts, occasion.now)
    for draft, document in written:
        _show(session, draft.referrer_id, draft.sources, parts[draft.referrer_id].known, document.id)
    for referrer_id, part in sorted(parts.items()):
        _show(session, referrer_id, part.plan.waiting, part.known, None)
    return [document for _, document in written]


def write_for_run(
    session: Session, program: Program, run: PayoutRun, parts: Mapping[int, TaxPart], now: datetime
) -> None:
    """Write the documents of a batch of a run: invoices for who is paid, corrections for everybody."""
    rows = session.execute(
        select(Payout.referrer_id, Payout.id).where(Payout.run_id == run.id, Payout.referrer_id.in_(parts))
    )
    payouts: dict[int, int] = dict(rows.all())
    chosen = {
        referrer_id: part if referrer_id in payouts else part.without_invoice()
        for referrer_id, part in parts.items()
    }
    first_day = Period.of(run.until_on).first_day
    write_documents(session, program, chosen, Occasion(first_day, run.until_on, now, payouts))


def _by_id(session: Session, document_ids: set[int]) -> dict[int, TaxDocument]:
    wanted = select(TaxDocument).where(TaxDocument.id.in_(document_ids))
    return {document.id: document for document in session.scalars(wanted)}


def _invoice(
    program: Program,
    merchant: MerchantProfile,
    part: TaxPart,
    treatment: Treatment,
    language: str,
    occasion: Occasion,
) -> Invoice:
    net = part.plan.net_minor
    return Invoice(
        number="",
        type=DocumentType.SELF_BILLED,
        language=language,
        issued_on=local_day(occasion.now, program.timezone),
        from_on=occasion.from_on,
        until_on=occasion.until_on,
        currency=program.currency,
        seller=_seller(part.profile, treatment.category),
        buyer=Party(
            merchant.legal_name,
            merchant.street,
            merchant.postcode,
            merchant.town,
            merchant.country,
            merchant.vat_id,
        ),
        category=treatment.category,
        rate_ppm=treatment.rate_ppm,
        net_minor=net,
        vat_minor=vat_of(net, treatment.rate_ppm),
        lines=_lines(part.plan.invoice),
        program=program.name,
    )


def _seller(profile: TaxProfile, category: VatCategory) -> Party:
    """A small business shows its own numbers, and no VAT id: it charges no VAT."""
    exempt = category is VatCategory.EXEMPT
    return Party(
        profile.legal_name,
        profile.street,
        profile.postcode,
        profile.town,
        profile.country,
        vat_id=None if exempt else profile.vat_id,
        tax_number=profile.tax_number if exempt else None,
        own_id=(profile.small_business_id or profile.tax_number) if exempt else None,
    )


def _lines(sources: Sequence[Source]) -> tuple[Line, ...]:
    return tuple(Line(line.label, line.count, line.net_minor) for line in shown_lines(sources))


def correction_of(
    document: TaxDocument,
    sources: Sequence[Source],
    occasion: Occasion,
    program: Program,
    reason: CorrectionReason = CorrectionReason.REFUND,
) -> Draft:
    """A correction of ``document`` by ``sources`` (below zero together), in the document's own words and rate."""
    first = Invoice.from_json(document.facts)
    net = sum(source.amount_minor for source in sources)
    invoice = replace(
        first,
        number="",
        type=DocumentType.CORRECTED,
        issued_on=local_day(occasion.now, program.timezone),
        net_minor=net,
        vat_minor=vat_of(net, document.rate_ppm),
        lines=_lines(sources),
        corrects=Reference(document.number, document.issued_on),
        reason=reason,
    )
    return Draft(document.referrer_id, document.country, invoice, tuple(sources), corrects_id=document.id)


def store(
    session: Session, program: Program, drafts: Sequence[Draft], now: datetime
) -> list[tuple[Draft, TaxDocument]]:
    """Give the drafts their numbers, store them and post their VAT; the last locks that a transaction takes."""
    by_country: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_country[draft.country].append(draft)
    written = []
    for country, group in sorted(by_country.items()):
        year = group[0].invoice.issued_on.year
        numbers = take_numbers(session, program, country, year, len(group))
        for draft, sequence in zip(group, numbers, strict=True):
            invoice = replace(draft.invoice, number=number_text(program, country, year, sequence))
            written.append((draft, _row(program, draft, invoice, sequence, now)))
    session.add_all(document for _, document in written)
    session.flush()
    _post(session, program, [document for _, document in written], now)
    for _, document in written:
        facts = {
            "type": document.type.value,
            "net_minor": document.net_minor,
            "vat_minor": document.vat_minor,
        }
        subject = f"document:{document.number}"
        record_event(session, _WRITER, "document.issued", subject, facts, now=now, program_id=program.id)
    if written:
        collect(session, RENDER)
    return written


def _row(program: Program, draft: Draft, invoice: Invoice, sequence: int, now: datetime) -> TaxDocument:
    return TaxDocument(
        program_id=program.id,
        referrer_id=draft.referrer_id,
        payout_id=draft.payout_id,
        country=draft.country,
        year=invoice.issued_on.year,
        sequence=sequence,
        number=invoice.number,
        type=invoice.type,
        corrects_id=draft.corrects_id,
        reverses=draft.reverses,
        state=DocumentState.ISSUED,
        category=invoice.category,
        rate_ppm=invoice.rate_ppm,
        currency=invoice.currency,
        net_minor=invoice.net_minor,
        vat_minor=invoice.vat_minor,
        issued_on=invoice.issued_on,
        issued_at=now,
        facts=invoice.as_json(),
    )


def _post(session: Session, program: Program, documents: Sequence[TaxDocument], now: datetime) -> None:
    """Debit input VAT and credit payable VAT, once for each document with VAT."""
    post_many(
        session,
        [
            Posting(
                program_id=program.id,
                currency=document.currency,
                kind=TransactionKind.VAT_DOCUMENTED,
                key=f"vat-document:{document.id}",
                memo=document.number,
                effective_on=document.issued_on,
                entries=tuple(
                    Entry(
                        account,
                        sign * document.vat_minor,
                        document.issued_on,
                        referrer_id=document.referrer_id,
                        payout_id=None,
                    )
                    for account, sign in ((LedgerAccount.INPUT_VAT, 1), (LedgerAccount.PAYABLE_VAT, -1))
                ),
            )
            for document in documents
            if document.vat_minor
        ],
        posted_at=now,
    )


def _show(
    session: Session,
    referrer_id: int,
    sources: Sequence[Source],
    known: frozenset[int],
    document_id: int | None,
) -> None:
    """Tie the sources to the document that shows them; without one, let them wait."""
    fresh = [source for source in sources if source.entry_id not in known]
    rows = [
        {
            "referrer_id": referrer_id,
            "ledger_entry_id": source.entry_id,
            "commission_id": source.commission_id,
            "label": source.label,
            "amount_minor": source.amount_minor,
            "document_id": document_id,
        }
        for source in fresh
    ]
    if rows:
        insert_all(session, DocumentLine, rows)
    waited = [source.entry_id for source in sources if source.entry_id in known]
    if waited and document_id is not None:
        table = table_of(DocumentLine)
        session.execute(
            update(table).where(table.c.ledger_entry_id.in_(waited)).values(document_id=document_id)
        )
