"""Commission rates in the reader's language: what one pays, of what, for how long, up to what and with which tiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.i18n import _, ngettext
from app.referrals.rate_parts import amount_at, steps_of
from app.referrals.words import Duration, LineKind, RateKind, TierBasis

if TYPE_CHECKING:
    from app.referrals.domain.rates import Rate
    from app.referrals.models import RateVersion


def rate(version: Rate | RateVersion | None, currency: str, tier_from: int | None = None) -> str:
    """What a rate version pays: "10 %", "5.00 EUR each", "nothing"; at a performance tier, that tier's."""
    if version is None:
        return _("nothing")
    match version.kind:
        case RateKind.PERCENT:
            return formatting.percent(amount_at(version, tier_from))
        case RateKind.FLAT:
            return formatting.amount(amount_at(version, tier_from), currency)
        case RateKind.NONE:
            return _("nothing")
        case RateKind.STANDARD:
            return _("as for everybody")


def rate_terms(version: Rate | RateVersion | None, currency: str) -> str:
    """Of what, for how long, up to what and with which tiers: "of the paid amount, for 12 months"."""
    if version is None or version.kind is RateKind.NONE:
        return _("does not participate")
    if version.kind is RateKind.STANDARD:
        return _("from then on without terms of its own")
    base = _("per piece") if version.kind is RateKind.FLAT else _("of the paid amount")
    parts = [base, duration(version.duration, version.duration_months)]
    kinds = {LineKind(kind) for kind in version.line_kinds}
    if kinds != set(LineKind):
        parts.append(", ".join(line_kind(kind) for kind in LineKind if kind in kinds))
    if version.cap_order_minor is not None:
        most = formatting.amount(version.cap_order_minor, currency)
        parts.append(_("at most %(amount)s per order", amount=most))
    if version.cap_customer_minor is not None:
        most = formatting.amount(version.cap_customer_minor, currency)
        parts.append(_("at most %(amount)s per customer", amount=most))
    return "; ".join([", ".join(parts), *tiers(version, currency)])


def bonus_terms(bonus: Rate | None) -> str:
    """When a sign-up bonus is paid."""
    return _("once, when a new customer's first order is paid") if bonus else _("there is none")


def tiers(version: Rate | RateVersion, currency: str) -> list[str]:
    """Each performance tier: "12 % from customer number 10 of the calendar month on"."""
    found = []
    for step in steps_of(version):
        reached = rate(version, currency, step.from_customers)
        number = formatting.number(step.from_customers)
        found.append(
            _("%(rate)s from customer number %(number)s on", rate=reached, number=number)
            if version.tier_basis is TierBasis.TOTAL
            else _(
                "%(rate)s from customer number %(number)s of the calendar month on",
                rate=reached,
                number=number,
            )
        )
    return found


def duration(kind: Duration, months: int | None) -> str:
    """For how long a rate pays."""
    match kind:
        case Duration.LIFETIME:
            return _("every order")
        case Duration.FIRST_ORDER:
            return _("first order only")
        case Duration.MONTHS:
            count = months or 0
            return ngettext("for %(num)s month", "for %(num)s months", count)


def line_kind(kind: LineKind) -> str:
    """What an order line sells."""
    match kind:
        case LineKind.NEW:
            return _("new orders")
        case LineKind.RENEWAL:
            return _("renewals")
        case LineKind.UPGRADE:
            return _("upgrades")
        case LineKind.ADDON:
            return _("add-ons")
