"""Renders a customer payment status report (ISO 20022 pain.002.001.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.bank.instruction import CURRENCY, Batch, Instruction
from examples.bank.rulings import Fate, Ruling
from examples.bank.xml import add, add_amount, as_bytes, decimal_text, document

if TYPE_CHECKING:
    from lxml import etree

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
EXPLANATIONS = {
    "AC01": "Account number is invalid",
    "AC04": "Account is closed",
    "AC06": "Account is blocked",
    "AG01": "Credit transfer is not allowed on this account",
    "AM10": "Control sum does not match the payments",
    "AM18": "Number of transactions does not match",
}


def render_status_report(
    instruction: Instruction, rulings: dict[str, Ruling], *, report_id: str, fault: str | None = None
) -> bytes:
    """What became of `instruction`: `rulings` by end-to-end id, or `fault` when the whole file is refused."""
    root, report = document(NAMESPACE, "CstmrPmtStsRpt")
    header = add(report, "GrpHdr")
    add(header, "MsgId", report_id)
    add(header, "CreDtTm", instruction.created_at)
    group = add(report, "OrgnlGrpInfAndSts")
    add(group, "OrgnlMsgId", instruction.message_id)
    add(group, "OrgnlMsgNmId", "pain.001.001.09")
    add(group, "OrgnlNbOfTxs", str(instruction.claimed_count))
    if instruction.claimed_sum_minor is not None:
        add(group, "OrgnlCtrlSum", decimal_text(instruction.claimed_sum_minor))
    add(group, "GrpSts", "RJCT" if fault else _status(list(rulings.values())))
    if fault:
        _add_reason(group, fault)
        return as_bytes(root)
    for batch in instruction.batches:
        _add_batch(report, batch, [rulings[payment.end_to_end_id] for payment in batch.payments])
    return as_bytes(root)


def _add_batch(report: etree._Element, batch: Batch, rulings: list[Ruling]) -> None:
    node = add(report, "OrgnlPmtInfAndSts")
    add(node, "OrgnlPmtInfId", batch.payment_information_id)
    add(node, "OrgnlNbOfTxs", str(len(batch.payments)))
    add(node, "OrgnlCtrlSum", decimal_text(batch.total_minor))
    add(node, "PmtInfSts", _status(rulings))
    for ruling in rulings:
        if ruling.fate is Fate.REJECTED:
            _add_rejection(node, ruling)


def _add_rejection(parent: etree._Element, ruling: Ruling) -> None:
    node = add(parent, "TxInfAndSts")
    if ruling.payment.instruction_id:
        add(node, "OrgnlInstrId", ruling.payment.instruction_id)
    add(node, "OrgnlEndToEndId", ruling.payment.end_to_end_id)
    add(node, "TxSts", "RJCT")
    _add_reason(node, ruling.reason or "NARR")
    amount = add(node, "OrgnlTxRef/Amt")
    add_amount(amount, "InstdAmt", ruling.payment.amount_minor, CURRENCY)


def _add_reason(parent: etree._Element, reason: str) -> None:
    node = add(parent, "StsRsnInf")
    add(node, "Rsn/Cd", reason)
    add(node, "AddtlInf", EXPLANATIONS.get(reason, reason))


def _status(rulings: list[Ruling]) -> str:
    """PART when some payments were rejected, RJCT when all were, else ACCP: checked, not yet booked."""
    rejected = sum(ruling.fate is Fate.REJECTED for ruling in rulings)
    if not rejected:
        return "ACCP"
    return "RJCT" if rejected == len(rulings) else "PART"
