"""What pages read of payouts: a referrer's own, bank accounts on file, runs with their rows. All by
indexes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, func, select

from app.payouts.models import (
    BankEvent,
    BankFile,
    Payout,
    PayoutApproval,
    PayoutDestination,
    PayoutFile,
    PayoutOmission,
    PayoutRun,
)
from app.payouts.words import BankEventState
from app.referrals.models import Program, Referrer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.payouts.domain.plan import Planned

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Standing:
    """The bank account on file and the latest month that has a run; either may be missing."""

    destination: PayoutDestination | None
    latest_period: str | None


def standing(session: Session, program_id: int, referrer_id: int) -> Standing:
    """What decides a referrer's next payout besides money. One query."""
    newest = (
        select(func.max(PayoutDestination.version))
        .where(PayoutDestination.referrer_id == referrer_id)
        .scalar_subquery()
    )
    # A draft has reserved nothing yet, so its month is still to come.
    period = (
        select(func.max(PayoutRun.period))
        .where(PayoutRun.program_id == program_id, PayoutRun.state.not_in(("draft", "cancelled")))
        .scalar_subquery()
    )
    row = session.execute(
        select(PayoutDestination, period)
        .select_from(Program)
        .outerjoin(
            PayoutDestination,
            and_(PayoutDestination.referrer_id == referrer_id, PayoutDestination.version == newest),
        )
        .where(Program.id == program_id)
    ).one()
    return Standing(*row)


def payouts_of_referrer(
    session: Session, referrer_id: int, *, before: int = 0, only: int | None = None, limit: int = PAGE
) -> list[tuple[Payout, PayoutRun]]:
    """A referrer's payouts with their runs, newest first; before the cursor, or ``only`` the one of that
    id.
    """
    wanted = (
        select(Payout, PayoutRun)
        .join(PayoutRun, PayoutRun.id == Payout.run_id)
        .where(Payout.referrer_id == referrer_id)
        .order_by(Payout.id.desc())
        .limit(limit)
    )
    if only is not None:
        wanted = wanted.where(Payout.id == only)
    if before:
        wanted = wanted.where(Payout.id < before)
    return list(session.execute(wanted))


def runs_of(session: Session, program_id: int, *, before: int = 0, limit: int = PAGE) -> list[PayoutRun]:
    """A programme's runs, newest first."""
    wanted = (
        select(PayoutRun).where(PayoutRun.program_id == program_id).order_by(PayoutRun.id.desc()).limit(limit)
    )
    return list(session.scalars(wanted.where(PayoutRun.id < before) if before else wanted))


def payouts_of_run(
    session: Session, run_id: int, *, after: int = 0, limit: int = PAGE
) -> list[tuple[Payout, Referrer, PayoutDestination]]:
    """A run's payouts with whom and where they go, in the order in which they were reserved."""
    wanted = (
        select(Payout, Referrer, PayoutDestination)
        .join(Referrer, Referrer.id == Payout.referrer_id)
        .join(PayoutDestination, PayoutDestination.id == Payout.destination_id)
        .where(Payout.run_id == run_id, Payout.id > after)
        .order_by(Payout.id)
        .limit(limit)
    )
    return list(session.execute(wanted))


def payout_of_run(
    session: Session, run_id: int, payout_id: int
) -> tuple[Payout, Referrer, PayoutDestination] | None:
    """One payout of a run with whom and where it goes."""
    found = payouts_of_run(session, run_id, after=payout_id - 1, limit=1)
    return found[0] if found and found[0][0].id == payout_id else None


def shared_accounts(
    session: Session, run_id: int, rows: Sequence[tuple[Payout, Referrer, PayoutDestination]]
) -> dict[str, list[str]]:
    """By fingerprint, the codes of all whom a run pays to that account. One query."""
    keys = {destination.iban_key for _, _, destination in rows}
    found: dict[str, list[str]] = {}
    wanted = (
        select(PayoutDestination.iban_key, Referrer.code)
        .join(Payout, Payout.destination_id == PayoutDestination.id)
        .join(Referrer, Referrer.id == Payout.referrer_id)
        .where(Payout.run_id == run_id, PayoutDestination.iban_key.in_(keys))
        .order_by(Referrer.code)
    )
    for key, code in session.execute(wanted):
        found.setdefault(key, []).append(code)
    return found


def omissions_of_run(
    session: Session, run_id: int, limit: int = 200
) -> list[tuple[PayoutOmission, Referrer]]:
    """Whom a run left out, by referrer."""
    wanted = (
        select(PayoutOmission, Referrer)
        .join(Referrer, Referrer.id == PayoutOmission.referrer_id)
        .where(PayoutOmission.run_id == run_id)
        .order_by(PayoutOmission.referrer_id)
        .limit(limit)
    )
    return list(session.execute(wanted))


def referrers_by_id(session: Session, planned: Sequence[Planned]) -> dict[int, Referrer]:
    """The referrers that a preview names."""
    wanted = select(Referrer).where(Referrer.id.in_([plan.referrer_id for plan in planned]))
    return {referrer.id: referrer for referrer in session.scalars(wanted)}


def files_of_run(session: Session, run_id: int) -> list[PayoutFile]:
    """A run's files without their bytes, in order."""
    return list(
        session.scalars(select(PayoutFile).where(PayoutFile.run_id == run_id).order_by(PayoutFile.sequence))
    )


def approvals_of_run(session: Session, run_id: int) -> list[PayoutApproval]:
    """Every signature under a run, the void ones too."""
    return list(
        session.scalars(
            select(PayoutApproval).where(PayoutApproval.run_id == run_id).order_by(PayoutApproval.id)
        )
    )


def bank_files(session: Session, *, before: int = 0, limit: int = PAGE) -> list[BankFile]:
    """The files from the bank, newest first."""
    wanted = select(BankFile).order_by(BankFile.id.desc()).limit(limit)
    return list(session.scalars(wanted.where(BankFile.id < before) if before else wanted))


def exceptions(session: Session, *, after: int = 0, limit: int = PAGE) -> list[BankEvent]:
    """Records of the bank that a person has to look at, oldest first."""
    wanted = (
        select(BankEvent)
        .where(BankEvent.state == BankEventState.EXCEPTION, BankEvent.id > after)
        .order_by(BankEvent.id)
        .limit(limit)
    )
    return list(session.scalars(wanted))


def destinations_of(session: Session, referrer_id: int) -> Sequence[PayoutDestination]:
    """Every bank account that a referrer ever had on file, newest first."""
    wanted = select(PayoutDestination).where(PayoutDestination.referrer_id == referrer_id)
    return session.scalars(wanted.order_by(PayoutDestination.version.desc()).limit(20)).all()
