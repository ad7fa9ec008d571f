"""Reader of pain.002 (CustomerPaymentStatusReport)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.payouts.domain.feedback_xml import BadBankFile, fields, money
from app.payouts.domain.reasons import payee_check_of
from app.payouts.domain.records import Status, StatusLevel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.payouts.domain.feedback_xml import Element, Fields, Part

_LONGEST_NAME: Final = 140


@dataclass(slots=True)
class _Above:
    """What is remembered of the group and of the block while their payments come by."""

    message_id: str | None = None
    group_reason: str | None = None
    block: Element | None = None
    block_fields: Fields = field(default_factory=dict)

    def of_block(self, block: Element) -> Fields:
        """What the block says of itself."""
        if self.block is not block:
            self.block, self.block_fields = block, fields(block, without="TxInfAndSts")
        return self.block_fields


def read_pain002(parts: Iterator[Part]) -> Iterator[Status]:
    """A status for each level that has one: the group, then per block its payments and then the block
    itself.

    A reason given for the group or the block holds for what is below it and gives none of its own.
    """
    above = _Above()
    any_status = False
    for part in parts:
        match part.name:
            case "OrgnlGrpInfAndSts":
                group = fields(part.element)
                above.message_id, above.group_reason = group.get("OrgnlMsgId"), _reason(group)
                found = _status(StatusLevel.GROUP, group, "GrpSts", above)
            case "TxInfAndSts":
                found = _transaction(part.element, above)
            case "OrgnlPmtInfAndSts":
                found = _status(StatusLevel.PAYMENT, above.of_block(part.element), "PmtInfSts", above)
            case _:
                found = None
        if found is not None:
            any_status = True
            yield found
    if not any_status:
        raise BadBankFile("the pain.002 holds no status at all")


def _reason(found: Fields) -> str | None:
    return found.get("StsRsnInf/Rsn/Cd") or found.get("StsRsnInf/Rsn/Prtry")


def _further(element: Element) -> str | None:
    """What the bank adds in words, over as many lines as it took; under a close match it is the payee's name."""
    lines = (line.text or "" for line in element.iterfind("{*}StsRsnInf/{*}AddtlInf"))
    return " ".join("".join(lines).split())[:_LONGEST_NAME] or None


def _status(level: StatusLevel, found: Fields, name: str, above: _Above) -> Status | None:
    if name not in found:
        return None
    return Status(
        level=level,
        status=found[name][:8],
        message_id=above.message_id,
        payment_information_id=found.get("OrgnlPmtInfId"),
        reason_code=(_reason(found) or above.group_reason or "")[:35] or None,
    )


def _transaction(element: Element, above: _Above) -> Status | None:
    found, block = fields(element), above.of_block(next(element.iterancestors()))
    status = found.get("TxSts")
    if status is None:
        return None
    amount = money(found, "OrgnlTxRef/Amt/InstdAmt")
    own, inherited = _reason(found), _reason(block) or above.group_reason
    return Status(
        level=StatusLevel.TRANSACTION,
        status=status[:8],
        message_id=above.message_id,
        payment_information_id=block.get("OrgnlPmtInfId"),
        end_to_end_id=found.get("OrgnlEndToEndId"),
        reason_code=(own or inherited or "")[:35] or None,
        inherited=own is None and inherited is not None,
        payee_name=_further(element) if payee_check_of(status, own) is not None else None,
        amount_minor=amount[0] if amount else None,
        currency=amount[1] if amount else None,
    )
