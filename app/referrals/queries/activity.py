"""What a referrer's link did over time: clicks, signups, paying customers, commission. One query, by indexes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, String, cast, func, literal, literal_column, select, union_all

from app.referrals.models import Binding, ClickTotal, Commission, Signup

if TYPE_CHECKING:
    from sqlalchemy.orm import InstrumentedAttribute, Session

COUNTED: Final = "counted"
LONGEST_WINDOW: Final = timedelta(days=366)
"""A binding begins at its click, at most so long (the longest attribution window) before its signup."""
_HOUR: Final = len("2026-12-02 14")


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened in a range: clicks by day of the programme, signups and commission by the hour (UTC)."""

    clicks: dict[date, int] = field(default_factory=dict)
    signups: dict[datetime, int] = field(default_factory=dict)
    paying: dict[datetime, int] = field(default_factory=dict)
    """Of the customers who signed up in that hour, those who have paid an order since."""
    commission: dict[datetime, int] = field(default_factory=dict)


def activity(session: Session, referrer_id: int, first_day: date, start: datetime) -> Activity:
    """Counted clicks from ``first_day`` on; signups and commission from the instant ``start`` on. One query."""
    clicks = (
        select(literal("click"), cast(ClickTotal.day, String), func.sum(ClickTotal.count), literal(0))
        .where(
            ClickTotal.referrer_id == referrer_id, ClickTotal.day >= first_day, ClickTotal.label == COUNTED
        )
        .group_by(ClickTotal.day)
    )
    signups = (
        select(
            literal("signup"), hour_of(Signup.signed_up_at), func.count(), func.count(Binding.first_paid_at)
        )
        .join(Binding, Binding.customer_id == Signup.customer_id)
        .where(
            Binding.referrer_id == referrer_id,
            Signup.signed_up_at >= start,
            Binding.from_at >= start - LONGEST_WINDOW,
        )
        .group_by(hour_of(Signup.signed_up_at))
    )
    commission = (
        select(
            literal("commission"), hour_of(Commission.paid_at), func.sum(Commission.target_minor), literal(0)
        )
        .where(Commission.referrer_id == referrer_id, Commission.paid_at >= start)
        .group_by(hour_of(Commission.paid_at))
    )
    seen = Activity()
    for kind, moment, total, paying in session.execute(union_all(clicks, signups, commission)):
        match kind:
            case "click":
                seen.clicks[date.fromisoformat(moment)] = int(total)
            case "signup":
                seen.signups[_at(moment)], seen.paying[_at(moment)] = int(total), int(paying)
            case _:
                seen.commission[_at(moment)] = int(total)
    return seen


def hour_of(column: InstrumentedAttribute[datetime]) -> ColumnElement[str]:
    """The UTC hour of an instant as text, the same on both databases."""
    # Both databases write an instant in UTC as "2026-12-02 14:05:00..." when it is cast to text. The numbers are part
    # of the statement: PostgreSQL takes two parameters of equal value for two different expressions to group by.
    return func.substr(cast(column, String), literal_column("1"), literal_column(str(_HOUR)))


def _at(hour: str) -> datetime:
    return datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)
