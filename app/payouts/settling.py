"""Moving payouts and their money together: every change of a payout's state is here, with its ledger
entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import literal, select, update

from app.kernel.clock import local_day
from app.ledger.bulk import PayoutPosting, post_payouts
from app.ledger.journal import Entry, Posting, post_many
from app.ledger.models import Figure, LedgerAccount, LedgerBalance, LedgerEntry, TransactionKind
from app.payouts.domain.state import PayoutMove, PayoutState, next_payout_status
from app.payouts.models import Payout
from app.referrals.models import Program, Referrer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.payouts.models import PayoutRun

_POSTED = {
    PayoutMove.CANCEL: (TransactionKind.PAYOUT_CANCELLED, LedgerAccount.IN_FLIGHT, LedgerAccount.PAYABLE),
    PayoutMove.BOOK: (TransactionKind.PAYOUT_BOOKED, LedgerAccount.IN_FLIGHT, LedgerAccount.BANK),
    PayoutMove.REJECT: (TransactionKind.PAYOUT_REJECTED, LedgerAccount.IN_FLIGHT, LedgerAccount.PAYABLE),
    PayoutMove.RETURN: (TransactionKind.PAYOUT_RETURNED, LedgerAccount.BANK, LedgerAccount.PAYABLE),
}
"""The moves that move money: their kind, and which account they debit and credit (DESIGN.md 7)."""
_POSTED_VAT = {
    PayoutMove.CANCEL: (TransactionKind.VAT_CANCELLED, LedgerAccount.IN_FLIGHT, LedgerAccount.PAYABLE_VAT),
    PayoutMove.BOOK: (TransactionKind.VAT_BOOKED, LedgerAccount.IN_FLIGHT, LedgerAccount.BANK),
    PayoutMove.REJECT: (TransactionKind.VAT_REJECTED, LedgerAccount.IN_FLIGHT, LedgerAccount.PAYABLE_VAT),
    PayoutMove.RETURN: (TransactionKind.VAT_RETURNED, LedgerAccount.BANK, LedgerAccount.PAYABLE_VAT),
}
"""The same for the VAT that a payout took along."""
_PARTS = (
    ("payout", TransactionKind.PAYOUT_RESERVED, _POSTED),
    ("vat", TransactionKind.VAT_RESERVED, _POSTED_VAT),
)
"""The two parts of a payout's money: what their keys begin with, what reserved them, and what their moves post."""


def lock_referrers(session: Session, referrer_ids: Iterable[int]) -> None:
    """Lock the referrers' rows, by id, against everyone.

    The race: an order posts a commission to the referrer whose money is being reserved or given back, or a
    second run (another period, or the same one again) reserves the same money. Orders take these rows
    shared; without the lock both runs would read the same payable money and pay it twice.
    """
    wanted = sorted(set(referrer_ids))
    session.execute(
        select(Referrer.id)
        .where(Referrer.id.in_(wanted))
        .order_by(Referrer.id)
        .with_for_update(key_share=True)
    )


def lock_payouts(session: Session, payout_ids: Iterable[int]) -> list[Payout]:
    """The payouts, fresh and locked, with their referrers locked first.

    The race: two bank files, or a bank file and a cancellation, about the same payout. Each would find it
    open and post its money, so that it would be both given back and gone.
    """
    wanted = sorted(set(payout_ids))
    lock_referrers(session, session.scalars(select(Payout.referrer_id).where(Payout.id.in_(wanted))))
    statement = select(Payout).where(Payout.id.in_(wanted)).order_by(Payout.id).with_for_update()
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def reserve(session: Session, run: PayoutRun, first: int, last: int, now: datetime) -> None:
    """Take all payable money of the run's new payouts to referrers ``first`` to ``last`` (both inclusive) to in
    flight, one entry pair for each date, under ``payout-reserve:ID``.
    """
    source = (
        select(
            Payout.id.label("payout_id"),
            Payout.referrer_id,
            LedgerBalance.available_on,
            LedgerBalance.amount_minor,
        )
        .join(LedgerBalance, LedgerBalance.referrer_id == Payout.referrer_id)
        .where(
            Payout.run_id == run.id,
            Payout.referrer_id.between(first, last),
            LedgerBalance.figure == Figure.PAYABLE,
            LedgerBalance.available_on <= run.until_on,
            LedgerBalance.amount_minor != 0,
        )
    )
    post_payouts(session, _reservation(session, run, now, vat=False), source)


def reserve_vat(session: Session, run: PayoutRun, first: int, last: int, now: datetime) -> None:
    """Take the VAT of the same payouts to in flight, under ``vat-reserve:ID``; negative where documents took back more
    than they added.
    """
    source = select(
        Payout.id.label("payout_id"),
        Payout.referrer_id,
        literal(run.until_on).label("available_on"),
        Payout.vat_minor.label("amount_minor"),
    ).where(Payout.run_id == run.id, Payout.referrer_id.between(first, last), Payout.vat_minor != 0)
    post_payouts(session, _reservation(session, run, now, vat=True), source)


def _reservation(session: Session, run: PayoutRun, now: datetime, *, vat: bool) -> PayoutPosting:
    return PayoutPosting(
        program_id=run.program_id,
        currency=run.currency,
        kind=TransactionKind.VAT_RESERVED if vat else TransactionKind.PAYOUT_RESERVED,
        debited=LedgerAccount.PAYABLE_VAT if vat else LedgerAccount.PAYABLE,
        credited=LedgerAccount.IN_FLIGHT,
        key_prefix="vat-reserve:" if vat else "payout-reserve:",
        effective_on=local_day(now, session.get_one(Program, run.program_id).timezone),
        posted_at=now,
        memo=run.name,
    )


class Moves:
    """Moves of locked payouts in one transaction: states change at once, the postings are
    written together.
    """

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._posted: list[tuple[Payout, PayoutMove]] = []

    def move(self, payout: Payout, move: PayoutMove) -> None:
        """Change the payout's state. Raises ``IllegalMove``."""
        payout.state, payout.changed_at = next_payout_status(payout.state, move), self._now
        if move in _POSTED:
            self._posted.append((payout, move))

    def post(self) -> None:
        """Write what the moves post, each once for ever under ``payout-MOVE:ID`` and ``vat-MOVE:ID``."""
        if not self._posted:
            return
        reserved = _reservations(self._session, [payout.id for payout, _ in self._posted])
        today = _days(self._session, {program_id for program_id, _ in reserved.values()}, self._now)
        postings = []
        for payout, move in self._posted:
            for prefix, reservation, posted in _PARTS:
                if (payout.id, reservation) not in reserved:
                    continue
                kind, debited, credited = posted[move]
                program_id, buckets = reserved[payout.id, reservation]
                postings.append(
                    Posting(
                        program_id=program_id,
                        currency=payout.currency,
                        kind=kind,
                        key=f"{prefix}-{move.value}:{payout.id}",
                        entries=_pairs(payout, buckets, debited, credited),
                        effective_on=_booked_on(payout, move) or today[program_id],
                    )
                )
        post_many(self._session, postings, posted_at=self._now)
        self._posted.clear()


def move_payouts(session: Session, payouts: Sequence[Payout], move: PayoutMove, now: datetime) -> None:
    """Move locked payouts the same way and post what that posts. Raises ``IllegalMove``."""
    moves = Moves(session, now)
    for payout in payouts:
        moves.move(payout, move)
    moves.post()


def move_unposted(
    session: Session, run_id: int, state: PayoutState, move: PayoutMove, *, limit: int, now: datetime
) -> int:
    """Move a run's next payouts in ``state`` by a move that posts nothing; how many there were.

    They are locked by id like everywhere. Their referrers are not: no money moves, and what is waited for here is
    held by nobody who waits for a referrer.
    """
    if move in _POSTED:
        raise ValueError(move)
    after = next_payout_status(state, move)
    chosen = session.scalars(
        select(Payout.id)
        .where(Payout.run_id == run_id, Payout.state == state)
        .order_by(Payout.id)
        .limit(limit)
        .with_for_update()
    ).all()
    if chosen:
        statement = update(Payout).where(Payout.id.in_(chosen), Payout.state == state)
        session.execute(
            statement.values(state=after, changed_at=now), execution_options={"synchronize_session": False}
        )
    return len(chosen)


def _pairs(
    payout: Payout, buckets: Iterable[tuple[date, int]], debited: LedgerAccount, credited: LedgerAccount
) -> tuple[Entry, ...]:
    """A debit and a credit for each date, so that late runs and returns find every date as it was."""
    return tuple(
        Entry(account, sign * amount, on, referrer_id=payout.referrer_id, payout_id=payout.id)
        for on, amount in buckets
        for account, sign in ((debited, 1), (credited, -1))
    )


def _booked_on(payout: Payout, move: PayoutMove) -> date | None:
    """The bank's own booking date, of a move that has one."""
    if move is PayoutMove.BOOK:
        return payout.paid_on
    return payout.returned_on if move is PayoutMove.RETURN else None


def _days(session: Session, program_ids: Collection[int], now: datetime) -> dict[int, date]:
    """The calendar day that ``now`` is in each programme."""
    zones = session.execute(select(Program.id, Program.timezone).where(Program.id.in_(program_ids)))
    return {program_id: local_day(now, zone) for program_id, zone in zones}


def _reservations(
    session: Session, payout_ids: Sequence[int]
) -> Mapping[tuple[int, TransactionKind], tuple[int, list[tuple[date, int]]]]:
    """For each payout, net and VAT apart, its programme and what was reserved for each date, from the journal."""
    rows = session.execute(
        select(
            LedgerEntry.payout_id,
            LedgerEntry.kind,
            LedgerEntry.program_id,
            LedgerEntry.available_on,
            LedgerEntry.amount_minor,
        )
        .where(
            LedgerEntry.payout_id.in_(payout_ids),
            LedgerEntry.kind.in_([reservation for _, reservation, _ in _PARTS]),
            LedgerEntry.account == LedgerAccount.IN_FLIGHT,
        )
        .order_by(LedgerEntry.id)
    )
    found: dict[tuple[int, TransactionKind], tuple[int, list[tuple[date, int]]]] = {}
    for payout_id, kind, program_id, on, amount in rows:
        if payout_id is not None:
            found.setdefault((payout_id, kind), (program_id, []))[1].append((on, -amount))
    return found
