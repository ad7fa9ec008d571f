"""Reader of camt.053 (BankToCustomerStatement) and camt.054 (BankToCustomerDebitCreditNotification)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from app.payouts.domain.feedback_xml import BadBankFile, child, day, money, text
from app.payouts.domain.records import Booking, StatementBalances

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from app.payouts.domain.feedback_xml import Element, Part

_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = "CLBD"
_RETURNS: Final = frozenset({"RRTN", "RPCR"})
"""Bank transaction sub-families of returned and recalled payments."""


@dataclass(slots=True)
class _Entry:
    """What is remembered of an entry while its details come by."""

    details: int = 0
    waiting: Booking | None = None
    """A detail without an amount of its own; the entry's amount is its, if it stays the only one."""


@dataclass(slots=True)
class _Statement:
    """What is remembered of a statement while its entries come by."""

    booked_minor: int = 0
    entry: _Entry = field(default_factory=_Entry)


def read_camt(parts: Iterator[Part]) -> Iterator[Booking | StatementBalances]:
    """Each detail of each entry; an entry without details as one booking; a statement's balances at its end.

    Raises ``BadBankFile`` for a statement whose entries do not lead from its opening to its closing balance.
    """
    statement: _Statement | None = None
    for part in parts:
        match part.name, part.opened:
            case (("Stmt" | "Ntfctn"), True):
                statement = _Statement()
            case "TxDtls", False if statement is not None:
                yield from _detail(part.element, statement.entry)
            case "Ntry", False if statement is not None:
                yield from _entry(part.element, statement)
                statement.entry = _Entry()
            case (("Stmt" | "Ntfctn"), False) if statement is not None:
                yield from _balances(part.element, statement)
    if statement is None:
        raise BadBankFile("the file holds no statement and no notification")


def _detail(element: Element, entry: _Entry) -> Iterator[Booking]:
    holder = element.getparent()
    ntry = holder.getparent() if holder is not None else None
    if holder is None or ntry is None:
        return
    entry.details += 1
    if entry.waiting is not None:
        yield entry.waiting
        entry.waiting = None
    found = _with_detail(_of_entry(ntry, holder), element)
    if found.amount_minor is None and entry.details == 1:
        entry.waiting = found
    else:
        yield found


def _entry(element: Element, statement: _Statement) -> Iterator[Booking]:
    amount = money(child(element, "Amt"))
    if amount is None:
        raise BadBankFile("a statement entry has no amount")
    whole = _of_entry(element, child(element, "NtryDtls"))
    if whole.booked:
        statement.booked_minor += amount[0] if whole.credit else -amount[0]
    waiting = statement.entry.waiting
    if waiting is not None:
        yield replace(waiting, amount_minor=amount[0], currency=amount[1])
    elif statement.entry.details == 0:
        yield replace(whole, amount_minor=amount[0], currency=amount[1])


def _of_entry(ntry: Element, details: Element | None) -> Booking:
    """What the entry's own fields say; they stand before its details. The amount is left to the caller."""
    container = ntry.getparent()
    family = text(ntry, "BkTxCd/Domn/Fmly/SubFmlyCd")
    batch_count = text(details, "Btch/NbOfTxs") if details is not None else None
    return Booking(
        account=_account(container) if container is not None else None,
        credit=_is_credit(ntry),
        booked=(text(ntry, "Sts/Cd") or text(ntry, "Sts")) == "BOOK",
        booked_on=day(child(ntry, "BookgDt")),
        amount_minor=None,
        currency=None,
        entry_ref=text(ntry, "AcctSvcrRef"),
        detail_ref=None,
        end_to_end_id=None,
        message_id=text(details, "Btch/MsgId") if details is not None else None,
        payment_information_id=text(details, "Btch/PmtInfId") if details is not None else None,
        batch_count=int(batch_count) if batch_count is not None and batch_count.isdecimal() else None,
        is_return=text(ntry, "RvslInd") == "true" or family in _RETURNS,
        reason_code=None,
    )


def _with_detail(entry: Booking, element: Element) -> Booking:
    amount = money(
        next(
            (
                found
                for path in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
                if (found := child(element, path)) is not None
            ),
            None,
        )
    )
    end_to_end_id = text(element, "Refs/EndToEndId")
    reason = text(element, "RtrInf/Rsn/Cd") or text(element, "RtrInf/Rsn/Prtry")
    family = text(element, "BkTxCd/Domn/Fmly/SubFmlyCd")
    return replace(
        entry,
        credit=_is_credit(element) if child(element, "CdtDbtInd") is not None else entry.credit,
        amount_minor=amount[0] if amount else None,
        currency=amount[1] if amount else None,
        detail_ref=text(element, "Refs/AcctSvcrRef"),
        end_to_end_id=None if end_to_end_id == "NOTPROVIDED" else end_to_end_id,
        message_id=text(element, "Refs/MsgId") or entry.message_id,
        payment_information_id=text(element, "Refs/PmtInfId") or entry.payment_information_id,
        is_return=entry.is_return or child(element, "RtrInf") is not None or family in _RETURNS,
        reason_code=reason[:35] if reason else None,
    )


def _is_credit(element: Element) -> bool:
    match text(element, "CdtDbtInd"):
        case "CRDT":
            return True
        case "DBIT":
            return False
        case _:
            raise BadBankFile("a statement entry is neither a debit (DBIT) nor a credit (CRDT)")


def _account(container: Element) -> str | None:
    return text(container, "Acct/Id/IBAN") or text(container, "Acct/Id/Othr/Id")


def _balances(container: Element, statement: _Statement) -> Iterator[StatementBalances]:
    balances: dict[str, tuple[int, str, date | None]] = {}
    for balance in container.iterfind("{*}Bal"):
        amount = money(child(balance, "Amt"))
        kind = text(balance, "Tp/CdOrPrtry/Cd")
        if amount is not None and kind is not None:
            signed = amount[0] if _is_credit(balance) else -amount[0]
            balances.setdefault(kind, (signed, amount[1], day(child(balance, "Dt"))))
    opening = next((balances[kind] for kind in _OPENING if kind in balances), None)
    closing = balances.get(_CLOSING)
    account = _account(container)
    if opening is None or closing is None or account is None or opening[2] is None or closing[2] is None:
        return
    if opening[0] + statement.booked_minor != closing[0]:
        raise BadBankFile(
            "a statement does not add up: its entries do not lead from opening to closing balance"
        )
    yield StatementBalances(
        account=account[:34],
        currency=closing[1],
        statement_id=(text(container, "Id") or "")[:35],
        opening_minor=opening[0],
        opening_on=opening[2],
        closing_minor=closing[0],
        closing_on=closing[2],
    )
