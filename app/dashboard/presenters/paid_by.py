"""Which payout took a commission along, and in one sentence what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.dashboard import formatting
from app.dashboard.i18n import _
from app.payouts.domain.state import PayoutState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from app.payouts.models import Payout, PayoutRun
    from app.referrals.models import Commission

_GONE: Final = frozenset({PayoutState.REJECTED, PayoutState.RETURNED, PayoutState.CANCELLED})


@dataclass(frozen=True, slots=True)
class PaidBy:
    """A payout of the referrer with its run, oldest first in lists of them."""

    payout: Payout
    run: PayoutRun


@dataclass(frozen=True, slots=True)
class Share:
    """One commission's money, in minor units, and when the ledger first knew of it."""

    earned: int
    target: int
    held: int
    rejected: bool
    capped: bool
    available_on: date
    posted_at: datetime | None

    @classmethod
    def of(cls, commission: Commission, posted_at: datetime | None) -> Share:
        """That of a commission's row."""
        return cls(
            commission.earned_minor,
            commission.target_minor,
            commission.held_minor,
            commission.rejected,
            commission.uncapped_minor is not None,
            commission.available_on,
            posted_at,
        )

    def taken_by(self, payouts: Sequence[PaidBy]) -> list[PaidBy]:
        """The payouts that took it along, up to the first one that stands.

        A reservation takes all matured money at once, so the dates decide (docs/ledger.md).
        """
        taken: list[PaidBy] = []
        for paid in payouts:
            covers = self.posted_at is not None and self.posted_at <= paid.payout.created_at
            if covers and self.available_on <= paid.run.until_on:
                taken.append(paid)
                if paid.payout.state not in _GONE:
                    break
        return taken

    def paid_with(self, payouts: Sequence[PaidBy]) -> PaidBy | None:
        """The payout that took it along and stands."""
        taken = self.taken_by(payouts)
        return taken[-1] if taken and taken[-1].payout.state not in _GONE else None


def verdict(shares: Sequence[Share], payouts: Sequence[PaidBy], currency: str, today: date) -> str:
    """What the reader receives for these commissions of one order, and when: one sentence."""
    left = [share for share in shares if share.target and not share.rejected]
    held = sum(share.target for share in left if share.held)
    if held:
        amount = formatting.amount(held, currency)
        return _("%(amount)s waits while someone checks this order.", amount=amount)
    amount = formatting.amount(sum(share.target for share in left), currency)
    if not left:
        return _nothing(shares)
    took = [share.paid_with(payouts) for share in left]
    paid = [each for each in took if each is not None]
    booked = [each.payout.paid_on for each in paid if each.payout.state is PayoutState.PAID]
    days = [on for on in booked if on is not None]
    if len(days) == len(left):
        return _("You received %(amount)s on %(day)s.", amount=amount, day=formatting.day(max(days)))
    if len(paid) == len(left):
        return _("%(amount)s is on its way to your bank account.", amount=amount)
    matures = max(share.available_on for share in left)
    if matures > today:
        return _(
            "You receive %(amount)s with the first payout after %(day)s.",
            amount=amount,
            day=formatting.day(matures),
        )
    return _("%(amount)s is available and comes with the next payout.", amount=amount)


def _nothing(shares: Sequence[Share]) -> str:
    if not shares:
        return _("You receive nothing for this order: no product in it earns a commission.")
    if any(share.rejected for share in shares):
        return _("You receive nothing for this order: after a check it was rejected.")
    if all(share.capped and not share.earned for share in shares):
        return _("You receive nothing for this: the most that the programme pays was reached before.")
    return _("You receive nothing for this order: the customer got the money back.")
