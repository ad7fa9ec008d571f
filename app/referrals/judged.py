"""What reviews said of commissions, and whether an order counts among its referrer's customers because of it.

A release or a rejection may change that: then the order and those paid after it are settled again by the job that
late orders use (``resettle.py``).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from app.kernel.db import connection_of, table_of
from app.kernel.queue import collect
from app.referrals.domain.review import Judged, counts
from app.referrals.models import Commission, Hold, HoldRule, HoldState, Order, TierRecount
from app.referrals.rulebook import read_rulebook
from app.referrals.tiers import RECOUNT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.referrals.models import Program
    from app.referrals.rows import OrderRow

_CHUNK = 500
"""Commissions that one statement names at most."""

Reviews = defaultdict[int, dict[HoldRule, HoldState]]
"""What became of each rule that spoke against a commission, by the commission's number."""


def reviews_of(session: Session, commission_ids: Sequence[int]) -> Reviews:
    """What rules and people said of each of the commissions. A rule that may speak twice: whether it still holds."""
    found: Reviews = defaultdict(dict)
    for start in range(0, len(commission_ids), _CHUNK):
        wanted = select(Hold.commission_id, Hold.rule, Hold.state)
        chunk = Hold.commission_id.in_(commission_ids[start : start + _CHUNK])
        for commission_id, rule, state in session.execute(wanted.where(chunk).order_by(Hold.id)):
            if found[commission_id].get(rule) is not HoldState.OPEN:
                found[commission_id][rule] = state
    return found


def counts_now(
    order: OrderRow,
    referrer_id: int,
    speaking: Collection[HoldRule],
    reviews: Mapping[int, Mapping[HoldRule, HoldState]],
) -> bool:
    """Whether a paid order counts among the customers of this referrer, whom it belongs to.

    Of an own order that earned nothing no review tells; once found it stays out, also when the address or account that
    told is erased.
    """
    mine = [
        Judged(each.rejected, reviews.get(each.id, {}))
        for line in order.lines
        for each in line.commissions
        if each.referrer_id == referrer_id
    ]
    if not mine and order.stored[0] == referrer_id and not order.stored[2]:
        return False
    return counts(mine, speaking)


def note_decided(session: Session, program: Program, order_id: int) -> None:
    """Count an order as staff's decision about one of its commissions has it, and have the later ones settled again.

    The caller holds the locks of the customer and of the commission's referrer: the latter keeps out every order that
    would be counted without this one.
    """
    order = session.get_one(Order, order_id, populate_existing=True)
    if order.referrer_id is None or order.paid_at is None:
        return
    wanted = select(Commission.id, Commission.rejected).where(
        Commission.order_id == order_id, Commission.referrer_id == order.referrer_id
    )
    rejected = dict(session.execute(wanted).all())
    reviews = reviews_of(session, list(rejected))
    now = counts([Judged(rejected[each], reviews[each]) for each in rejected], ())
    if now == order.counted or not rejected:
        return
    order.counted = now
    session.flush()
    if read_rulebook(session, program).has_tiers:
        values = {"referrer_id": order.referrer_id, "since": order.paid_at}
        connection_of(session).execute(insert(table_of(TierRecount)), values)
        collect(session, RECOUNT, order.referrer_id)
