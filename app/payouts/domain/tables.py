"""Lists of payments as CSV (RFC 4180: UTF-8, comma, CRLF, header line), for banks and services that take those."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from app.kernel import sheet
from app.kernel.errors import InvalidInput
from app.kernel.money import Money
from app.payouts.domain.sepa_text import NAME_LENGTH, sepa_text
from app.payouts.domain.verify import FileNotVerified

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from app.payouts.domain.pain001 import CreditTransfer


def cell(text: str | None, length: int) -> str:
    """Text in the SEPA character set, at most ``length`` long, that no spreadsheet takes for a formula: whoever opens
    the list before uploading it runs nothing that a payee typed.
    """
    return sepa_text(text or "", length).lstrip(sheet.FORMULA + " ")


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The list, one payment a line."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


@dataclass(frozen=True, slots=True)
class Where:
    """The columns in which a list says what is paid to whom."""

    end_to_end_id: str
    amount: str
    currency: str
    name: str
    iban: str


def verify_table(
    content: bytes, columns: Sequence[str], where: Where, payments: Iterable[CreditTransfer], currency: str
) -> None:
    """Read the lines back and compare what each pays to whom with what is owed, in the order it is owed; amounts are
    compared as money. Raises ``FileNotVerified``.
    """
    lines = _lines(content)
    if next(lines, None) != list(columns):
        raise FileNotVerified("the list does not begin with its header line")
    for payment in payments:
        found = next(lines, None)
        if found is None or len(found) != len(columns):
            raise FileNotVerified(f"{payment.end_to_end_id} is owed and not in the list, or in other columns")
        _check_line(dict(zip(columns, found, strict=True)), where, payment, currency)
    if next(lines, None) is not None:
        raise FileNotVerified("the list has more payments than are owed")


def _check_line(line: Mapping[str, str], where: Where, payment: CreditTransfer, currency: str) -> None:
    try:
        amount = Money.parse(line[where.amount], line[where.currency])
    except InvalidInput as error:
        raise FileNotVerified(f"{payment.end_to_end_id}: {error.detail}") from error
    for what, found, owed in (
        ("id", line[where.end_to_end_id], payment.end_to_end_id),
        ("amount", amount, Money(payment.amount_minor, currency)),
        ("account", line[where.iban], payment.iban),
        ("name", line[where.name], cell(payment.name, NAME_LENGTH)),
    ):
        if found != owed:
            raise FileNotVerified(f"{payment.end_to_end_id}: the {what} is not what it must be")


def _lines(content: bytes) -> Iterator[list[str]]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise FileNotVerified("the list is not UTF-8") from error
    try:
        yield from csv.reader(StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        raise FileNotVerified(f"the list is not CSV: {error}") from error
