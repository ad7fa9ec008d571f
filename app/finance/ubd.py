"""What was paid to natural persons in a year, as the Dutch tax office asks for it ("uitbetaalde bedragen aan derden").

Wanted are payments to people who are not employed and send no invoice, or one without VAT (a small business): name,
address, date of birth, citizen service number (BSN), and each payment with its day. Refledger holds neither birth
dates nor BSNs, and addresses only where a tax profile or a bank account has one: the last column names what is missing
and must be asked for. Whether the payer has to report at all depends on whether it withholds wage tax.

Source: Belastingdienst, Gegevensportaal UBD; Uitvoeringsbesluit inkomstenbelasting 2001, article 22a.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import aliased

from app.kernel import sheet
from app.kernel.errors import InvalidInput
from app.kernel.money import Money
from app.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction
from app.payouts.domain.vat import TaxStatus
from app.payouts.models import PayoutDestination, TaxProfile
from app.referrals.models import Referrer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from app.referrals.models import Program

_CHUNK: Final = 1_000
_YEARS: Final = range(2000, 9999)


class Paid(NamedTuple):
    """What one person received on one day, by the bank's booking; below zero where the bank sent it back.

    ``status`` is ``None`` for who has said nothing: a private person.
    """

    code: str
    name: str
    street: str
    postcode: str
    town: str
    country: str
    status: TaxStatus | None
    paid_on: date
    amount_minor: int


def year_of(text: str) -> int:
    """A calendar year. Raises ``InvalidInput``."""
    if not (text.isascii() and text.isdigit()) or int(text) not in _YEARS:
        raise InvalidInput(f"{text!r} is not a year", pointer="/year")
    return int(text)


def paid_to_people(session: Session, program: Program, year: int) -> Iterator[Paid]:
    """What the bank booked to people in a calendar year, by code and day; streamed. Not to businesses with VAT."""
    profile, account = aliased(TaxProfile), aliased(PayoutDestination)
    newest_profile = (
        select(func.max(TaxProfile.version)).where(TaxProfile.referrer_id == Referrer.id).scalar_subquery()
    )
    newest_account = (
        select(func.max(PayoutDestination.version))
        .where(PayoutDestination.referrer_id == Referrer.id)
        .scalar_subquery()
    )
    who = (
        Referrer.code,
        func.coalesce(profile.legal_name, Referrer.name),
        func.coalesce(profile.street, account.street, ""),
        case((profile.id.is_not(None), ""), else_=func.coalesce(account.building, "")),
        func.coalesce(profile.postcode, account.postcode, ""),
        func.coalesce(profile.town, account.town, ""),
        func.coalesce(profile.country, account.address_country, ""),
        profile.status,
    )
    amount = func.sum(-LedgerEntry.amount_minor)
    rows = session.execute(
        select(*who, LedgerTransaction.effective_on, amount)
        .select_from(LedgerEntry)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .join(Referrer, Referrer.id == LedgerEntry.referrer_id)
        .outerjoin(profile, and_(profile.referrer_id == Referrer.id, profile.version == newest_profile))
        .outerjoin(account, and_(account.referrer_id == Referrer.id, account.version == newest_account))
        .where(
            LedgerEntry.program_id == program.id,
            LedgerEntry.account == LedgerAccount.BANK,
            LedgerTransaction.effective_on.between(date(year, 1, 1), date(year, 12, 31)),
            or_(profile.status.is_(None), profile.status != TaxStatus.BUSINESS),
        )
        .group_by(*who, LedgerTransaction.effective_on)
        .having(amount != 0)
        .order_by(Referrer.code, LedgerTransaction.effective_on)
        .execution_options(yield_per=_CHUNK)
    )
    for code, name, street, building, postcode, town, country, status, on, paid in rows:
        where = f"{street} {building}".strip()
        yield Paid(code, name, where, postcode, town, country, status, on, int(paid))


_COLUMNS: Final = (
    "kenmerk",
    "naam",
    "straat en huisnummer",
    "postcode",
    "woonplaats",
    "land",
    "geboortedatum",
    "bsn",
    "datum uitbetaling",
    "uitbetaald bedrag",
    "waarde in natura",
    "valuta",
    "factuur",
    "ontbreekt",
)


def ubd_lines(session: Session, program: Program, year: int) -> Iterator[str]:
    """The list as lines of a CSV file, the first of which names the columns, in Dutch; amounts as 12.50."""
    yield sheet.line(_COLUMNS)
    nothing = Money.zero(program.currency).decimal_string()
    for paid in paid_to_people(session, program, year):
        yield sheet.line(
            (
                sheet.text(paid.code),
                sheet.text(paid.name),
                sheet.text(paid.street),
                sheet.text(paid.postcode),
                sheet.text(paid.town),
                paid.country,
                "",
                "",
                paid.paid_on.isoformat(),
                Money(paid.amount_minor, program.currency).decimal_string(),
                nothing,
                program.currency,
                "zonder btw" if paid.status is TaxStatus.SMALL_BUSINESS else "geen",
                ", ".join(missing(paid)),
            )
        )


def missing(paid: Paid) -> list[str]:
    """What the tax office asks for and nobody has told, by the name of its column."""
    held = {"naam": paid.name, "straat en huisnummer": paid.street, "postcode": paid.postcode}
    held |= {"woonplaats": paid.town, "land": paid.country}
    return [*(name for name, value in held.items() if not value), "geboortedatum", "bsn"]
