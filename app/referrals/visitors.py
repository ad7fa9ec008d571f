"""What else the visitor of a click clicked on: a decision names clicks that would have won and were not presented.

A visitor's hash is the same for one UTC day (``domain/visitor.py``), so what is found is of the click's own day, and
says "the same network and browser", not "the same person". Clicks are no facts, they travel by themselves: one whose
record reaches the database after a decision has that decision taken anew at night (``resettle.py``), with the same
winner.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select

from app.kernel.db import connection_of, table_of
from app.referrals.domain.attribution import Candidate, CandidateKind, Occasion
from app.referrals.domain.click_label import ClickLabel
from app.referrals.models import Click, ClickUse
from app.referrals.words import AttributionModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

_MOST: Final = 50
"""How many clicks of one visitor are looked at: behind one address there may be a crowd."""

_CLICKS, _USES = table_of(Click), table_of(ClickUse)


def also_clicked(session: Session, program_id: int, click_id: str, occasion: Occasion) -> list[Candidate]:
    """Counted clicks of a click's visitor on other referrers' links until the occasion, the best of its model first."""
    rows = connection_of(session).execute(
        _also_clicked(occasion.model), {"program": program_id, "click": click_id, "until": occasion.at}
    )
    return [Candidate(CandidateKind.CLICK, value, referrer_id, at) for value, referrer_id, at in rows]


def customers_of_crossing_clicks(session: Session, program_id: int, since: datetime) -> Sequence[int]:
    """Who presented a click since then whose visitor clicked on another referrer's link as well."""
    other = _CLICKS.alias()
    wanted = (
        select(_USES.c.customer_id)
        .join(_CLICKS, _CLICKS.c.click_id == _USES.c.click_id)
        .join(other, other.c.visitor == _CLICKS.c.visitor)
        .where(_CLICKS.c.program_id == program_id, _CLICKS.c.at >= since, *_crossing(_CLICKS, other))
    )
    return session.scalars(wanted.distinct().order_by(_USES.c.customer_id)).all()


def _crossing(click: Any, other: Any) -> tuple[Any, ...]:  # noqa: ANN401 - the table and an alias of it
    return (
        other.c.program_id == click.c.program_id,
        other.c.referrer_id != click.c.referrer_id,
        other.c.click_id.is_not(None),
        other.c.label == ClickLabel.COUNTED,
    )


@cache
def _also_clicked(model: AttributionModel) -> Select[Any]:
    other = _CLICKS.alias()
    wanted = (
        select(other.c.click_id, other.c.referrer_id, other.c.at)
        .select_from(_CLICKS)
        .join(other, other.c.visitor == _CLICKS.c.visitor)
        .where(
            _CLICKS.c.click_id == bindparam("click"),
            _CLICKS.c.program_id == bindparam("program"),
            other.c.at <= bindparam("until"),
            *_crossing(_CLICKS, other),
        )
        .limit(_MOST)
    )
    if model is AttributionModel.FIRST_CLICK:
        return wanted.order_by(other.c.at, other.c.click_id)
    return wanted.order_by(other.c.at.desc(), other.c.click_id)
