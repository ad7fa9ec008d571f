"""Reader of pain.002 (CustomerPaymentStatusReport)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.payouts.domain.feedback_xml import BadBankFile, child, money, text
from app.payouts.domain.records import Status, StatusLevel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.payouts.domain.feedback_xml import Element, Part


def read_pain002(parts: Iterator[Part]) -> Iterator[Status]:
    """A status for each level that has one: the group, then per block its payments and then the block
    itself.

    A reason given for the group or the block holds for what is below it and gives none of its own.
    """
    message_id = group_reason = None
    any_status = False
    for part in parts:
        if part.opened:
            continue
        element = part.element
        match part.name:
            case "OrgnlGrpInfAndSts":
                message_id, group_reason = text(element, "OrgnlMsgId"), _reason(element)
                found = _status(StatusLevel.GROUP, element, "GrpSts", message_id, group_reason)
            case "TxInfAndSts":
                found = _transaction(element, message_id, group_reason)
            case "OrgnlPmtInfAndSts":
                found = _status(StatusLevel.PAYMENT, element, "PmtInfSts", message_id, group_reason)
            case _:
                found = None
        if found is not None:
            any_status = True
            yield found
    if not any_status:
        raise BadBankFile("the pain.002 holds no status at all")


def _reason(element: Element) -> str | None:
    return text(element, "StsRsnInf/Rsn/Cd") or text(element, "StsRsnInf/Rsn/Prtry")


def _status(
    level: StatusLevel, element: Element, name: str, message_id: str | None, inherited: str | None
) -> Status | None:
    status = text(element, name)
    if status is None:
        return None
    return Status(
        level=level,
        status=status[:8],
        message_id=message_id,
        payment_information_id=text(element, "OrgnlPmtInfId"),
        reason_code=(_reason(element) or inherited or "")[:35] or None,
    )


def _transaction(element: Element, message_id: str | None, inherited: str | None) -> Status | None:
    status = text(element, "TxSts")
    if status is None:
        return None
    block = next(element.iterancestors())
    block_id, block_reason = text(block, "OrgnlPmtInfId"), _reason(block)
    amount = money(child(element, "OrgnlTxRef/Amt/InstdAmt"))
    return Status(
        level=StatusLevel.TRANSACTION,
        status=status[:8],
        message_id=message_id,
        payment_information_id=block_id,
        end_to_end_id=text(element, "OrgnlEndToEndId"),
        reason_code=(_reason(element) or block_reason or inherited or "")[:35] or None,
        amount_minor=amount[0] if amount else None,
        currency=amount[1] if amount else None,
    )
