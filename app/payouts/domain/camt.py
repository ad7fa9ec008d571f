"""Reader of camt.053 (BankToCustomerStatement) and camt.054 (BankToCustomerDebitCreditNotification)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from app.payouts.domain.feedback_xml import BadBankFile, day, fields, minor_of, money
from app.payouts.domain.records import Booking, StatementBalances

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from app.payouts.domain.feedback_xml import Element, Fields, Part

_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = "CLBD"
_RETURNS: Final = frozenset({"RRTN", "RPCR"})
"""Bank transaction sub-families of returned and recalled payments."""


_AMOUNTS: Final = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
"""Where a detail's amount may stand, version .08 first."""


@dataclass(slots=True)
class _Entry:
    """What is remembered of an entry while its details come by."""

    found: Fields | None = None
    whole: Booking | None = None
    """What its own fields say, which stand before its details."""
    details: int = 0
    waiting: Booking | None = None
    """A detail without an amount of its own; the entry's amount is its, if it stays the only one."""


@dataclass(slots=True)
class _Totals:
    """Entries counted and added up by us, of one direction or both."""

    count: int = 0
    minor: int = 0

    def add(self, amount: int) -> None:
        self.count += 1
        self.minor += amount


@dataclass(slots=True)
class _Statement:
    """What is remembered of a statement while its entries come by."""

    account: str | None = None
    """Known from the first entry on: the account stands before it."""
    booked_minor: int = 0
    currency: str = "EUR"
    debits: _Totals = field(default_factory=_Totals)
    credits: _Totals = field(default_factory=_Totals)
    entry: _Entry = field(default_factory=_Entry)


def read_camt(parts: Iterator[Part]) -> Iterator[Booking | StatementBalances]:
    """Each detail of each entry; an entry without details as one booking; a statement's balances at its end.

    Raises ``BadBankFile`` for a statement whose entries are not those that its summary counts and adds up, or do not
    lead from its opening to its closing balance.
    """
    statement: _Statement | None = None
    for part in parts:
        match part.name, part.opened:
            case (("Stmt" | "Ntfctn"), True):
                statement = _Statement()
            case "TxDtls", False if statement is not None:
                yield from _detail(part.element, statement)
            case "Ntry", False if statement is not None:
                yield from _entry(part.element, statement)
                statement.entry = _Entry()
            case (("Stmt" | "Ntfctn"), False) if statement is not None:
                found = fields(part.element, without="Ntry")
                _check_totals(found, statement)
                yield from _balances(part.element, found, statement)
    if statement is None:
        raise BadBankFile("the file holds no statement and no notification")


def _detail(element: Element, statement: _Statement) -> Iterator[Booking]:
    entry = statement.entry
    if entry.whole is None:
        _, ntry, *_ = element.iterancestors()
        entry.found, entry.whole = _read_entry(ntry, statement)
    entry.details += 1
    if entry.waiting is not None:
        yield entry.waiting
        entry.waiting = None
    found = _with_detail(entry.whole, fields(element))
    if found.amount_minor is None and entry.details == 1:
        entry.waiting = found
    else:
        yield found


def _entry(element: Element, statement: _Statement) -> Iterator[Booking]:
    entry = statement.entry
    if entry.found is None or entry.whole is None:
        entry.found, entry.whole = _read_entry(element, statement)
    amount, whole = money(entry.found, "Amt"), entry.whole
    if amount is None:
        raise BadBankFile("a statement entry has no amount")
    statement.currency = amount[1]
    (statement.credits if whole.credit else statement.debits).add(amount[0])
    if whole.booked:
        statement.booked_minor += amount[0] if whole.credit else -amount[0]
    if entry.waiting is not None:
        yield replace(entry.waiting, amount_minor=amount[0], currency=amount[1])
    elif entry.details == 0:
        yield replace(whole, amount_minor=amount[0], currency=amount[1])


def _read_entry(ntry: Element, statement: _Statement) -> tuple[Fields, Booking]:
    if statement.account is None:
        statement.account = _account(next(ntry.iterancestors()))
    found = fields(ntry, without="TxDtls")
    return found, _of_entry(found, statement.account)


def _of_entry(found: Fields, account: str | None) -> Booking:
    """What the entry's own fields say. The amount is left to the caller."""
    batch_count = found.get("NtryDtls/Btch/NbOfTxs")
    return Booking(
        account=account,
        credit=_is_credit(found),
        booked=(found.get("Sts/Cd") or found.get("Sts")) == "BOOK",
        booked_on=day(found, "BookgDt"),
        amount_minor=None,
        currency=None,
        entry_ref=found.get("AcctSvcrRef"),
        detail_ref=None,
        end_to_end_id=None,
        message_id=found.get("NtryDtls/Btch/MsgId"),
        payment_information_id=found.get("NtryDtls/Btch/PmtInfId"),
        batch_count=int(batch_count) if batch_count is not None and batch_count.isdecimal() else None,
        is_return=found.get("RvslInd") == "true" or _family(found) in _RETURNS,
        reason_code=None,
    )


def _family(found: Fields) -> str | None:
    return found.get("BkTxCd/Domn/Fmly/SubFmlyCd")


def _with_detail(entry: Booking, found: Fields) -> Booking:
    amount = next((money(found, path) for path in _AMOUNTS if path in found), None)
    end_to_end_id = found.get("Refs/EndToEndId")
    reason = found.get("RtrInf/Rsn/Cd") or found.get("RtrInf/Rsn/Prtry")
    returned = any(path.startswith("RtrInf/") for path in found) or _family(found) in _RETURNS
    return replace(
        entry,
        credit=_is_credit(found) if "CdtDbtInd" in found else entry.credit,
        amount_minor=amount[0] if amount else None,
        currency=amount[1] if amount else None,
        detail_ref=found.get("Refs/AcctSvcrRef"),
        end_to_end_id=None if end_to_end_id == "NOTPROVIDED" else end_to_end_id,
        message_id=found.get("Refs/MsgId") or entry.message_id,
        payment_information_id=found.get("Refs/PmtInfId") or entry.payment_information_id,
        is_return=entry.is_return or returned,
        reason_code=reason[:35] if reason else None,
    )


def _is_credit(found: Fields) -> bool:
    match found.get("CdtDbtInd"):
        case "CRDT":
            return True
        case "DBIT":
            return False
        case _:
            raise BadBankFile("a statement entry is neither a debit (DBIT) nor a credit (CRDT)")


def _account(container: Element) -> str | None:
    for account in container.iterfind("{*}Acct"):
        found = fields(account)
        return found.get("Id/IBAN") or found.get("Id/Othr/Id")
    return None


def _check_totals(found: Fields, statement: _Statement) -> None:
    """The bank's own count and sum of the entries (``TxsSummry``), where it gives them: a file that lost some, or has
    some more, is refused.
    """
    debits, credits_ = statement.debits, statement.credits
    whole = _Totals(debits.count + credits_.count, debits.minor + credits_.minor)
    for path, own in (("TtlNtries", whole), ("TtlDbtNtries", debits), ("TtlCdtNtries", credits_)):
        count, total = found.get(f"TxsSummry/{path}/NbOfNtries"), found.get(f"TxsSummry/{path}/Sum")
        if count is not None and not (count.isdecimal() and int(count) == own.count):
            raise BadBankFile(f"a statement announces {count} entries ({path}) and holds {own.count}")
        if total is not None and minor_of(total, statement.currency) != own.minor:
            raise BadBankFile(f"a statement does not add up: its entries are not worth {total} ({path})")


def _balances(container: Element, whole: Fields, statement: _Statement) -> Iterator[StatementBalances]:
    balances: dict[str, tuple[int, str, date | None]] = {}
    for balance in container.iterfind("{*}Bal"):
        found = fields(balance)
        amount, kind = money(found, "Amt"), found.get("Tp/CdOrPrtry/Cd")
        if amount is not None and kind is not None:
            signed = amount[0] if _is_credit(found) else -amount[0]
            balances.setdefault(kind, (signed, amount[1], day(found, "Dt")))
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
        statement_id=whole.get("Id", "")[:35],
        opening_minor=opening[0],
        opening_on=opening[2],
        closing_minor=closing[0],
        closing_on=closing[2],
    )
