"""Renders a bank to customer statement (ISO 20022 camt.053.001.08)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from examples.bank.instruction import CURRENCY, Payment
from examples.bank.status_report import EXPLANATIONS
from examples.bank.xml import add, add_amount, as_bytes, document

if TYPE_CHECKING:
    from datetime import date

    from lxml import etree

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True)
class Debit:
    """Money that left the account: one payment, or a batch of them booked as one amount."""

    message_id: str
    payment_information_id: str
    payments: tuple[Payment, ...]
    batched: bool
    with_details: bool = True

    @property
    def amount_minor(self) -> int:
        """What the entry takes off the balance."""
        return sum(payment.amount_minor for payment in self.payments)


@dataclass(frozen=True)
class Return:
    """Money that came back: one payment, with the creditor bank's reason."""

    message_id: str
    payment_information_id: str
    payment: Payment
    reason: str


@dataclass(frozen=True)
class Statement:
    """One day of one account, with the balances around it in cents."""

    number: int
    iban: str
    day: date
    opening_minor: int
    closing_minor: int
    entries: tuple[Debit | Return, ...]


def render_statement(statement: Statement) -> bytes:
    """The statement as the bank sends it, every entry booked."""
    root, message = document(NAMESPACE, "BkToCstmrStmt")
    reference = f"{statement.iban[-4:]}-{statement.day.year}-{statement.number:05d}"
    created_at = f"{statement.day.isoformat()}T18:00:00Z"
    header = add(message, "GrpHdr")
    add(header, "MsgId", f"CAMT-{reference}")
    add(header, "CreDtTm", created_at)
    node = add(message, "Stmt")
    add(node, "Id", reference)
    add(node, "ElctrncSeqNb", str(statement.number))
    add(node, "CreDtTm", created_at)
    account = add(node, "Acct")
    add(account, "Id/IBAN", statement.iban)
    add(account, "Ccy", CURRENCY)
    _add_balance(node, "OPBD", statement.opening_minor, statement)
    _add_balance(node, "CLBD", statement.closing_minor, statement)
    for number, entry in enumerate(statement.entries, start=1):
        _add_entry(node, entry, statement, f"{reference}-{number:04d}")
    return as_bytes(root)


def _add_balance(parent: etree._Element, code: str, amount_minor: int, statement: Statement) -> None:
    node = add(parent, "Bal")
    add(node, "Tp/CdOrPrtry/Cd", code)
    add_amount(node, "Amt", abs(amount_minor), CURRENCY)
    add(node, "CdtDbtInd", "CRDT" if amount_minor >= 0 else "DBIT")
    add(node, "Dt/Dt", statement.day.isoformat())


def _add_entry(parent: etree._Element, entry: Debit | Return, statement: Statement, reference: str) -> None:
    returned = isinstance(entry, Return)
    amount_minor = entry.payment.amount_minor if isinstance(entry, Return) else entry.amount_minor
    direction = "CRDT" if returned else "DBIT"
    node = add(parent, "Ntry")
    add(node, "NtryRef", reference)
    add_amount(node, "Amt", amount_minor, CURRENCY)
    add(node, "CdtDbtInd", direction)
    if returned:
        add(node, "RvslInd", "true")
    add(node, "Sts/Cd", "BOOK")
    add(node, "BookgDt/Dt", statement.day.isoformat())
    add(node, "ValDt/Dt", statement.day.isoformat())
    add(node, "AcctSvcrRef", reference)
    _add_bank_code(node, "RRTN" if returned else "ESCT")
    details = add(node, "NtryDtls")
    if isinstance(entry, Return):
        _add_return(details, entry, reference)
    else:
        _add_debit(details, entry, reference)


def _add_debit(details: etree._Element, entry: Debit, reference: str) -> None:
    if entry.batched:
        batch = add(details, "Btch")
        add(batch, "MsgId", entry.message_id)
        add(batch, "PmtInfId", entry.payment_information_id)
        add(batch, "NbOfTxs", str(len(entry.payments)))
        add_amount(batch, "TtlAmt", entry.amount_minor, CURRENCY)
        add(batch, "CdtDbtInd", "DBIT")
        if not entry.with_details:
            return
    for number, payment in enumerate(entry.payments, start=1):
        node = add(details, "TxDtls")
        own_reference = f"{reference}.{number}" if entry.batched else reference
        _add_references(node, entry.message_id, entry.payment_information_id, payment, own_reference)
        add_amount(node, "Amt", payment.amount_minor, CURRENCY)
        add(node, "CdtDbtInd", "DBIT")
        _add_creditor(node, payment)
        if payment.remittance:
            add(node, "RmtInf/Ustrd", payment.remittance)


def _add_return(details: etree._Element, entry: Return, reference: str) -> None:
    node = add(details, "TxDtls")
    _add_references(node, entry.message_id, entry.payment_information_id, entry.payment, reference)
    add_amount(node, "Amt", entry.payment.amount_minor, CURRENCY)
    add(node, "CdtDbtInd", "CRDT")
    _add_bank_code(node, "RRTN")
    _add_creditor(node, entry.payment)
    information = add(node, "RtrInf")
    add(information, "Rsn/Cd", entry.reason)
    add(information, "AddtlInf", EXPLANATIONS.get(entry.reason, entry.reason))


def _add_references(
    node: etree._Element, message_id: str, payment_information_id: str, payment: Payment, reference: str
) -> None:
    references = add(node, "Refs")
    add(references, "MsgId", message_id)
    add(references, "AcctSvcrRef", reference)
    add(references, "PmtInfId", payment_information_id)
    if payment.instruction_id:
        add(references, "InstrId", payment.instruction_id)
    add(references, "EndToEndId", payment.end_to_end_id)


def _add_creditor(node: etree._Element, payment: Payment) -> None:
    parties = add(node, "RltdPties")
    add(parties, "Cdtr/Pty/Nm", payment.creditor_name)
    add(parties, "CdtrAcct/Id/IBAN", payment.creditor_iban)


def _add_bank_code(node: etree._Element, sub_family: str) -> None:
    domain = add(node, "BkTxCd/Domn")
    add(domain, "Cd", "PMNT")
    family = add(domain, "Fmly")
    add(family, "Cd", "ICDT")
    add(family, "SubFmlyCd", sub_family)
