"""Figures for the review of referrers as a whole: a few aggregates for each programme, read at night."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from app.referrals.domain.click_label import ClickLabel
from app.referrals.domain.review import Share
from app.referrals.models import (
    Binding,
    BindingMethod,
    Click,
    ClickTotal,
    ClickUse,
    Customer,
    Order,
    OrderLine,
    OrderStatus,
    Referrer,
    ReferrerNetwork,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy.orm import Session


def conversions(session: Session, program_id: int, since: datetime, since_day: date) -> dict[int, Share]:
    """Signups by click of counted clicks, by referrer."""
    clicks = session.execute(
        select(ClickTotal.referrer_id, func.sum(ClickTotal.count))
        .where(
            ClickTotal.program_id == program_id,
            ClickTotal.day >= since_day,
            ClickTotal.label == ClickLabel.COUNTED,
        )
        .group_by(ClickTotal.referrer_id)
    )
    counted = {referrer_id: int(count) for referrer_id, count in clicks}
    signups = session.execute(
        select(Binding.referrer_id, func.count())
        .where(
            Binding.program_id == program_id,
            Binding.from_at >= since,
            Binding.method == BindingMethod.CLICK,
        )
        .group_by(Binding.referrer_id)
    )
    came = {referrer_id: int(count) for referrer_id, count in signups}
    return {key: Share(came.get(key, 0), counted.get(key, 0)) for key in counted.keys() | came.keys()}


def refunded(session: Session, program_id: int, since: datetime) -> dict[int, Share]:
    """Orders with a refund of paid orders placed since then, by referrer."""
    given_back = (
        select(OrderLine.id).where(OrderLine.order_id == Order.id, OrderLine.refunded_minor > 0).exists()
    )
    rows = session.execute(
        select(Order.referrer_id, func.sum(case((given_back, 1), else_=0)), func.count())
        .where(
            Order.program_id == program_id,
            Order.placed_at >= since,
            Order.status == OrderStatus.PAID,
            Order.referrer_id.is_not(None),
        )
        .group_by(Order.referrer_id)
    )
    return {referrer_id: Share(int(back), int(orders)) for referrer_id, back, orders in rows}


def brought_referrers(session: Session, program_id: int) -> list[tuple[int, int, int]]:
    """(referrer, the referrer who is its customer, that customer's number), told by the fingerprint of the e-mail."""
    rows = session.execute(
        select(Binding.referrer_id, Referrer.id, Customer.id)
        .join(Customer, Customer.id == Binding.customer_id)
        .join(
            Referrer,
            (Referrer.program_id == Customer.program_id) & (Referrer.email_key == Customer.email_key),
        )
        .where(Binding.program_id == program_id, Binding.referrer_id != Referrer.id)
        .order_by(Binding.id)
    )
    return [(referrer, customer_as_referrer, customer) for referrer, customer_as_referrer, customer in rows]


def crowded_clicks(session: Session) -> Sequence[str]:
    """The click ids that more than one customer came with."""
    wanted = select(ClickUse.click_id).group_by(ClickUse.click_id).having(func.count() > 1)
    return session.scalars(wanted.order_by(ClickUse.click_id)).all()


def came_with(session: Session, click_id: str) -> Sequence[int]:
    """The numbers of all customers that came with a click."""
    wanted = select(ClickUse.customer_id).where(ClickUse.click_id == click_id)
    return session.scalars(wanted.order_by(ClickUse.customer_id)).all()


def same_network(session: Session, day: date) -> list[tuple[str, int, int, int]]:
    """(click id, referrer, programme, customer) of clicks from a network that their referrer logged in from."""
    begins = datetime.combine(day, time(), UTC)
    rows = session.execute(
        select(Click.click_id, Click.referrer_id, Click.program_id, ClickUse.customer_id)
        .join(
            ReferrerNetwork,
            (ReferrerNetwork.referrer_id == Click.referrer_id) & (ReferrerNetwork.network == Click.network),
        )
        .join(ClickUse, ClickUse.click_id == Click.click_id)
        .where(ReferrerNetwork.day == day, Click.at >= begins, Click.at < begins + timedelta(days=1))
        .order_by(Click.id, ClickUse.customer_id)
    )
    return [
        (click_id, referrer_id, program_id, customer)
        for click_id, referrer_id, program_id, customer in rows
        if click_id is not None and referrer_id is not None
    ]
