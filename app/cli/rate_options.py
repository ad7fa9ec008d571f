"""``--rate`` and the options that go with it, the same for programmes, products and referrers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from app.cli.command import BadInput, Command
from app.cli.parse import Instant, Tier, instant, words
from app.identity.audit import Actor
from app.referrals.rates import RateTerms, set_rate
from app.referrals.words import LineKind, RateScope, TierBasis
from app.referrals.worse_rates import short_notice

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Product, Program, RateVersion, Referrer

RATE = click.option("--rate", metavar="R", help="10%, 0.35%, 5.00 (flat, for each piece) or none.")
DURATION = click.option("--duration", metavar="D", help="lifetime, first_order or Nm.  [default: lifetime]")
SCOPE = click.option(
    "--scope", type=words(RateScope), help="Whom the rate concerns.  [default: new_customers]"
)
TIER = click.option(
    "--tier",
    "tiers",
    type=Tier(),
    multiple=True,
    help="From the referrer's N-th customer on, the N-th included, the rate R holds; repeatable, rising.",
)
TIER_BASIS = click.option(
    "--tier-basis",
    type=words(TierBasis),
    help="Customers with a paid order in the calendar month of the payment, or ever.  [default: month]",
)
CAP_ORDER = click.option("--cap-order", metavar="AMOUNT", help="The most that the rate earns of one order.")
CAP_CUSTOMER = click.option(
    "--cap-customer", metavar="AMOUNT", help="The most that the rate earns of one customer."
)
FROM = click.option("--from", "rate_from", type=Instant(), help="When the rate begins: a day or a time.")

PARTS = ("rate", "duration", "scope", "rate_from", "tiers", "tier_basis", "cap_order", "cap_customer")


def with_rate(command: Command) -> Command:
    """Give a command the options of a rate."""
    for option in (FROM, CAP_CUSTOMER, CAP_ORDER, TIER_BASIS, TIER, SCOPE, DURATION, RATE):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class RateOptions:
    """What was given of a rate; nothing is said where ``rate`` is ``None``."""

    rate: str | None
    duration: str | None
    scope: str | None
    rate_from: datetime | date | None
    kinds: frozenset[LineKind] | None = None
    tiers: tuple[tuple[int, str], ...] = ()
    tier_basis: str | None = None
    cap_order: str | None = None
    cap_customer: str | None = None

    def check(self) -> None:
        """Refuse parts of a rate without a rate."""
        given = {
            "--duration": self.duration,
            "--scope": self.scope,
            "--from": self.rate_from,
            "--kinds": self.kinds,
            "--tier": self.tiers or None,
            "--tier-basis": self.tier_basis,
            "--cap-order": self.cap_order,
            "--cap-customer": self.cap_customer,
        }
        for option, value in given.items():
            if value is not None and self.rate is None:
                raise BadInput(f"{option}: goes with --rate, which is missing")

    def terms(self) -> RateTerms | None:
        """What the rate says, if one was given."""
        if self.rate is None:
            return None
        return RateTerms(
            self.rate,
            self.duration or "lifetime",
            RateScope(self.scope or RateScope.NEW_CUSTOMERS.value),
            self.kinds or frozenset(LineKind),
            tiers=self.tiers,
            tier_basis=TierBasis(self.tier_basis) if self.tier_basis else None,
            cap_order=self.cap_order,
            cap_customer=self.cap_customer,
        )

    def apply(
        self,
        session: Session,
        program: Program,
        *,
        product: Product | None = None,
        referrer: Referrer | None = None,
        now: datetime,
    ) -> None:
        """Add the rate version, if there is one to add."""
        terms = self.terms()
        if terms is None:
            return
        version = set_rate(
            session,
            program,
            terms,
            product=product,
            referrer=referrer,
            valid_from=instant(self.rate_from, program.timezone),
            actor=Actor.cli(),
            now=now,
        )
        warn_of_short_notice(session, program, version)


def warn_of_short_notice(session: Session, program: Program, version: RateVersion) -> None:
    """Say on the error stream how many referrers a version pays less without 30 days' notice."""
    count = short_notice(session, program, version)
    if count:
        click.echo(f"warning: this pays {count} referrer(s) less, told less than 30 days ahead", err=True)
