"""What holds at an instant: the rate of each product and level, and the versions that each level has had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import or_, select

from app.referrals.domain.rates import Rate, choose_bonus, choose_rate
from app.referrals.models import Product, RateVersion
from app.referrals.queries.programs_shown import NOBODY
from app.referrals.rulebook import rate_of
from app.referrals.words import CommissionKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program, Referrer

_ANY_OTHER: Final = -1
"""No product has this id: rates chosen for it are those of products that have none of their own."""


@dataclass(frozen=True, slots=True)
class DatedRate:
    """One version: from ``rate.valid_from`` until its level's next one (``None``: still), and who set it."""

    rate: Rate
    until: datetime | None
    set_by: str

    def is_in_force(self, at: datetime) -> bool:
        """Whether it is its level's latest version then."""
        return self.rate.valid_from <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Level:
    """All versions at one level, the earliest first. ``product`` and ``own`` (the referrer's) null mean all."""

    pays: CommissionKind
    product: Product | None
    own: bool
    versions: tuple[DatedRate, ...]


@dataclass(frozen=True, slots=True)
class RateTable:
    """``holds``: what an order paid ``at`` brings of a customer who was bound then, product by product.

    The last product is ``None``: every other. Customers bound earlier keep the versions of their time unless a later
    one has the scope ``all``; :class:`Level` shows them.
    """

    at: datetime
    holds: tuple[tuple[Product | None, Rate | None], ...]
    bonus: Rate | None
    levels: tuple[Level, ...]


def rate_table(session: Session, program: Program, at: datetime, referrer: Referrer | None) -> RateTable:
    """The programme's rates at an instant; with ``referrer`` also their own, which come first. Two queries."""
    products = session.scalars(
        select(Product).where(Product.program_id == program.id).order_by(Product.name, Product.id)
    ).all()
    whose = referrer.id if referrer else NOBODY
    versions = session.scalars(
        select(RateVersion)
        .where(
            RateVersion.program_id == program.id,
            or_(RateVersion.referrer_id.is_(None), RateVersion.referrer_id == whose),
        )
        .order_by(RateVersion.valid_from, RateVersion.id)
    ).all()
    rates = [rate_of(version) for version in versions]

    def held(product_id: int) -> Rate | None:
        return choose_rate(rates, product_id=product_id, referrer_id=whose, paid_at=at, bound_from=at)

    bonuses = [rate for rate in rates if rate.pays is CommissionKind.BONUS]
    return RateTable(
        at=at,
        holds=(*((product, held(product.id)) for product in products), (None, held(_ANY_OTHER))),
        bonus=choose_bonus(bonuses, referrer_id=whose, paid_at=at, bound_from=at),
        levels=tuple(_levels(versions, rates, products)),
    )


def _levels(
    versions: Sequence[RateVersion], rates: Sequence[Rate], products: Sequence[Product]
) -> list[Level]:
    """The levels that have versions: the programme's first, then by product, the referrer's own after each."""
    names = {product.id: product for product in products}
    order = {product.id: number for number, product in enumerate(products)}
    found: dict[tuple[bool, int | None, bool], list[tuple[Rate, str]]] = {}
    for version, rate in zip(versions, rates, strict=True):
        key = rate.pays is CommissionKind.BONUS, rate.product_id, rate.referrer_id is not None
        found.setdefault(key, []).append((rate, version.created_by))
    ranked = sorted(found, key=lambda key: (key[0], order.get(key[1] or 0, -1), key[2]))
    return [
        Level(
            CommissionKind.BONUS if bonus else CommissionKind.KICKBACK,
            names.get(product_id or 0),
            own,
            _dated(found[bonus, product_id, own]),
        )
        for bonus, product_id, own in ranked
    ]


def _dated(versions: Sequence[tuple[Rate, str]]) -> tuple[DatedRate, ...]:
    ends: list[datetime | None] = [rate.valid_from for rate, _ in versions[1:]]
    return tuple(
        DatedRate(rate, until, by) for (rate, by), until in zip(versions, [*ends, None], strict=True)
    )
