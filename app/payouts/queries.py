"""What pages, the API and the use cases read. Nothing here changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from app.kernel.clock import local_day
from app.kernel.target_days import target_day_from
from app.ledger.balances import referrer_buckets
from app.ledger.models import LedgerAccount, LedgerEntry, TransactionKind
from app.payouts.domain.calendar import Period
from app.payouts.domain.plan import Account, Candidate, Minimum, why_not
from app.payouts.domain.state import WITH_THE_BANK
from app.payouts.errors import NoSuchPayout
from app.payouts.models import BankEvent, BankFile, Payout, PayoutDestination, PayoutRun
from app.payouts.rails import rail_named
from app.payouts.words import BankEventState, BankFileState, OmissionReason
from app.referrals.models import Merger, Program, Referrer, ReferrerStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.referrals.models import Commission


def current_destination(session: Session, referrer_id: int) -> PayoutDestination | None:
    """The bank account on file: the latest version."""
    return session.scalar(
        select(PayoutDestination)
        .where(PayoutDestination.referrer_id == referrer_id)
        .order_by(PayoutDestination.version.desc())
        .limit(1)
    )


def accounts_on_file(session: Session, referrer_ids: Sequence[int]) -> Mapping[int, Account]:
    """What a plan needs to know of the bank accounts on file of several referrers, without their rows."""
    newer = aliased(PayoutDestination)
    rows = session.execute(
        select(
            PayoutDestination.referrer_id,
            PayoutDestination.id,
            PayoutDestination.country,
            PayoutDestination.usable_on,
            PayoutDestination.blocked_at.is_not(None),
            func.coalesce(PayoutDestination.town, "") != "",
            func.coalesce(PayoutDestination.address_country, "") != "",
        ).where(
            PayoutDestination.referrer_id.in_(referrer_ids),
            ~select(newer.id)
            .where(
                newer.referrer_id == PayoutDestination.referrer_id,
                newer.version > PayoutDestination.version,
            )
            .exists(),
        )
    )
    return {
        referrer_id: Account(number, country, usable_on, blocked, has_address=town and address_country)
        for referrer_id, number, country, usable_on, blocked, town, address_country in rows
    }


def codes_with_account(session: Session, program_id: int, iban_key: str, *, besides: int) -> Sequence[str]:
    """The codes of the programme's other referrers who have this bank account on file now, at most ten."""
    newer = aliased(PayoutDestination)
    return session.scalars(
        select(Referrer.code)
        .join(PayoutDestination, PayoutDestination.referrer_id == Referrer.id)
        .where(
            PayoutDestination.iban_key == iban_key,
            Referrer.program_id == program_id,
            Referrer.id != besides,
            ~select(newer.id)
            .where(
                newer.referrer_id == PayoutDestination.referrer_id,
                newer.version > PayoutDestination.version,
            )
            .exists(),
        )
        .order_by(Referrer.code)
        .limit(10)
    ).all()


def referrer_iban_keys(session: Session, referrer_id: int) -> frozenset[str]:
    """The fingerprints of every bank account that a referrer, or who was merged into it, has or had on file."""
    merged = select(Merger.gone_id).where(Merger.survivor_id == referrer_id)
    own = (PayoutDestination.referrer_id == referrer_id) | PayoutDestination.referrer_id.in_(merged)
    return frozenset(session.scalars(select(PayoutDestination.iban_key).where(own)))


def run_by_name(session: Session, name: str) -> PayoutRun | None:
    """The run called ``PROGRAM:YYYY-MM:CUR:SEQ``."""
    return session.scalar(select(PayoutRun).where(PayoutRun.name == name))


def payout_to(session: Session, run: PayoutRun, code: str) -> Payout:
    """The payout of a run to the referrer of that code. Raises :class:`NoSuchPayout`."""
    payout = session.scalar(
        select(Payout)
        .join(Referrer, Referrer.id == Payout.referrer_id)
        .where(Payout.run_id == run.id, Referrer.code == code)
    )
    if payout is None:
        raise NoSuchPayout(run.name, code)
    return payout


def account_of(destination: PayoutDestination | None) -> Account | None:
    """What a plan needs to know of a bank account on file."""
    if destination is None:
        return None
    return Account(
        destination_id=destination.id,
        country=destination.country,
        usable_on=destination.usable_on,
        blocked=destination.blocked_at is not None,
        has_address=destination.has_structured_address,
    )


def payouts_of_commissions(
    session: Session, commissions: Sequence[Commission]
) -> Mapping[int, tuple[Payout, PayoutRun]]:
    """By commission id, the payout that has its money, with its run; absent where none (still) has.

    A reservation takes all matured money of a date at once: the first one after the commission was posted,
    and when that is given back, the first one after that.
    """
    posted = _posted_in(session, [commission.id for commission in commissions])
    wanted = (
        select(
            LedgerEntry.transaction_id,
            LedgerEntry.referrer_id,
            LedgerEntry.available_on,
            LedgerEntry.kind,
            Payout,
            PayoutRun,
        )
        .join(Payout, Payout.id == LedgerEntry.payout_id)
        .join(PayoutRun, PayoutRun.id == Payout.run_id)
        .where(
            LedgerEntry.account == LedgerAccount.PAYABLE,
            LedgerEntry.referrer_id.in_({commission.referrer_id for commission in commissions}),
            LedgerEntry.available_on.in_({commission.available_on for commission in commissions}),
        )
        .order_by(LedgerEntry.transaction_id)
    )
    movements = session.execute(wanted).all()
    found: dict[int, tuple[Payout, PayoutRun]] = {}
    for commission in commissions:
        for transaction_id, referrer_id, on, kind, payout, run in movements:
            if (referrer_id, on) != (commission.referrer_id, commission.available_on):
                continue
            holder = found.get(commission.id)
            if kind is not TransactionKind.PAYOUT_RESERVED:
                if holder is not None and holder[0].id == payout.id:
                    del found[commission.id]
            elif holder is None and transaction_id > posted.get(commission.id, transaction_id):
                found[commission.id] = (payout, run)
    return found


def _posted_in(session: Session, commission_ids: Sequence[int]) -> dict[int, int]:
    """The transaction that first posted each commission."""
    rows = session.execute(
        select(LedgerEntry.commission_id, func.min(LedgerEntry.transaction_id))
        .where(LedgerEntry.commission_id.in_(commission_ids))
        .group_by(LedgerEntry.commission_id)
    )
    return {commission_id: int(first) for commission_id, first in rows if commission_id is not None}


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the next monthly run would do for one referrer, with what is known now.

    ``amount_minor`` is paid (where ``reason`` is ``None``) or carried forward; ``later`` is what matures
    after the run's period, by date.
    """

    period: str
    runs_on: date
    arrives_on: date
    amount_minor: int
    reason: OmissionReason | None
    later: tuple[tuple[date, int], ...]


def least_paid(program: Program, referrer: Referrer) -> int:
    """The least that a run pays to this referrer, in minor units; below a cent there is nothing to pay."""
    if program.pays_leavers and referrer.status is ReferrerStatus.LEFT:
        return 1
    return max(program.minimum_payout_minor, 1)


def outlook(session: Session, referrer: Referrer, now: datetime) -> Outlook:
    """The next run for this referrer: when, how much, what waits and why."""
    program = session.get_one(Program, referrer.program_id)
    today = local_day(now, program.timezone)
    period = _next_period(session, program, today)
    runs_on = max(period.next().payout_day(program.payout_day), today)
    buckets = [
        (bucket.available_on, bucket.amount_minor)
        for bucket in referrer_buckets(session, referrer_id=referrer.id)
    ]
    due = tuple(bucket for bucket in buckets if bucket[0] <= period.last_day)
    candidate = Candidate(
        referrer_id=referrer.id,
        available_minor=sum(amount for _, amount in due),
        suspended=referrer.status is ReferrerStatus.SUSPENDED,
        account=account_of(current_destination(session, referrer.id)),
    )
    reason = why_not(
        candidate,
        minimum=Minimum(least_paid(program, referrer)),
        today=runs_on,
        reach=rail_named(program.rail).reach(),
    )
    return Outlook(
        period=str(period),
        runs_on=runs_on,
        arrives_on=target_day_from(runs_on),
        amount_minor=candidate.available_minor,
        reason=reason,
        later=tuple(bucket for bucket in buckets if bucket[0] > period.last_day),
    )


def _next_period(session: Session, program: Program, today: date) -> Period:
    """The earliest month that the next run pays for: last month, until its run has been frozen."""
    period = Period.of(today).previous()
    taken = session.scalars(
        select(PayoutRun.period).where(
            PayoutRun.program_id == program.id,
            PayoutRun.period >= str(period),
            PayoutRun.frozen_at.is_not(None),
        )
    ).all()
    return Period.parse(max(taken)).next() if taken else period


def feedback_waits(session: Session) -> bool:
    """Whether a stored bank file has not had its whole effect yet (an import died). For the sweeper."""
    left = (
        select(BankEvent.id).where(BankEvent.state == BankEventState.RECEIVED),
        select(BankEvent.id).where(waits_no_longer()),
        select(BankFile.id).where(BankFile.state == BankFileState.RECORDED),
    )
    return any(session.scalar(each.limit(1)) is not None for each in left)


def waits_no_longer() -> ColumnElement[bool]:
    """Whether a bank record is a return that waited for its debit, and the bank or a person has settled the payout."""
    settled = select(Payout.id).where(Payout.id == BankEvent.payout_id, Payout.state.not_in(WITH_THE_BANK))
    return and_(BankEvent.state == BankEventState.DEFERRED, settled.exists())
