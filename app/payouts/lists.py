"""The payouts' lists that the merchant's people search, sort and take home as files. All by indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.kernel.keyset import Way
from app.payouts.models import BankEvent, BankFile, Payout, PayoutDestination, PayoutRun, TaxDocument
from app.referrals.models import Referrer

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from app.kernel.keyset import Part
    from app.payouts.domain.invoice import DocumentState
    from app.payouts.domain.state import PayoutState, RunState
    from app.payouts.words import BankEventState

RUN_WAYS: Final = {
    "started": Way(PayoutRun.id, PayoutRun.id, descending=True),
    "month": Way(PayoutRun.period, PayoutRun.id, descending=True),
    "total": Way(PayoutRun.total_minor, PayoutRun.id, descending=True),
}


def runs(session: Session, program_id: int, state: RunState | None, part: Part) -> list[PayoutRun]:
    """A programme's runs: a dozen a year."""
    wanted = select(PayoutRun).where(PayoutRun.program_id == program_id)
    if state is not None:
        wanted = wanted.where(PayoutRun.state == state)
    return list(session.scalars(part.of(wanted)))


PAYOUT_WAYS: Final = {
    "reserved": Way(Payout.id, Payout.id),
    "amount": Way(Payout.amount_minor, Payout.id, descending=True),
}


@dataclass(frozen=True, slots=True)
class PayoutFilter:
    """``reference`` is a whole end-to-end id."""

    reference: str = ""
    state: PayoutState | None = None
    referrer_id: int | None = None


def payouts(
    session: Session, run_id: int, wanted: PayoutFilter, part: Part
) -> list[tuple[Payout, Referrer, PayoutDestination]]:
    """A run's payouts with whom and where they go."""
    found = (
        select(Payout, Referrer, PayoutDestination)
        .join(Referrer, Referrer.id == Payout.referrer_id)
        .join(PayoutDestination, PayoutDestination.id == Payout.destination_id)
        .where(Payout.run_id == run_id)
    )
    if wanted.reference:
        found = found.where(Payout.end_to_end_id == wanted.reference.upper())
    if wanted.state is not None:
        found = found.where(Payout.state == wanted.state)
    if wanted.referrer_id is not None:
        found = found.where(Payout.referrer_id == wanted.referrer_id)
    return list(session.execute(part.of(found)))


BANK_FILE_WAYS: Final = {"read": Way(BankFile.id, BankFile.id, descending=True)}


def bank_files(session: Session, part: Part) -> list[BankFile]:
    """The files from the bank. They are of the installation: one account may pay several programmes."""
    return list(session.scalars(part.of(select(BankFile))))


BANK_EVENT_WAYS: Final = {"read": Way(BankEvent.id, BankEvent.id, descending=True)}


@dataclass(frozen=True, slots=True)
class BankEventFilter:
    """``reference`` is a whole end-to-end id."""

    reference: str = ""
    state: BankEventState | None = None


def bank_events(session: Session, wanted: BankEventFilter, part: Part) -> list[BankEvent]:
    """Every record that a bank sent, with what became of it."""
    found = select(BankEvent)
    if wanted.reference:
        found = found.where(BankEvent.end_to_end_id == wanted.reference.upper())
    if wanted.state is not None:
        found = found.where(BankEvent.state == wanted.state)
    return list(session.scalars(part.of(found)))


DOCUMENT_WAYS: Final = {
    "written": Way(TaxDocument.id, TaxDocument.id, descending=True),
    "date": Way(TaxDocument.issued_on, TaxDocument.id, descending=True),
}


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """``number`` is a whole document number; ``first`` and ``last`` are days of issue, both inclusive."""

    number: str = ""
    state: DocumentState | None = None
    referrer_id: int | None = None
    first: date | None = None
    last: date | None = None


def documents(
    session: Session, program_id: int, wanted: DocumentFilter, part: Part
) -> list[tuple[TaxDocument, Referrer]]:
    """A programme's tax documents with whose they are."""
    found = (
        select(TaxDocument, Referrer)
        .join(Referrer, Referrer.id == TaxDocument.referrer_id)
        .where(TaxDocument.program_id == program_id)
    )
    if wanted.number:
        found = found.where(TaxDocument.number == wanted.number)
    if wanted.state is not None:
        found = found.where(TaxDocument.state == wanted.state)
    if wanted.referrer_id is not None:
        found = found.where(TaxDocument.referrer_id == wanted.referrer_id)
    if wanted.first is not None:
        found = found.where(TaxDocument.issued_on >= wanted.first)
    if wanted.last is not None:
        found = found.where(TaxDocument.issued_on <= wanted.last)
    return list(session.execute(part.of(found)))
