"""Answers a payment file: one status report, then a statement for each day on which something was booked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from examples.bank.calendar import target_day_after
from examples.bank.rulings import Fate, Ruling, fault_of, rule
from examples.bank.statement import Debit, Return, Statement, render_statement
from examples.bank.status_report import render_status_report

if TYPE_CHECKING:
    from datetime import date

    from examples.bank.books import Account, Books
    from examples.bank.instruction import Batch, Instruction
    from examples.bank.rulings import Exactly, Shares

RETURN_AFTER_DAYS = 3


class AlreadyAnswered(Exception):
    """The bank has seen this message id before; it never pays a file twice."""

    def __init__(self, message_id: str) -> None:
        """Remembers the message id that came twice."""
        super().__init__(f"file {message_id} was answered before and is not paid twice")


@dataclass(frozen=True)
class BankFile:
    """A message from the bank: its file name and its bytes."""

    name: str
    data: bytes


def answer(
    instruction: Instruction, books: Books, policy: Shares | Exactly, *, with_details: bool = True
) -> list[BankFile]:
    """The bank's messages about `instruction`, in the order in which they are sent; `books` move on.

    Payments are booked on the execution day, or on the last statement's day when that is later; a returned
    payment comes back three TARGET days after its debit. Raises `AlreadyAnswered`.
    """
    if instruction.message_id in books.answered:
        raise AlreadyAnswered(instruction.message_id)
    books.answered.append(instruction.message_id)
    books.reports += 1
    fault = fault_of(instruction)
    rulings = rule(instruction, policy)
    report = render_status_report(instruction, rulings, report_id=f"STATUS-{books.reports:06d}", fault=fault)
    files = [BankFile(f"{_safe(instruction.message_id)}-1-pain002.xml", report)]
    statements = [] if fault else _statements(instruction, rulings, books, with_details=with_details)
    for number, statement in enumerate(statements, start=2):
        name = f"{_safe(instruction.message_id)}-{number}-camt053-{statement.day.isoformat()}.xml"
        files.append(BankFile(name, render_statement(statement)))
    return files


def _statements(
    instruction: Instruction, rulings: dict[str, Ruling], books: Books, *, with_details: bool
) -> list[Statement]:
    """One statement for each account and day on which something was booked, in that order."""
    booked: dict[tuple[str, date], list[Debit | Return]] = {}
    for batch in instruction.batches:
        own = [rulings[payment.end_to_end_id] for payment in batch.payments]
        day = books.account(batch.debtor_iban).day_for(target_day_after(batch.execution_on, 0))
        debits = _debits(instruction.message_id, batch, own, with_details=with_details)
        if debits:
            booked.setdefault((batch.debtor_iban, day), []).extend(debits)
        returns = _returns(instruction.message_id, batch, own)
        if returns:
            later = target_day_after(day, RETURN_AFTER_DAYS)
            booked.setdefault((batch.debtor_iban, later), []).extend(returns)
    return [_close_day(books.account(iban), day, booked[iban, day]) for iban, day in sorted(booked)]


def _debits(message_id: str, batch: Batch, rulings: list[Ruling], *, with_details: bool) -> list[Debit]:
    paid = tuple(ruling.payment for ruling in rulings if ruling.fate is not Fate.REJECTED)
    if not paid:
        return []
    groups = (paid,) if batch.batch_booking else tuple((payment,) for payment in paid)
    return [
        Debit(message_id, batch.payment_information_id, group, batch.batch_booking, with_details)
        for group in groups
    ]


def _returns(message_id: str, batch: Batch, rulings: list[Ruling]) -> list[Return]:
    return [
        Return(message_id, batch.payment_information_id, ruling.payment, ruling.reason or "MS03")
        for ruling in rulings
        if ruling.fate is Fate.RETURNED
    ]


def _close_day(account: Account, day: date, entries: list[Debit | Return]) -> Statement:
    """Books `entries` and closes the day: the new balance is the opening one of the next statement."""
    opening = account.balance_minor
    for entry in entries:
        account.balance_minor += (
            entry.payment.amount_minor if isinstance(entry, Return) else -entry.amount_minor
        )
    account.statements += 1
    account.last_on = day.isoformat()
    number, closing = account.statements, account.balance_minor
    return Statement(number, account.iban, day, opening, closing, tuple(entries))


def name_prefix(message_id: str) -> str:
    """How the names of all messages about a payment file begin."""
    return f"{_safe(message_id)}-"


def _safe(message_id: str) -> str:
    return "".join(char if char.isalnum() or char == "-" else "_" for char in message_id)
