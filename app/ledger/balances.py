"""Reading balances: pending and available are a question of date, so no job has to run for money to mature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import String, case, cast, func, literal, select, union_all

from app.ledger.journal import figure_of, write_balances
from app.ledger.models import Figure, LedgerAccount, LedgerBalance, LedgerEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session


_Sums: TypeAlias = dict[tuple[Figure, bool], int]
"""Sums by figure and whether the money has matured."""


@dataclass(frozen=True, slots=True)
class Balance:
    """One referrer's money in minor units of ``currency``.

    ``earned - clawed_back + other == pending + available + held + in_flight + paid`` always.
    """

    currency: str
    pending: int = 0
    available: int = 0
    held: int = 0
    in_flight: int = 0
    paid: int = 0
    earned: int = 0
    clawed_back: int = 0
    other: int = 0

    @property
    def adds_up(self) -> bool:
        """The invariant of the class."""
        owed = self.pending + self.available + self.held + self.in_flight + self.paid
        return self.earned - self.clawed_back + self.other == owed


@dataclass(frozen=True, slots=True)
class Bucket:
    """Unreserved payable money of one referrer that becomes payable on one day; may be negative."""

    referrer_id: int
    available_on: date
    amount_minor: int


def balance(
    session: Session, *, referrer_id: int, currency: str, today: date, as_of: datetime | None = None
) -> Balance:
    """The balance on ``today`` (the programme's calendar day); money with ``available_on <= today`` is available.

    With ``as_of`` only entries posted by that instant count; ``today`` is then that instant's day.
    """
    sums = (
        _posted_by(session, referrer_id, today, as_of)
        if as_of
        else _now(session, [referrer_id], today)[referrer_id]
    )
    return _balance(currency, sums)


def balances(
    session: Session, *, referrer_ids: Sequence[int], currency: str, today: date
) -> Mapping[int, Balance]:
    """The balances of several referrers in one query."""
    return {key: _balance(currency, sums) for key, sums in _now(session, referrer_ids, today).items()}


def referrer_buckets(session: Session, *, referrer_id: int) -> list[Bucket]:
    """All unreserved payable money of one referrer by date, also what matures in the future."""
    write_balances(session)
    rows = session.execute(
        select(LedgerBalance.available_on, LedgerBalance.amount_minor)
        .where(
            LedgerBalance.referrer_id == referrer_id,
            LedgerBalance.figure == Figure.PAYABLE,
            LedgerBalance.amount_minor != 0,
        )
        .order_by(LedgerBalance.available_on)
    )
    return [Bucket(referrer_id, available_on, amount) for available_on, amount in rows]


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that a referrer's home says of money: the balance, its dates, and what was brought along."""

    balance: Balance
    buckets: tuple[Bucket, ...]
    """Unreserved payable money by date, also what matures in the future."""
    opening_minor: int
    """The sum of the opening balances; the balance has counted it."""


def holdings(session: Session, *, referrer_id: int, currency: str, today: date) -> Holdings:
    """What :func:`balance`, :func:`referrer_buckets` and the opening entries say, in one query."""
    write_balances(session)
    mine = LedgerBalance.referrer_id == referrer_id
    matured = case((LedgerBalance.available_on <= today, 1), else_=0)
    nothing = literal(None, LedgerBalance.available_on.type)
    sums = (
        select(cast(LedgerBalance.figure, String), matured, nothing, func.sum(LedgerBalance.amount_minor))
        .where(mine)
        .group_by(LedgerBalance.figure, matured)
    )
    dates = select(literal("date"), literal(0), LedgerBalance.available_on, LedgerBalance.amount_minor).where(
        mine, LedgerBalance.figure == Figure.PAYABLE, LedgerBalance.amount_minor != 0
    )
    opening = select(literal("opening"), literal(0), nothing, func.sum(LedgerEntry.amount_minor)).where(
        LedgerEntry.referrer_id == referrer_id, LedgerEntry.account == LedgerAccount.OPENING
    )
    totals: _Sums = {}
    buckets: list[Bucket] = []
    brought = 0
    for name, is_matured, on, amount in session.execute(union_all(sums, dates, opening)):
        match name:
            case "date":
                buckets.append(Bucket(referrer_id, on, int(amount)))
            case "opening":
                brought = int(amount or 0)
            case _:
                totals[Figure(name), bool(is_matured)] = int(amount)
    buckets.sort(key=lambda bucket: bucket.available_on)
    return Holdings(_balance(currency, totals), tuple(buckets), brought)


def _now(session: Session, referrer_ids: Sequence[int], today: date) -> dict[int, _Sums]:
    write_balances(session)
    matured = case((LedgerBalance.available_on <= today, 1), else_=0)
    rows = session.execute(
        select(LedgerBalance.referrer_id, LedgerBalance.figure, matured, func.sum(LedgerBalance.amount_minor))
        .where(LedgerBalance.referrer_id.in_(referrer_ids))
        .group_by(LedgerBalance.referrer_id, LedgerBalance.figure, matured)
    )
    sums: dict[int, _Sums] = {referrer_id: {} for referrer_id in referrer_ids}
    for referrer_id, figure, is_matured, amount in rows:
        sums[referrer_id][figure, bool(is_matured)] = int(amount)
    return sums


def _posted_by(session: Session, referrer_id: int, today: date, as_of: datetime) -> _Sums:
    matured = case((LedgerEntry.available_on <= today, 1), else_=0)
    rows = session.execute(
        select(LedgerEntry.account, LedgerEntry.kind, matured, func.sum(LedgerEntry.amount_minor))
        .where(LedgerEntry.referrer_id == referrer_id, LedgerEntry.posted_at <= as_of)
        .group_by(LedgerEntry.account, LedgerEntry.kind, matured)
    )
    sums: _Sums = {}
    for account, kind, is_matured, amount in rows:
        figure, sign = figure_of(account, kind)
        key = (figure, bool(is_matured))
        sums[key] = sums.get(key, 0) + sign * int(amount)
    return sums


def _balance(currency: str, sums: _Sums) -> Balance:
    def total(figure: Figure) -> int:
        return sums.get((figure, True), 0) + sums.get((figure, False), 0)

    return Balance(
        currency=currency,
        pending=sums.get((Figure.PAYABLE, False), 0),
        available=sums.get((Figure.PAYABLE, True), 0),
        held=total(Figure.HELD),
        in_flight=total(Figure.IN_FLIGHT),
        paid=total(Figure.PAID),
        earned=total(Figure.EARNED),
        clawed_back=total(Figure.CLAWED_BACK),
        other=total(Figure.OTHER),
    )
