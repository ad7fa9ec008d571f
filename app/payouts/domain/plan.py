"""Who is paid what, and why not the others: one referrer at a time, from what is payable at the period's
end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from app.payouts.words import OmissionReason

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class Reach:
    """What a way of paying can do. ``countries`` is ``None`` where every country is reached."""

    largest_minor: int
    countries: frozenset[str] | None = None
    without_address: frozenset[str] | None = None
    """Countries that need no structured address; ``None`` where none does."""


@dataclass(frozen=True, slots=True)
class Account:
    """The bank account on file that would be paid to: the latest version."""

    destination_id: int
    country: str
    usable_on: date
    """First day (inclusive) on which it may be used."""
    blocked: bool
    has_address: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """One referrer of the programme."""

    referrer_id: int
    available_minor: int
    """What is payable at the period's end, over all dates; negative after clawbacks. Without VAT."""
    suspended: bool
    account: Account | None
    left: bool = False
    """They left the programme."""
    vat_minor: int = 0
    """VAT of self-billing documents that a payout would take along; negative after corrections."""

    @property
    def amount_minor(self) -> int:
        """What would be transferred."""
        return self.available_minor + self.vat_minor


@dataclass(frozen=True, slots=True)
class PlannedPayout:
    """Pay all of it: ``amount_minor`` > 0, of which ``vat_minor`` is VAT."""

    referrer_id: int
    destination_id: int
    amount_minor: int
    vat_minor: int = 0


@dataclass(frozen=True, slots=True)
class PlannedOmission:
    """Leave the referrer out; the money carries forward."""

    referrer_id: int
    available_minor: int
    reason: OmissionReason


Planned: TypeAlias = PlannedPayout | PlannedOmission


@dataclass(frozen=True, slots=True)
class Minimum:
    """The least that is paid out (inclusive; 0 is valid), and whether it holds for who left, too.

    It is compared with the net, and with VAT only where nothing else is left to pay.
    """

    minor: int
    for_leavers: bool = True

    def keeps_back(self, candidate: Candidate) -> bool:
        """Whether this is too little to be paid out."""
        applies = self.for_leavers or not candidate.left
        return applies and (candidate.available_minor or candidate.vat_minor) < self.minor


def plan_payout(candidate: Candidate, *, minimum: Minimum, today: date, reach: Reach) -> Planned | None:
    """The payout or the omission of one referrer; ``None`` where nothing is available at all.

    ``today`` is the day of the run in the programme's time zone.
    """
    net, amount = candidate.available_minor, candidate.amount_minor
    if net == candidate.vat_minor == 0:
        return None
    reason = why_not(candidate, minimum=minimum, today=today, reach=reach)
    if reason is not None or candidate.account is None:
        return PlannedOmission(candidate.referrer_id, net, reason or OmissionReason.NO_BANK_ACCOUNT)
    return PlannedPayout(candidate.referrer_id, candidate.account.destination_id, amount, candidate.vat_minor)


def why_not(candidate: Candidate, *, minimum: Minimum, today: date, reach: Reach) -> OmissionReason | None:
    """The first reason that keeps a referrer out of a run, from what they owe to how they are reached."""
    amount = candidate.amount_minor
    if candidate.available_minor < 0 or amount < 0 or (amount == 0 and candidate.vat_minor):
        return OmissionReason.NEGATIVE
    if candidate.suspended:
        return OmissionReason.SUSPENDED
    if minimum.keeps_back(candidate):
        return OmissionReason.BELOW_MINIMUM
    if candidate.account is None:
        return OmissionReason.NO_BANK_ACCOUNT
    return _account_objection(candidate.account, today, reach) or (
        OmissionReason.TOO_LARGE if amount > reach.largest_minor else None
    )


def _account_objection(account: Account, today: date, reach: Reach) -> OmissionReason | None:
    if account.blocked:
        return OmissionReason.ACCOUNT_BLOCKED
    if today < account.usable_on:
        return OmissionReason.ACCOUNT_NOT_YET_USABLE
    if reach.countries is not None and account.country not in reach.countries:
        return OmissionReason.NOT_REACHABLE
    needs_address = reach.without_address is not None and account.country not in reach.without_address
    if needs_address and not account.has_address:
        return OmissionReason.ADDRESS_MISSING
    return None
