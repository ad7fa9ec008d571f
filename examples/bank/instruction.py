"""Reads a customer credit transfer initiation (ISO 20022 pain.001.001.09) into plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CURRENCY = "EUR"


class UnreadableInstruction(Exception):
    """The bytes are not a pain.001.001.09 that this bank can read."""


@dataclass(frozen=True)
class Payment:
    """One credit transfer: who gets how many cents."""

    end_to_end_id: str
    instruction_id: str | None
    amount_minor: int
    creditor_name: str
    creditor_iban: str
    remittance: str


@dataclass(frozen=True)
class Batch:
    """One payment information block: payments of one debtor account on one day."""

    payment_information_id: str
    execution_on: date
    batch_booking: bool
    debtor_name: str
    debtor_iban: str
    payments: tuple[Payment, ...]

    @property
    def total_minor(self) -> int:
        """Sum of the block's payments, counted by the bank."""
        return sum(payment.amount_minor for payment in self.payments)


@dataclass(frozen=True)
class Instruction:
    """A whole payment file, with the count and sum that its sender claims."""

    message_id: str
    created_at: str
    claimed_count: int
    claimed_sum_minor: int | None
    batches: tuple[Batch, ...]

    @property
    def payments(self) -> tuple[Payment, ...]:
        """Every payment of every batch, in file order."""
        return tuple(payment for batch in self.batches for payment in batch.payments)


def read_instruction(data: bytes) -> Instruction:
    """The payment file in `data`; raises `UnreadableInstruction`. A document type declaration is refused."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableInstruction(f"not well-formed XML: {error.msg}") from error
    if root.getroottree().docinfo.doctype:
        raise UnreadableInstruction("a document type declaration is not accepted")
    if root.tag != f"{{{NAMESPACE}}}Document":
        raise UnreadableInstruction(f"expected a Document of {NAMESPACE}, found {root.tag!r}")
    try:
        return Instruction(
            message_id=_text(root, "CstmrCdtTrfInitn/GrpHdr/MsgId"),
            created_at=_text(root, "CstmrCdtTrfInitn/GrpHdr/CreDtTm"),
            claimed_count=int(_text(root, "CstmrCdtTrfInitn/GrpHdr/NbOfTxs")),
            claimed_sum_minor=_claimed_sum(root),
            batches=tuple(_batch(node) for node in root.findall(_path("CstmrCdtTrfInitn/PmtInf"))),
        )
    except (ValueError, InvalidOperation) as error:
        raise UnreadableInstruction(str(error)) from error


def _claimed_sum(root: etree._Element) -> int | None:
    text = root.findtext(_path("CstmrCdtTrfInitn/GrpHdr/CtrlSum"))
    return None if text is None else minor(text)


def _batch(node: etree._Element) -> Batch:
    return Batch(
        payment_information_id=_text(node, "PmtInfId"),
        execution_on=date.fromisoformat(_text(node, "ReqdExctnDt/Dt")),
        batch_booking=node.findtext(_path("BtchBookg"), "true") in {"true", "1"},
        debtor_name=_text(node, "Dbtr/Nm"),
        debtor_iban=_text(node, "DbtrAcct/Id/IBAN"),
        payments=tuple(_payment(child) for child in node.findall(_path("CdtTrfTxInf"))),
    )


def _payment(node: etree._Element) -> Payment:
    amount = node.find(_path("Amt/InstdAmt"))
    if amount is None or amount.text is None:
        raise UnreadableInstruction("a payment has no Amt/InstdAmt")
    if amount.get("Ccy") != CURRENCY:
        raise UnreadableInstruction(f"a payment in {amount.get('Ccy')}: this bank pays {CURRENCY} only")
    return Payment(
        end_to_end_id=_text(node, "PmtId/EndToEndId"),
        instruction_id=node.findtext(_path("PmtId/InstrId")),
        amount_minor=minor(amount.text),
        creditor_name=_text(node, "Cdtr/Nm"),
        creditor_iban=_text(node, "CdtrAcct/Id/IBAN"),
        remittance=node.findtext(_path("RmtInf/Ustrd"), ""),
    )


def minor(text: str) -> int:
    """`"25.00"` in cents; raises ValueError on more than two decimals."""
    cents = Decimal(text) * 100
    if cents != cents.to_integral_value():
        raise UnreadableInstruction(f"amount {text} has more than two decimals")
    return int(cents)


def _text(node: etree._Element, path: str) -> str:
    text = node.findtext(_path(path))
    if text is None or not text.strip():
        raise UnreadableInstruction(f"{path} is missing or empty")
    return text.strip()


def _path(path: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{part}" for part in path.split("/"))
