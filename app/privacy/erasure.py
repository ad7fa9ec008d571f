"""Erasure of a referrer: the person goes, the amounts stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, update

from app.directory.forgetting import forget_partner
from app.identity.audit import Actor, record_event
from app.identity.models import EmailChange, User, UserSession
from app.identity.roles import Role
from app.identity.second_factor import forget_factors
from app.kernel import ids
from app.kernel.clock import local_day
from app.kernel.db import table_of
from app.kernel.errors import Conflict
from app.kernel.money import Money
from app.ledger.balances import balance
from app.payouts.documents.sources import vat_balances
from app.payouts.domain.vat import TaxStatus
from app.payouts.models import Payout, PayoutDestination, TaxProfile, VatCheck
from app.referrals.contests import clear_words
from app.referrals.locks import own_referrer
from app.referrals.models import Contest, Link, Program, Referrer, ReferrerNetwork, ReferrerStatus, TeamMember
from app.referrals.team import forget_team

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.privacy.house import House

RETURNS_DAYS: Final = 14
"""How long after a payout its bank may still send it back to an account that we then no longer know."""

NOBODY: Final = "\u2013"
"""Stands where a name was."""

_MASKED: Final = "****"


class Reason(StrEnum):
    """Why a referrer cannot be erased yet."""

    TAKES_PART = "takes_part"
    """They have not left the programme."""
    PENDING = "pending"
    """A hold period runs."""
    AVAILABLE = "available"
    """Money is payable; or (negative) owed by them."""
    HELD = "held"
    """A commission is under review."""
    IN_FLIGHT = "in_flight"
    """A payout is on its way."""
    JUST_PAID = "just_paid"
    """The bank may still return the last payout."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands in the way: an amount in minor units, or the day until which to wait."""

    reason: Reason
    currency: str
    amount_minor: int = 0
    until: date | None = None

    def __str__(self) -> str:
        """In English, for the command line and the API."""
        amount = f"{Money(self.amount_minor, self.currency).decimal_string()} {self.currency}"
        match self.reason:
            case Reason.TAKES_PART:
                return "they still take part: let them leave first"
            case Reason.PENDING:
                return f"{amount} is pending until its hold period ends"
            case Reason.AVAILABLE:
                return (
                    f"{amount} is payable" if self.amount_minor > 0 else f"{amount} is owed to the programme"
                )
            case Reason.HELD:
                return f"{amount} is under review"
            case Reason.IN_FLIGHT:
                return f"{amount} is on its way to the bank account"
            case Reason.JUST_PAID:
                return f"the bank may return the last payout until {self.until}"


class ErasureRefused(Conflict):
    """The referrer cannot be erased yet."""

    title = "Not yet"

    def __init__(self, code: str, obstacle: Obstacle) -> None:
        super().__init__(f"referrer {code!r} cannot be erased: {obstacle}")
        self.obstacle = obstacle


def obstacle_to_erasing(session: Session, referrer: Referrer, now: datetime) -> Obstacle | None:
    """The first thing that stands in the way; ``None`` where the referrer can be erased."""
    program = session.get_one(Program, referrer.program_id)
    currency, today = program.currency, local_day(now, program.timezone)
    if referrer.status is not ReferrerStatus.LEFT:
        return Obstacle(Reason.TAKES_PART, currency)
    money = balance(session, referrer_id=referrer.id, currency=currency, today=today)
    for reason, amount in (
        (Reason.IN_FLIGHT, money.in_flight),
        (Reason.HELD, money.held),
        (Reason.PENDING, money.pending),
        (Reason.AVAILABLE, money.available or vat_balances(session, [referrer.id]).get(referrer.id, 0)),
    ):
        if amount:
            return Obstacle(reason, currency, amount)
    wanted = select(Payout.paid_on).where(Payout.referrer_id == referrer.id, Payout.paid_on.is_not(None))
    last = session.scalar(wanted.order_by(Payout.paid_on.desc()).limit(1))
    if last is not None and today < last + timedelta(days=RETURNS_DAYS):
        return Obstacle(Reason.JUST_PAID, currency, until=last + timedelta(days=RETURNS_DAYS))
    return None


def erase_referrer(
    house: House, session: Session, referrer: Referrer, *, actor: Actor, now: datetime
) -> None:
    """Remove name, address, bank accounts, links, mails and the words of contests of a referrer who left and has
    nothing coming.

    The code stays as the pseudonym under which the books, decisions and the sealed trail know them; so do amounts,
    payouts and the files that went to the bank. The team goes with them; whose account is needed nowhere else, theirs
    goes too. Erasing again changes nothing. Raises :class:`ErasureRefused`.
    """
    # The race: an order of this moment earns something, or a run reserves it, for somebody whom we then cannot pay.
    referrer = own_referrer(session, referrer.id)
    if referrer.erased_at is not None:
        return
    obstacle = obstacle_to_erasing(session, referrer, now)
    if obstacle is not None:
        raise ErasureRefused(referrer.code, obstacle)
    user = session.get(User, referrer.user_id) if referrer.user_id else None
    house.mail.forget_recipient(session, {referrer.email})
    _forget_accounts(session, referrer.id)
    _forget_tax_details(session, referrer.id)
    clear_words(session, Contest.referrer_id == referrer.id)
    forget_partner(session, referrer.id)
    for model in (Link, ReferrerNetwork):
        session.execute(delete(model).where(model.referrer_id == referrer.id))
    referrer.name, referrer.email = NOBODY, _no_address(referrer.code)
    # Unique, and equal to nobody's: the person may join again as somebody new.
    referrer.email_key = f"erased:{ids.random_id('', 26)}"
    referrer.user_id, referrer.erased_at = None, now
    team = forget_team(session, referrer.id)
    session.flush()
    for person in [*([user] if user else []), *team]:
        if _is_nowhere_else(session, person):
            _forget_user(house, session, person, now)
    subject = f"referrer:{referrer.code}"
    record_event(session, actor, "referrer.erased", subject, now=now, program_id=referrer.program_id)


def _forget_accounts(session: Session, referrer_id: int) -> None:
    """The versions stay for the payouts that name them; nobody can tell any more which accounts they were."""
    rows = session.scalars(select(PayoutDestination).where(PayoutDestination.referrer_id == referrer_id))
    for row in rows:
        row.holder, row.last4 = NOBODY, _MASKED
        row.iban_sealed, row.iban_key = b"", f"erased:{row.public_id}"
        row.bic = row.street = row.building = row.postcode = row.town = row.address_country = None


def _forget_tax_details(session: Session, referrer_id: int) -> None:
    """The versions stay, as nobody's. What stands in documents stays there: they are kept as books are."""
    for row in session.scalars(select(TaxProfile).where(TaxProfile.referrer_id == referrer_id)):
        row.status, row.legal_name = TaxStatus.PRIVATE, NOBODY
        row.street = row.postcode = row.town = ""
        row.vat_id = row.tax_number = row.small_business_id = None
    session.execute(delete(VatCheck).where(VatCheck.referrer_id == referrer_id))


def _is_nowhere_else(session: Session, user: User) -> bool:
    others = select(Referrer.id).where(Referrer.user_id == user.id)
    teams = select(TeamMember.id).where(TeamMember.user_id == user.id)
    return user.role is Role.REFERRER and session.scalar(others.union_all(teams).limit(1)) is None


def _forget_user(house: House, session: Session, user: User, now: datetime) -> None:
    house.mail.forget_recipient(session, {user.email})
    forget_factors(session, user.id)
    session.execute(delete(EmailChange).where(EmailChange.user_id == user.id))
    session.execute(delete(table_of(UserSession)).where(table_of(UserSession).c.user_id == user.id))
    session.execute(
        update(table_of(User))
        .where(table_of(User).c.id == user.id)
        .values(
            email=_no_address(user.public_id),
            name=NOBODY,
            password_hash=None,
            email_verified_at=None,
            second_factor_at=None,
            disabled_at=now,
        )
    )
    session.expire(user)


def _no_address(of: str) -> str:
    """No mail can reach it (RFC 2606), and no two are equal."""
    return f"erased+{of}@erased.invalid"
