"""Which money of a referrer no document shows yet, read from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import case, func, literal, select
from sqlalchemy.orm import aliased

from app.ledger.models import Figure, LedgerAccount, LedgerBalance, LedgerEntry, TransactionKind
from app.payouts.domain.invoice import DocumentState, DocumentType
from app.payouts.domain.invoicing import Source
from app.payouts.domain.state import PayoutState
from app.payouts.models import DocumentLine, Payout, TaxDocument
from app.referrals.models import Commission, OrderLine, Product
from app.referrals.words import CommissionKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

BONUS: Final = "@bonus"
OPENING: Final = "@opening_balance"
ADJUSTMENT: Final = "@adjustment"
"""Labels of lines that are no product's; documents translate them."""

_KINDS: Final = (
    TransactionKind.COMMISSION,
    TransactionKind.CLAWBACK,
    TransactionKind.HOLD,
    TransactionKind.RELEASE,
    TransactionKind.REVIEW_REJECTION,
    TransactionKind.OPENING_BALANCE,
    TransactionKind.ADJUSTMENT,
    TransactionKind.WRITE_OFF,
)
"""What changes how much is owed, and not merely where it is."""


def unshown(
    session: Session, referrer_ids: Sequence[int], until: date | None
) -> dict[int, tuple[list[Source], set[int]]]:
    """By referrer, the sources that no document shows, and which of their entries have a line already.

    With ``until`` all money that a payout of that period takes along; without it only what waits, and what was taken
    from commissions that a document shows. What a payout took along before the referrer had a tax profile is not
    among them.
    """
    found: dict[int, tuple[list[Source], set[int]]] = {}
    waiting = select(
        DocumentLine.referrer_id,
        DocumentLine.ledger_entry_id,
        DocumentLine.amount_minor,
        DocumentLine.commission_id,
        DocumentLine.label,
        literal(value=False),
        literal(value=True),
    ).where(
        DocumentLine.referrer_id.in_(referrer_ids),
        DocumentLine.document_id.is_(None),
        DocumentLine.held_by_id.is_(None),
    )
    fresh = _fresh(referrer_ids)
    fresh = fresh.where(LedgerEntry.available_on <= until) if until else fresh.where(_takes_back())
    for statement in (waiting, fresh):
        ordered = statement.order_by(*statement.selected_columns[:2])
        for referrer_id, entry_id, amount, commission_id, label, pays_a_debt, known in session.execute(
            ordered
        ):
            sources, lines = found.setdefault(referrer_id, ([], set()))
            sources.append(Source(entry_id, amount, commission_id, label, pays_a_debt))
            if known:
                lines.add(entry_id)
    return found


def _fresh(referrer_ids: Sequence[int]) -> Select[int, int, int, int | None, str, bool, bool]:
    """Entries without a line that no payout took along."""
    taken = aliased(LedgerEntry)
    covered = (
        select(taken.id)
        .join(Payout, Payout.id == taken.payout_id)
        .where(
            taken.referrer_id == LedgerEntry.referrer_id,
            taken.account == LedgerAccount.PAYABLE,
            taken.available_on == LedgerEntry.available_on,
            taken.kind == TransactionKind.PAYOUT_RESERVED,
            taken.transaction_id > LedgerEntry.transaction_id,
            Payout.state != PayoutState.CANCELLED,
        )
    )
    shown = select(DocumentLine.id).where(DocumentLine.ledger_entry_id == LedgerEntry.id)
    label = case(
        (Commission.kind == CommissionKind.BONUS, literal(BONUS)),
        (LedgerEntry.kind == TransactionKind.OPENING_BALANCE, literal(OPENING)),
        (Commission.id.is_(None), literal(ADJUSTMENT)),
        else_=func.coalesce(Product.name, OrderLine.sku),
    )
    return (
        select(
            LedgerEntry.referrer_id,
            LedgerEntry.id,
            -LedgerEntry.amount_minor,
            LedgerEntry.commission_id,
            label,
            LedgerEntry.kind == TransactionKind.WRITE_OFF,
            literal(value=False),
        )
        .outerjoin(Commission, Commission.id == LedgerEntry.commission_id)
        .outerjoin(OrderLine, OrderLine.id == Commission.order_line_id)
        .outerjoin(Product, Product.id == OrderLine.product_id)
        .where(
            LedgerEntry.referrer_id.in_(referrer_ids),
            LedgerEntry.account == LedgerAccount.PAYABLE,
            LedgerEntry.kind.in_(_KINDS),
            ~covered.exists(),
            ~shown.exists(),
        )
    )


def _takes_back() -> ColumnElement[bool]:
    documented = select(DocumentLine.commission_id).where(
        DocumentLine.commission_id == LedgerEntry.commission_id, DocumentLine.document_id.is_not(None)
    )
    return (LedgerEntry.amount_minor > 0) & documented.exists()


def documented(session: Session, sources: Iterable[Source]) -> dict[int, int]:
    """The latest standing invoice of each commission among ``sources`` that has one."""
    wanted = {source.commission_id for source in sources if source.commission_id is not None}
    rows = session.execute(
        select(DocumentLine.commission_id, func.max(TaxDocument.id))
        .join(TaxDocument, TaxDocument.id == DocumentLine.document_id)
        .where(
            DocumentLine.commission_id.in_(wanted),
            TaxDocument.type == DocumentType.SELF_BILLED,
            TaxDocument.state == DocumentState.ISSUED,
        )
        .group_by(DocumentLine.commission_id)
    )
    return {commission_id: document_id for commission_id, document_id in rows if commission_id is not None}


def vat_balances(session: Session, referrer_ids: Iterable[int]) -> dict[int, int]:
    """VAT that the next payout of each referrer takes along, of those that have any; negative after a correction."""
    rows = session.execute(
        select(LedgerBalance.referrer_id, func.sum(LedgerBalance.amount_minor))
        .where(LedgerBalance.referrer_id.in_(referrer_ids), LedgerBalance.figure == Figure.VAT_PAYABLE)
        .group_by(LedgerBalance.referrer_id)
    )
    return {referrer_id: int(total) for referrer_id, total in rows if total}


def to_correct(session: Session, program_id: int) -> list[int]:
    """Referrers of a programme with money that waits for a document, or that was taken back after one."""
    waits = (
        select(DocumentLine.referrer_id)
        .join(LedgerEntry, LedgerEntry.id == DocumentLine.ledger_entry_id)
        .where(
            LedgerEntry.program_id == program_id,
            DocumentLine.document_id.is_(None),
            DocumentLine.held_by_id.is_(None),
        )
    )
    shown = aliased(DocumentLine)
    taken = (
        select(LedgerEntry.referrer_id)
        .join(DocumentLine, DocumentLine.commission_id == LedgerEntry.commission_id)
        .where(
            LedgerEntry.program_id == program_id,
            LedgerEntry.account == LedgerAccount.PAYABLE,
            LedgerEntry.kind.in_(_KINDS),
            LedgerEntry.amount_minor > 0,
            DocumentLine.document_id.is_not(None),
            ~select(shown.id).where(shown.ledger_entry_id == LedgerEntry.id).exists(),
        )
    )
    return sorted({referrer_id for referrer_id in session.scalars(waits.union(taken)) if referrer_id})
