"""What a referrer owes after clawbacks: it carries forward and is netted by the next earnings, or staff forgive it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from app.identity.audit import record_event
from app.kernel import ids
from app.kernel.clock import local_day
from app.kernel.errors import InvalidInput
from app.kernel.money import Money
from app.ledger.journal import Entry, Posting, post, write_balances
from app.ledger.models import Figure, LedgerAccount, LedgerBalance, TransactionKind
from app.payouts.errors import NoDebt, WriteOffTooLarge
from app.referrals.locks import own_referrer

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.referrals.models import Program, Referrer

_LONGEST: Final = 500


def debt_of(session: Session, referrer_id: int, today: date) -> int:
    """What the referrer owes on ``today``, in minor units: as far as the matured payable money is below zero."""
    write_balances(session)
    matured = session.scalars(
        select(func.coalesce(func.sum(LedgerBalance.amount_minor), 0)).where(
            LedgerBalance.referrer_id == referrer_id,
            LedgerBalance.figure == Figure.PAYABLE,
            LedgerBalance.available_on <= today,
        )
    ).one()
    return max(0, -int(matured))


def write_off(
    session: Session,
    program: Program,
    referrer: Referrer,
    amount_minor: int | None,
    reason: str,
    *,
    by: Actor,
    now: datetime,
) -> int:
    """Forgive a referrer ``amount_minor`` of their debt, or all of it (``None``); what was forgiven.

    It is an expense of today: commission expense to payable. Raises :class:`NoDebt`, :class:`WriteOffTooLarge`,
    ``InvalidInput`` for an amount of nothing or a missing reason.
    """
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= _LONGEST:
        raise InvalidInput(f"reason: expected 1 to {_LONGEST} characters", pointer="/reason")
    # The race: two people forgive the same debt, or one does while an order nets it. Each would forgive what is no
    # longer owed, and the rest would be paid out.
    own_referrer(session, referrer.id)
    today = local_day(now, program.timezone)
    debt = debt_of(session, referrer.id, today)
    if not debt:
        raise NoDebt(referrer.code)
    amount = debt if amount_minor is None else amount_minor
    if amount <= 0:
        raise InvalidInput("amount: expected more than 0", pointer="/amount")
    if amount > debt:
        raise WriteOffTooLarge(
            referrer.code, f"{Money(debt, program.currency).decimal_string()} {program.currency}"
        )
    post(session, _posting(program, referrer, amount, today), posted_at=now)
    facts = {"amount_minor": amount, "debt_minor": debt, "reason": reason}
    subject = f"referrer:{referrer.code}"
    record_event(session, by, "debt.written_off", subject, facts, now=now, program_id=program.id)
    return amount


def _posting(program: Program, referrer: Referrer, amount: int, today: date) -> Posting:
    return Posting(
        program_id=program.id,
        currency=program.currency,
        kind=TransactionKind.WRITE_OFF,
        key=f"write-off:{ids.random_id('')}",
        effective_on=today,
        entries=(
            Entry(LedgerAccount.COMMISSION_EXPENSE, amount, today, referrer_id=referrer.id),
            Entry(LedgerAccount.PAYABLE, -amount, today, referrer_id=referrer.id),
        ),
    )
