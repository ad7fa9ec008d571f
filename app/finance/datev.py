"""A month's books as a booking batch for DATEV: EXTF, header version 700, category 21 (Buchungsstapel), format 13.

A batch holds at most 99,999 lines, so bookings are summed by day, kind and pair of accounts; the journal names each of
them. Columns 1 to 22 of the format are written (a batch may end its lines early), in Windows-1252 with CRLF:
amount, side, currency, account, contra account, document date, document number, text; and, where a late fact counts in
a later month, its own day as additional information (columns 21 and 22).

Source: developer.datev.de, DATEV-Format, "Header" and "Buchungsstapel".
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from app.finance.errors import NotForDatev
from app.finance.journal import by_transaction, journal
from app.kernel.money import exponent
from app.ledger.models import LedgerAccount, TransactionKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.finance.journal import JournalRow, Month

ENCODING: Final = "cp1252"
"""DATEV reads Windows-1252, or UTF-8 with a byte order mark; what is written here is ASCII but for the texts."""

_DECIMALS: Final = 2
_LABEL: Final = 30
_K: Final = TransactionKind
TEXTS: Final = {
    _K.COMMISSION: "Provisionen",
    _K.CLAWBACK: "Provisionsstorno",
    _K.HOLD: "Provisionen in Prüfung",
    _K.RELEASE: "Provisionen freigegeben",
    _K.REVIEW_REJECTION: "Provisionen abgelehnt",
    _K.PAYOUT_RESERVED: "Auszahlung vorgemerkt",
    _K.PAYOUT_CANCELLED: "Auszahlung storniert",
    _K.PAYOUT_BOOKED: "Auszahlung gebucht",
    _K.PAYOUT_REJECTED: "Auszahlung abgelehnt",
    _K.PAYOUT_RETURNED: "Rücküberweisung",
    _K.OPENING_BALANCE: "Anfangssaldo",
    _K.ADJUSTMENT: "Korrektur",
    _K.WRITE_OFF: "Ausbuchung",
    _K.VAT_DOCUMENTED: "Vorsteuer aus Gutschriften",
    _K.VAT_RESERVED: "Umsatzsteuer vorgemerkt",
    _K.VAT_CANCELLED: "Umsatzsteuer storniert",
    _K.VAT_BOOKED: "Umsatzsteuer gebucht",
    _K.VAT_REJECTED: "Umsatzsteuer abgelehnt",
    _K.VAT_RETURNED: "Umsatzsteuer zurück",
}
"""What a summed booking is called; German, as everything in the format."""

_COLUMNS: Final = (
    "Umsatz (ohne Soll/Haben-Kz)",
    "Soll/Haben-Kennzeichen",
    "WKZ Umsatz",
    "Kurs",
    "Basis-Umsatz",
    "WKZ Basis-Umsatz",
    "Konto",
    "Gegenkonto (ohne BU-Schlüssel)",
    "BU-Schlüssel",
    "Belegdatum",
    "Belegfeld 1",
    "Belegfeld 2",
    "Skonto",
    "Buchungstext",
    "Postensperre",
    "Diverse Adressnummer",
    "Geschäftspartnerbank",
    "Sachverhalt",
    "Zinssperre",
    "Beleglink",
    "Beleginfo - Art 1",
    "Beleginfo - Inhalt 1",
)


class Pair(NamedTuple):
    """What is booked from one ledger account to another: ``amount_minor`` > 0 debits the first."""

    debited: LedgerAccount
    credited: LedgerAccount
    amount_minor: int


class _Sum(NamedTuple):
    """What is booked in one line."""

    document_on: date
    effective_on: date
    kind: TransactionKind
    debited: LedgerAccount
    credited: LedgerAccount


def pairs(entries: Iterable[tuple[LedgerAccount, int]]) -> Iterator[Pair]:
    """A balanced transaction as bookings from one account to one other, in the order of the accounts' names.

    Sides of one account (a payout's dates) are netted first; the amounts of the pairs add up to the debits that are
    left.
    """
    net: defaultdict[LedgerAccount, int] = defaultdict(int)
    for account, amount in entries:
        net[account] += amount
    debits = {account: amount for account, amount in sorted(net.items()) if amount > 0}
    credits_ = {account: -amount for account, amount in sorted(net.items()) if amount < 0}
    for debited, owed in debits.items():
        left = owed
        for credited, given in list(credits_.items()):
            amount = min(left, given)
            if amount:
                yield Pair(debited, credited, amount)
            left -= amount
            credits_[credited] = given - amount


def batch_lines(session: Session, month: Month, now: datetime) -> Iterator[bytes]:
    """The file, line by line: header, column names, bookings. Raises :class:`NotForDatev` at once."""
    return _lines(session, month, _header(month, now))


def _lines(session: Session, month: Month, header: Sequence[str]) -> Iterator[bytes]:
    sums = _summed(by_transaction(journal(session, month)), month)
    yield _encoded(header)
    yield _encoded(_COLUMNS)
    for number, (what, (amount, count)) in enumerate(sorted(sums.items()), start=1):
        yield _encoded(_booking(month, number, what, amount, count))


def _summed(transactions: Iterable[Sequence[JournalRow]], month: Month) -> dict[_Sum, tuple[int, int]]:
    """Amount and number of bookings of each line. Of a month's days, kinds and pairs there are few."""
    sums: dict[_Sum, tuple[int, int]] = {}
    for rows in transactions:
        first = rows[0]
        # The day must lie in the batch's month; what is effective earlier counts on its first day.
        document_on = max(first.effective_on, month.period.first_day)
        for debited, credited, amount in pairs((row.account, row.amount_minor) for row in rows):
            key = _Sum(document_on, first.effective_on, first.kind, debited, credited)
            total, count = sums.get(key, (0, 0))
            sums[key] = total + amount, count + 1
    return sums


def require_batch(month: Month) -> None:
    """Raise :class:`NotForDatev` where the month cannot be written as a batch."""
    kept = month.bookkeeping
    if kept.adviser is None or kept.client is None:
        raise NotForDatev(
            "DATEV needs the adviser's and the client's number (flask finance settings --adviser --client)"
        )
    if exponent(month.currency) != _DECIMALS:
        raise NotForDatev(f"DATEV takes amounts with two decimals; {month.currency} has others")


def _header(month: Month, now: datetime) -> list[str]:
    require_batch(month)
    kept = month.bookkeeping
    made = (month.closed_at or now).strftime("%Y%m%d%H%M%S%f")[:17]
    lengths = {len(number) for number in kept.accounts.values()}
    return [
        _quoted("EXTF"),
        "700",
        "21",
        _quoted("Buchungsstapel"),
        "13",
        made,
        "",
        _quoted("RE"),
        _quoted(""),
        _quoted(""),
        str(kept.adviser),
        str(kept.client),
        _year_start(month).strftime("%Y%m%d"),
        str(max(lengths)),
        month.period.first_day.strftime("%Y%m%d"),
        month.period.last_day.strftime("%Y%m%d"),
        _quoted(f"{month.period} {month.slug}"[:_LABEL]),
        _quoted(""),
        "1",  # Finanzbuchführung
        "0",  # for every accounting purpose
        "0",  # not locked: the adviser locks it
        _quoted(month.currency),
        "",
        _quoted(""),
        "",
        "",
        _quoted(kept.chart.value.removeprefix("skr")),
        "",
        "",
        _quoted(""),
        _quoted(""),
    ]


def _year_start(month: Month) -> date:
    """The first day of the financial year that the month lies in."""
    first = month.period.first_day
    begins = first.replace(month=month.bookkeeping.year_begins)
    return begins if begins <= first else begins.replace(year=begins.year - 1)


def _booking(month: Month, number: int, what: _Sum, amount: int, count: int) -> list[str]:
    numbers = month.bookkeeping.accounts
    whole, fraction = divmod(amount, 10**_DECIMALS)
    late = what.effective_on != what.document_on
    return [
        f"{whole},{fraction:0{_DECIMALS}d}",
        _quoted("S"),
        _quoted(month.currency),
        "",
        "",
        "",
        numbers[what.debited.value],
        numbers[what.credited.value],
        "",
        what.document_on.strftime("%d%m"),
        _quoted(f"{str(month.period).replace('-', '')}-{number:05d}"),
        "",
        "",
        _quoted(f"{TEXTS[what.kind]} ({count})"),
        *[""] * 6,
        _quoted("Wirksam am") if late else "",
        _quoted(what.effective_on.strftime("%d.%m.%Y")) if late else "",
    ]


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _encoded(fields: Sequence[str]) -> bytes:
    return (";".join(fields) + "\r\n").encode(ENCODING)


def file_name(month: Month) -> str:
    """What the file is called: DATEV asks for the prefix."""
    return f"EXTF_Buchungsstapel_{month.slug}_{month.period}.csv"
