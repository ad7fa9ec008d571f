"""When money comes, and how much: the sentence at the top of the referrer's home. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.kernel.target_days import target_day_from
from app.payouts.domain.calendar import Period

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from app.ledger.balances import Bucket

_HORIZON: Final = 36
"""Months to look ahead; money with a later date is only called pending."""


@dataclass(frozen=True, slots=True)
class NextPayout:
    """What the next run that pays something brings: minor units, the month it pays for, the bank's day."""

    amount_minor: int
    period: Period
    on: date


@dataclass(frozen=True, slots=True)
class Calendar:
    """When the programme pays. ``first_period`` is the earliest month that no run has paid yet."""

    payout_day: int
    first_period: Period
    today: date

    def runs_on(self, period: Period) -> date:
        """A run for a month happens on the payout day of the month after, or today if that day has passed."""
        return max(period.next().payout_day(self.payout_day), self.today)

    def bank_day(self, available_on: date) -> date:
        """The TARGET day on which the bank books what becomes payable on a day."""
        return target_day_from(self.runs_on(max(Period.of(available_on), self.first_period)))


def next_payout(
    buckets: Sequence[Bucket], calendar: Calendar, *, minimum_minor: int, usable_on: date | None = None
) -> NextPayout | None:
    """The first monthly run that reaches the minimum with what is known today; ``None`` if none does.

    A bank account that rests until ``usable_on`` is passed over by earlier runs.
    """
    period = calendar.first_period
    for _ in range(_HORIZON):
        due = sum(bucket.amount_minor for bucket in buckets if bucket.available_on <= period.last_day)
        on = calendar.runs_on(period)
        rests = usable_on is not None and on < usable_on
        if due > 0 and due >= minimum_minor and not rests:
            return NextPayout(due, period, target_day_from(on))
        if not rests and all(bucket.available_on <= period.last_day for bucket in buckets):
            return None
        period = period.next()
    return None


def first_open_period(today: date, payout_day: int, last_run: str | None) -> Period:
    """The earliest month that the next run pays for, given the latest month that has a run ("2026-10")."""
    previous = Period.of(today).previous()
    candidate = previous if today <= Period.of(today).payout_day(payout_day) else Period.of(today)
    if last_run is None:
        return candidate
    return max(candidate, Period.parse(last_run).next())
