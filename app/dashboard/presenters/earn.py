"""What each product earns: the rate, for how long, and an example in money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.dashboard import formatting
from app.dashboard.components import Rate
from app.dashboard.i18n import _
from app.dashboard.presenters import rate_words
from app.kernel.money import Money, exponent, percent_of
from app.referrals.words import Duration, RateKind

if TYPE_CHECKING:
    from app.referrals.domain.rates import Rate as Terms
    from app.referrals.models import Product
    from app.referrals.queries.programs_shown import ShownProgram

_EXAMPLE: Final = 100
"""The order of the example, in whole units of the currency."""


def rates(shown: ShownProgram) -> tuple[Rate, ...]:
    """What each product pays; products that do not participate are named at the end."""
    currency = shown.program.currency
    rows = [_row(product.name, rate, currency) for product, rate in sorted(shown.rates, key=_pays_nothing)]
    if shown.everything_else is not None:
        label = _("Every other product") if rows else _("Every product")
        rows.append(_row(label, shown.everything_else, currency))
    if shown.bonus is not None:
        bonus = rate_words.rate(shown.bonus, currency)
        rows.append(Rate(_("Sign-up bonus"), bonus, rate_words.bonus_terms(shown.bonus)))
    return tuple(rows)


def _pays_nothing(item: tuple[Product, Terms | None]) -> bool:
    """Sorts what does not participate behind the rest."""
    return item[1] is None or item[1].kind is RateKind.NONE


def _row(name: str, rate: Terms | None, currency: str) -> Rate:
    return Rate(
        name,
        rate_words.rate(rate, currency),
        rate_words.rate_terms(rate, currency),
        example(rate, currency) if rate else "",
    )


def example(rate: Terms, currency: str) -> str:
    """What one order brings: "10.00 on an order of 100.00". Empty where the rate says all."""
    if rate.kind is not RateKind.PERCENT:
        return ""
    order = Money(_EXAMPLE * 10 ** exponent(currency), currency)
    caps = [cap for cap in (rate.cap_order_minor, rate.cap_customer_minor) if cap is not None]
    earned = min([percent_of(order, rate.amount).minor, *caps])
    values = {
        "order": formatting.amount(order.minor, currency),
        "amount": formatting.amount(earned, currency),
    }
    match rate.duration:
        case Duration.FIRST_ORDER:
            return _("%(amount)s on a first order of %(order)s", **values)
        case _:
            return _("%(amount)s on an order of %(order)s", **values)
