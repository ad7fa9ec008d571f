"""Which performance tier an order reached, and why, in sentences for its referrer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.i18n import _, ngettext
from app.dashboard.presenters import rate_words
from app.referrals.rate_parts import steps_of
from app.referrals.words import TierBasis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from app.referrals.domain.rates import Rate
    from app.referrals.models import RateVersion
    from app.referrals.tiers import Numbered


def tier_sentences(
    rate: RateVersion | Rate, tier: Numbered, tier_from: int | None, currency: str, paid_on: date
) -> Iterator[str]:
    """How many customers had paid, whether this order is among them, and which tier that is."""
    yield _counted(tier, paid_on)
    if not tier.counted:
        yield _("This order itself does not count: it is under review, or was rejected.")
    if tier_from is not None:
        reached = rate_words.rate(rate, currency, tier_from)
        number = formatting.number(tier_from)
        yield _(
            "So the tier from customer number %(number)s on holds: %(rate)s.", number=number, rate=reached
        )
        return
    first = steps_of(rate)[0].from_customers
    yield _(
        "A tier begins at customer number %(number)s: %(rate)s. Below it the rate is %(base)s.",
        number=formatting.number(first),
        rate=rate_words.rate(rate, currency, first),
        base=rate_words.rate(rate, currency),
    )


def _counted(tier: Numbered, paid_on: date) -> str:
    """How many had paid; where the order counts, it is one of them."""
    month = formatting.month(paid_on)
    match tier.counted, tier.basis:
        case True, TierBasis.TOTAL:
            return ngettext(
                "Up to and including this order %(num)s of your customers had paid.",
                "Up to and including this order %(num)s of your customers had paid.",
                tier.number,
            )
        case True, _:
            return ngettext(
                "Up to and including this order %(num)s of your customers had paid in %(month)s.",
                "Up to and including this order %(num)s of your customers had paid in %(month)s.",
                tier.number,
                month=month,
            )
        case False, TierBasis.TOTAL:
            return ngettext(
                "Before this order %(num)s of your customers had paid.",
                "Before this order %(num)s of your customers had paid.",
                tier.number,
            )
        case _:
            return ngettext(
                "Before this order %(num)s of your customers had paid in %(month)s.",
                "Before this order %(num)s of your customers had paid in %(month)s.",
                tier.number,
                month=month,
            )
