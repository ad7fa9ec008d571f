"""A referrer's links, and what each campaign brought: clicks, customers, commission. All by indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, func, literal, or_, select, union_all

from app.referrals.models import Binding, ClickTotal, Commission, Link, Order
from app.referrals.queries.activity import COUNTED

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

MOST_LINKS: Final = 200
"""Links that a page shows."""


@dataclass(slots=True)
class Brought:
    """What one campaign brought over all time; ``commission_minor`` is after refunds."""

    clicks: int = 0
    signups: int = 0
    """Customers who belong, or belonged, to the referrer by it."""
    paying: int = 0
    """Those of them who have paid an order."""
    commission_minor: int = 0

    def add(self, other: Brought) -> None:
        """Count what another campaign brought, too."""
        self.clicks += other.clicks
        self.signups += other.signups
        self.paying += other.paying
        self.commission_minor += other.commission_minor


def links_of(session: Session, referrer_id: int) -> list[Link]:
    """The links that a referrer made, newest first."""
    wanted = select(Link).where(Link.referrer_id == referrer_id).order_by(Link.id.desc()).limit(MOST_LINKS)
    return list(session.scalars(wanted))


def link_of(session: Session, referrer_id: int, link_id: int) -> Link | None:
    """One link, if this referrer made it."""
    return session.scalar(select(Link).where(Link.id == link_id, Link.referrer_id == referrer_id))


def brought_by_campaign(session: Session, referrer_id: int) -> dict[str, Brought]:
    """By campaign; "" is all that no campaign brought, and its commission is not summed here. One query.

    The commission without a campaign is what the balance has besides: reading it from the orders would read them all.
    """
    found: dict[str, Brought] = {}
    parts = union_all(_clicks(referrer_id), _customers(referrer_id), _commission(referrer_id))
    for kind, campaign, first, second in session.execute(parts):
        brought = found.setdefault(campaign, Brought())
        match kind:
            case "clicks":
                brought.clicks = int(first)
            case "customers":
                brought.signups, brought.paying = int(first), int(second)
            case _:
                brought.commission_minor = int(first)
    return found


def _clicks(referrer_id: int) -> Select[str, str, int, int]:
    return (
        select(literal("clicks"), ClickTotal.campaign, func.sum(ClickTotal.count), literal(0))
        .where(ClickTotal.referrer_id == referrer_id, ClickTotal.label == COUNTED)
        .group_by(ClickTotal.campaign)
    )


def _customers(referrer_id: int) -> Select[str, str, int, int]:
    return (
        select(literal("customers"), Binding.campaign, func.count(), func.count(Binding.first_paid_at))
        .where(Binding.referrer_id == referrer_id)
        .group_by(Binding.campaign)
    )


def _commission(referrer_id: int) -> Select[str, str, int, int]:
    """Along the customers that campaigns brought: their orders within the binding, and what those earned."""
    within = and_(
        Order.customer_id == Binding.customer_id,
        Order.placed_at >= Binding.from_at,
        or_(Binding.until_at.is_(None), Order.placed_at < Binding.until_at),
    )
    earned = and_(Commission.order_id == Order.id, Commission.referrer_id == Binding.referrer_id)
    return (
        select(literal("commission"), Binding.campaign, func.sum(Commission.target_minor), literal(0))
        .join(Order, within)
        .join(Commission, earned)
        .where(Binding.referrer_id == referrer_id, Binding.campaign > "")
        .group_by(Binding.campaign)
    )
