"""What another tool still owed: opening balances in the ledger, one transaction a line, under a key of its own.

Debit ``opening``, credit ``payable`` (the reverse for a debt of the referrer). The key is made of the programme, the
tool, the kind of file and the line's own id, so that the same line is posted once, whichever file it comes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select

from app.kernel.clock import local_day
from app.kernel.money import Money
from app.ledger.journal import Entry, Posting, post_many
from app.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction, TransactionKind
from app.referrals import locks
from app.referrals.importing import values
from app.referrals.importing.columns import Kind, Tool
from app.referrals.importing.errors import BroughtTwice, LineRefused
from app.referrals.importing.lines import Item, Lines, Referrers, State, Verdict, Whom, whom

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.kernel.crypto import Keyring
    from app.referrals.importing.lines import Named
    from app.referrals.importing.values import Reading
    from app.referrals.models import Program

_APART: Final = frozenset({Tool.WHMCS})
"""Tools whose balances leave out the commissions that still wait."""

_OWED: Final = {
    "": True,
    "due": True,
    "pending": True,
    "approved": True,
    "unpaid": True,
    "open": True,
    "paid": False,
    "void": False,
    "voided": False,
    "denied": False,
    "disapproved": False,
    "rejected": False,
    "refunded": False,
    "cancelled": False,
    "canceled": False,
}
"""Words of the tools for a commission, and whether it is still owed."""


@dataclass(frozen=True, slots=True)
class Owed:
    """What a line says is owed. ``key`` is the fingerprint of its id, or empty: then the referrer is the id.

    ``available_on`` is null where neither the line nor the command says a day.
    """

    key: str
    referrer: Whom
    amount_minor: int
    available_on: date | None


class _Posted(NamedTuple):
    """What was posted under a line's key before."""

    referrer_id: int
    amount_minor: int
    available_on: date


class MoneyLines(Lines[Owed]):
    """Open commissions (``Kind.COMMISSIONS``) or one balance a referrer (``Kind.BALANCES``)."""

    def __init__(
        self, keyring: Keyring, tool: Tool, kind: Kind, reading: Reading, *, prefix: str = ""
    ) -> None:
        self._keyring, self._tool, self._kind = keyring, tool, kind
        self._reading, self._prefix = reading, prefix

    def read(self, cells: Mapping[str, str]) -> Owed:
        """Read the cells of a line."""
        reading = self._reading
        number = cells.get("id", "")
        if number or self._kind is Kind.COMMISSIONS:
            number = self._keyring.index("import", values.identifier(number, "id"))
        owed = values.known(cells.get("status", ""), _OWED, "status")
        currency = values.currency_of(cells.get("currency"), reading)
        amount = values.amount(cells.get("amount", ""), currency, reading)
        available_on = values.day(cells.get("available_on"), "available_on", reading)
        if amount < 0 and available_on is not None and available_on > self._today():
            raise LineRefused("available_on: what a referrer owes is due at once, so no day ahead")
        return Owed(
            key=number,
            referrer=whom(cells, self._keyring, self._prefix),
            amount_minor=amount if owed else 0,
            available_on=available_on,
        )

    def keys(self, value: Owed) -> Iterator[tuple[str, str]]:
        """A commission stands in the file once, and so does a referrer's balance."""
        if value.key:
            yield "id", value.key
        if self._kind is Kind.BALANCES:
            yield "referrer", value.referrer.code or value.referrer.email_key

    def check(self, session: Session, program: Program, items: Sequence[Item[Owed]]) -> list[Verdict[Owed]]:
        """Hold them against what was posted under their keys."""
        referrers = Referrers(session, program, [item.value.referrer for item in items])
        found: list[tuple[Item[Owed], Named | str]] = []
        for item in items:
            try:
                found.append((item, referrers.of(item.value.referrer)))
            except LineRefused as error:
                found.append((item, error.detail))
        keys = [self._key(program, item.value, who) for item, who in found if not isinstance(who, str)]
        posted = _posted(session, keys)
        verdicts = []
        for item, who in found:
            if isinstance(who, str):
                verdicts.append(Verdict(item, refused=who))
            else:
                there = posted.get(self._key(program, item.value, who))
                verdicts.append(_verdict(item, who, there, self._reading.program_currency))
        return verdicts

    def write(self, session: Session, program: Program, items: Sequence[Item[Owed]], now: datetime) -> None:
        """Post them, with their referrers locked against payout runs."""
        referrers = Referrers(session, program, [item.value.referrer for item in items])
        named = [(item.value, referrers.of(item.value.referrer)) for item in items]
        locks.share_referrers(session, [who.id for _, who in named])
        on = local_day(now, program.timezone)
        postings = [self._posting(program, value, who, on) for value, who in named]
        post_many(session, postings, posted_at=now)

    def refuse_twice(self, session: Session, program: Program) -> None:
        """Raise :class:`BroughtTwice` where the other kind of money came from this tool before."""
        if self._tool in _APART:
            return
        other = Kind.BALANCES if self._kind is Kind.COMMISSIONS else Kind.COMMISSIONS
        wanted = select(LedgerTransaction.id).where(
            LedgerTransaction.program_id == program.id,
            LedgerTransaction.kind == TransactionKind.OPENING_BALANCE,
            LedgerTransaction.idempotency_key.startswith(self._begins(program, other), autoescape=True),
        )
        if session.scalar(wanted.limit(1)) is not None:
            raise BroughtTwice(self._tool.value, other.value, self._kind.value)

    def _posting(self, program: Program, value: Owed, who: Named, effective_on: date) -> Posting:
        on = value.available_on or self._today()
        sides = ((LedgerAccount.OPENING, value.amount_minor), (LedgerAccount.PAYABLE, -value.amount_minor))
        return Posting(
            program_id=program.id,
            currency=program.currency,
            kind=TransactionKind.OPENING_BALANCE,
            key=self._key(program, value, who),
            entries=tuple(Entry(account, amount, on, referrer_id=who.id) for account, amount in sides),
            memo=f"brought along from {self._tool.value}",
            effective_on=effective_on,
        )

    def _key(self, program: Program, value: Owed, who: Named) -> str:
        # A fingerprint: ids of other tools may be e-mail addresses, and these rows are never erased.
        own = value.key or self._keyring.index("import", f"referrer:{who.id}")
        return f"{self._begins(program, self._kind)}{own}"

    def _begins(self, program: Program, kind: Kind) -> str:
        return f"opening:{program.id}:{self._tool.value}:{kind.value}:"

    def _today(self) -> date:
        return local_day(self._reading.now, self._reading.timezone)


def _posted(session: Session, keys: Sequence[str]) -> dict[str, _Posted]:
    rows = session.execute(
        select(
            LedgerTransaction.idempotency_key,
            LedgerEntry.referrer_id,
            -LedgerEntry.amount_minor,
            LedgerEntry.available_on,
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(
            LedgerTransaction.idempotency_key.in_(keys),
            LedgerEntry.account == LedgerAccount.PAYABLE,
            LedgerEntry.referrer_id.is_not(None),
        )
    )
    return {key: _Posted(referrer_id or 0, amount, on) for key, referrer_id, amount, on in rows}


def _verdict(item: Item[Owed], who: Named, there: _Posted | None, currency: str) -> Verdict[Owed]:
    value = item.value
    if there is None:
        state = State.NEW if value.amount_minor else State.NOT_OWED
        return Verdict(item, state, amount_minor=value.amount_minor)
    same_day = value.available_on in {None, there.available_on}
    if there.referrer_id == who.id and there.amount_minor == value.amount_minor and same_day:
        return Verdict(item, State.UNCHANGED)
    before = Money(there.amount_minor, currency).decimal_string()
    return Verdict(
        item,
        refused=(
            f"this line was brought in before, as {before} {currency} payable from {there.available_on}, and says "
            "something else now (another amount, day or referrer, or paid there meanwhile); entries are never edited"
        ),
    )
