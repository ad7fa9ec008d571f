"""Why did I not get this? What a referrer may read about a click or an order that earned nothing.

An order or click with nothing of the referrer's in it is not there, whether or not it exists; and whoever got it is
never named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.referrals.models import Binding, Click, ClickUse, Customer, Decision, Order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.links import LinkSigner
    from app.referrals.models import Referrer


_MOST: Final = 50
"""How many decisions are looked at: behind one address there may be a crowd."""


@dataclass(frozen=True, slots=True)
class Use:
    """A click was presented at a signup or order; ``lost`` is why it did not win, null where it did."""

    occasion: str
    at: datetime
    lost: str | None


@dataclass(frozen=True, slots=True)
class ClickStory:
    """A click of the referrer's and what came of it. ``label`` is null where the click's row is gone."""

    click_id: str
    at: datetime
    label: str | None
    uses: tuple[Use, ...]
    missed: bool = False
    """Whether a decision names it as one that would have won and was not presented; by whom another was is not told."""


@dataclass(frozen=True, slots=True)
class OrderStory:
    """An order in whose customer's story something of the referrer's stands."""

    id: int
    order_id: str
    placed_at: datetime
    is_mine: bool
    lost: tuple[Mapping[str, Any], ...]
    """The referrer's own candidates that lost."""
    bound_from: datetime | None
    bound_until: datetime | None
    """The referrer's own binding with the customer, where there is one."""


def click_story(session: Session, links: LinkSigner, referrer: Referrer, click_id: str) -> ClickStory | None:
    """A click of the referrer's; null for anybody else's and for what is no click id. At most four queries."""
    click = links.read_click_id(click_id)
    if click is None or click.referrer_id != referrer.id or click.program_id != referrer.program_id:
        return None
    label = session.scalar(select(Click.label).where(Click.click_id == click_id).order_by(Click.id).limit(1))
    decisions = session.scalars(
        select(Decision)
        .join(ClickUse, ClickUse.customer_id == Decision.customer_id)
        .where(ClickUse.click_id == click_id, Decision.superseded_at.is_(None))
        .order_by(Decision.occasion_at, Decision.id)
        .limit(50)
    )
    uses = tuple(
        Use(decision.occasion, decision.occasion_at, candidate["lost"])
        for decision in decisions
        for candidate in decision.candidates
        if candidate["kind"] == "click" and candidate["value"] == click_id
    )
    return ClickStory(click_id, click.at, label, uses, missed=not uses and _was_missed(session, click_id))


def _was_missed(session: Session, click_id: str) -> bool:
    """Whether somebody of the same visitor hash came with another click in its place."""
    mine, other = aliased(Click), aliased(Click)
    decisions = session.scalars(
        select(Decision.unpresented)
        .join(ClickUse, ClickUse.customer_id == Decision.customer_id)
        .join(other, other.click_id == ClickUse.click_id)
        .join(mine, mine.visitor == other.visitor)
        .where(mine.click_id == click_id, Decision.superseded_at.is_(None))
        .limit(_MOST)
    )
    return any(each["value"] == click_id for unpresented in decisions for each in unpresented)


def order_story(session: Session, referrer: Referrer, order_id: str) -> OrderStory | None:
    """An order that something of the referrer's speaks in; null for every other, known or not. Three queries."""
    order = session.execute(
        select(Order.id, Order.order_id, Order.placed_at, Order.referrer_id, Order.customer_id)
        .join(Customer, Customer.id == Order.customer_id)
        .where(Order.program_id == referrer.program_id, Order.order_id == order_id)
    ).first()
    if order is None:
        return None
    decisions = session.scalars(
        select(Decision).where(Decision.customer_id == order.customer_id, Decision.superseded_at.is_(None))
    ).all()
    binding = session.scalars(
        select(Binding)
        .where(Binding.customer_id == order.customer_id, Binding.referrer_id == referrer.id)
        .order_by(Binding.from_at.desc())
        .limit(1)
    ).first()
    lost = tuple(_own_losers(decisions, referrer, order_id))
    if not lost and binding is None and order.referrer_id != referrer.id:
        return None
    return OrderStory(
        id=order.id,
        order_id=order.order_id,
        placed_at=order.placed_at,
        is_mine=order.referrer_id == referrer.id,
        lost=lost,
        bound_from=binding.from_at if binding else None,
        bound_until=binding.until_at if binding else None,
    )


def _own_losers(
    decisions: Sequence[Decision], referrer: Referrer, order_id: str
) -> Sequence[Mapping[str, Any]]:
    return [
        candidate
        for decision in decisions
        if decision.occasion != "order" or decision.occasion_ref == order_id
        for candidate in decision.candidates
        if candidate["referrer_id"] == referrer.id and candidate["lost"] is not None
    ]
