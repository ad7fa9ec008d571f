"""Payout runs, the payouts of one, what the bank said, and tax documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from app.dashboard.forms.lists import ListForm
from app.dashboard.forms.work_lists import BankEventListForm, DocumentListForm, PayoutListForm, RunListForm
from app.dashboard.lists import Listing
from app.dashboard.presenters.bank_account import masked
from app.kernel.money import Money
from app.payouts import lists as queries
from app.payouts.domain.invoice import DocumentState
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.lists import BankEventFilter, DocumentFilter, PayoutFilter
from app.payouts.words import BankEventState

if TYPE_CHECKING:
    from app.dashboard.lists import Scope
    from app.kernel import sheet
    from app.kernel.keyset import Part
    from app.payouts.models import BankEvent, BankFile, Payout, PayoutDestination, PayoutRun, TaxDocument
    from app.referrals.models import Referrer


PaidRow: TypeAlias = "tuple[Payout, Referrer, PayoutDestination]"
"""A payout with whom and where it goes."""


def _runs(scope: Scope, part: Part) -> list[PayoutRun]:
    return queries.runs(scope.session, scope.program.id, scope.form.chosen(RunState), part)


def _run_line(row: PayoutRun, _scope: Scope) -> tuple[sheet.Value, ...]:
    return (
        row.name,
        row.period,
        row.sequence,
        row.state.value,
        row.payout_count,
        row.currency,
        Money(row.total_minor, row.currency),
        row.omission_count,
        row.created_at,
        row.execution_on,
        row.submitted_at,
        row.closed_at,
    )


RUNS: Final = Listing(
    name="runs",
    endpoint="staff.runs",
    form=RunListForm,
    ways=queries.RUN_WAYS,
    read=_runs,
    ordered=lambda row: row,
    columns=(
        "run",
        "period",
        "sequence",
        "state",
        "payouts",
        "currency",
        "total",
        "left_out",
        "created_at",
        "execution_on",
        "submitted_at",
        "closed_at",
    ),
    line=_run_line,
)


def _payouts(scope: Scope, part: Part) -> list[PaidRow]:
    form = scope.form
    wanted = PayoutFilter(form.typed, form.chosen(PayoutState), form.referrer_id)
    return queries.payouts(scope.session, scope.inside, wanted, part)


def _payout_line(row: PaidRow, _scope: Scope) -> tuple[sheet.Value, ...]:
    payout, referrer, destination = row
    return (
        payout.end_to_end_id,
        referrer.code,
        referrer.name,
        payout.state.value,
        payout.currency,
        Money(payout.amount_minor, payout.currency),
        Money(payout.vat_minor, payout.currency),
        destination.holder,
        masked(destination),
        payout.paid_on,
        payout.returned_on,
        payout.reason_code,
    )


PAYOUTS: Final = Listing(
    name="payouts",
    endpoint="staff.run",
    form=PayoutListForm,
    ways=queries.PAYOUT_WAYS,
    read=_payouts,
    ordered=lambda row: row[0],
    columns=(
        "reference",
        "referrer",
        "name",
        "state",
        "currency",
        "amount",
        "vat",
        "holder",
        "account",
        "paid_on",
        "returned_on",
        "reason",
    ),
    line=_payout_line,
    file="staff.run_payouts_file",
)


def _bank_files(scope: Scope, part: Part) -> list[BankFile]:
    return queries.bank_files(scope.session, part)


def _bank_file_line(row: BankFile, _scope: Scope) -> tuple[sheet.Value, ...]:
    return row.imported_at, row.name, row.kind.value, row.state.value, row.record_count, row.sha256


BANK_FILES: Final = Listing(
    name="bank-files",
    endpoint="staff.bank",
    form=ListForm,
    ways=queries.BANK_FILE_WAYS,
    read=_bank_files,
    ordered=lambda row: row,
    columns=("read_at", "file", "kind", "state", "records", "sha256"),
    line=_bank_file_line,
)


def _bank_events(scope: Scope, part: Part) -> list[BankEvent]:
    form = scope.form
    return queries.bank_events(scope.session, BankEventFilter(form.typed, form.chosen(BankEventState)), part)


def _bank_event_line(row: BankEvent, _scope: Scope) -> tuple[sheet.Value, ...]:
    known = row.amount_minor is not None and row.currency is not None
    return (
        row.id,
        row.kind.value,
        row.state.value,
        row.exception.value if row.exception else None,
        row.booked_on,
        row.currency,
        Money(row.amount_minor or 0, row.currency or "") if known else None,
        row.end_to_end_id,
        row.entry_ref,
        row.status,
        row.reason_code,
        row.resolution,
    )


BANK_EVENTS: Final = Listing(
    name="bank-records",
    endpoint="staff.bank_records",
    form=BankEventListForm,
    ways=queries.BANK_EVENT_WAYS,
    read=_bank_events,
    ordered=lambda row: row,
    columns=(
        "record",
        "kind",
        "state",
        "exception",
        "booked_on",
        "currency",
        "amount",
        "reference",
        "bank_reference",
        "status",
        "reason",
        "resolution",
    ),
    line=_bank_event_line,
)


def _documents(scope: Scope, part: Part) -> list[tuple[TaxDocument, Referrer]]:
    form = scope.form
    wanted = DocumentFilter(form.typed, form.chosen(DocumentState), form.referrer_id, *form.days)
    return queries.documents(scope.session, scope.program.id, wanted, part)


def _document_line(row: tuple[TaxDocument, Referrer], _scope: Scope) -> tuple[sheet.Value, ...]:
    document, referrer = row
    return (
        document.number,
        document.type.value,
        document.state.value,
        document.issued_on,
        referrer.code,
        document.category.value,
        document.currency,
        Money(document.net_minor, document.currency),
        Money(document.vat_minor, document.currency),
    )


DOCUMENTS: Final = Listing(
    name="documents",
    endpoint="staff.documents",
    form=DocumentListForm,
    ways=queries.DOCUMENT_WAYS,
    read=_documents,
    ordered=lambda row: row[0],
    columns=(
        "number",
        "type",
        "state",
        "issued_on",
        "referrer",
        "vat_category",
        "currency",
        "net",
        "vat",
    ),
    line=_document_line,
)
