"""``--rate`` and the options that go with it, the same for programmes, products and referrers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from app.cli.command import BadInput
from app.cli.parse import Instant, instant, words
from app.identity.audit import Actor
from app.referrals.rates import RateTerms, set_rate
from app.referrals.words import LineKind, RateScope

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Product, Program, Referrer

RATE = click.option("--rate", metavar="R", help="10%, 0.35%, 5.00 (flat, for each piece) or none.")
DURATION = click.option("--duration", metavar="D", help="lifetime, first_order or Nm.  [default: lifetime]")
SCOPE = click.option(
    "--scope", type=words(RateScope), help="Whom the rate concerns.  [default: new_customers]"
)
FROM = click.option("--from", "rate_from", type=Instant(), help="When the rate begins: a day or a time.")


@dataclass(frozen=True, slots=True)
class RateOptions:
    """What was given of a rate; nothing is said where ``rate`` is ``None``."""

    rate: str | None
    duration: str | None
    scope: str | None
    rate_from: datetime | date | None
    kinds: frozenset[LineKind] | None = None

    def check(self) -> None:
        """Refuse parts of a rate without a rate."""
        given = {
            "--duration": self.duration,
            "--scope": self.scope,
            "--from": self.rate_from,
            "--kinds": self.kinds,
        }
        for option, value in given.items():
            if value is not None and self.rate is None:
                raise BadInput(f"{option}: goes with --rate, which is missing")

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
        if self.rate is None:
            return
        terms = RateTerms(
            self.rate,
            self.duration or "lifetime",
            RateScope(self.scope or RateScope.NEW_CUSTOMERS.value),
            self.kinds or frozenset(LineKind),
        )
        set_rate(
            session,
            program,
            terms,
            product=product,
            referrer=referrer,
            valid_from=instant(self.rate_from, program.timezone),
            actor=Actor.cli(),
            now=now,
        )
