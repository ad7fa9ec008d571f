"""What a replay takes over because no fact says it: what people decided, and what erased addresses had said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from app.kernel.db import connection_of, table_of
from app.referrals import locks
from app.referrals.domain.review import OWN_ORDER, RULE_VERSION
from app.referrals.models import (
    Assignment,
    Commission,
    Customer,
    Hold,
    Order,
    OrderLine,
    Program,
    Signup,
    TierRecount,
)
from app.referrals.postings import post_movements, reject_for_good
from app.referrals.settle import Touched, settle

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.kernel.db import Database
    from app.referrals.intake import ReferralDeps


def take_over(deps: ReferralDeps, live: Session, scratch: Database) -> None:
    """Bring it all into the scratch database, after the facts: when it came makes no difference to what it does."""
    with scratch.transaction() as session:
        _prospects(deps, live, session)
        _assignments(deps, live, session)
        _rejections(live, session)
        _own_orders(deps, live, session)


def _prospects(deps: ReferralDeps, live: Session, session: Session) -> None:
    wanted = (
        select(Customer.program_id, Customer.customer_id, Signup.lead_ids)
        .join(Signup, Signup.customer_id == Customer.id)
        .order_by(Customer.id)
    )
    for program_id, customer_id, lead_ids in live.execute(wanted, execution_options={"yield_per": 1000}):
        if not lead_ids:
            continue
        number = _number(session, program_id, customer_id)
        signup = session.get(Signup, number) if number else None
        if number and signup and signup.lead_ids != lead_ids:
            signup.lead_ids = lead_ids
            _decide_again(deps, session, program_id, number, signup.signed_up_at)


def _assignments(deps: ReferralDeps, live: Session, session: Session) -> None:
    table = table_of(Assignment)
    wanted = select(table, Customer.customer_id.label("name")).join(
        Customer, Customer.id == table.c.customer_id
    )
    for row in live.execute(wanted.order_by(table.c.id)).mappings():
        number = _number(session, row["program_id"], row["name"])
        if number is None:
            continue
        values = {name: value for name, value in row.items() if name != "name"} | {"customer_id": number}
        connection_of(session).execute(insert(table), values)
        _decide_again(deps, session, row["program_id"], number, row["made_at"])


def _rejections(live: Session, session: Session) -> None:
    for key in live.execute(_commissions().where(Commission.rejected).order_by(Commission.id)):
        commission = _same(session, key)
        if commission is not None:
            program = session.get_one(Program, key.program_id)
            movements = reject_for_good(commission)
            post_movements(
                session,
                movements,
                currency=program.currency,
                timezone=program.timezone,
                posted_at=commission.paid_at,
            )


def _own_orders(deps: ReferralDeps, live: Session, session: Session) -> None:
    """What staff said of referrers' own orders, and those that only an account or an erased address had given away.

    Performance tiers do not count them, so what later orders earn hangs on it.
    """
    own = _commissions().add_columns(Hold.rule, Hold.state, Hold.opened_at)
    own = own.join(Hold, Hold.commission_id == Commission.id).where(Hold.rule.in_(OWN_ORDER))
    for key in live.execute(own.order_by(Hold.id)):
        commission = _same(session, key)
        if commission is not None:
            _hold(session, commission, key)
    found = Commission.id.in_(select(Hold.commission_id).where(Hold.rule.in_(OWN_ORDER)))
    held = select(Commission.order_id).where(found | Commission.rejected)
    wanted = select(Order.program_id, Order.order_id, Order.counted).where(
        ~Order.counted | Order.id.in_(held)
    )
    for program_id, order_id, counted in live.execute(wanted.order_by(Order.id)):
        order = session.scalar(
            select(Order).where(Order.program_id == program_id, Order.order_id == order_id)
        )
        if order is None or order.counted == counted:
            continue
        order.counted = counted
        program = session.get_one(Program, program_id)
        if order.referrer_id and order.paid_at and deps.rulebooks.of(session, program).has_tiers:
            session.add(TierRecount(referrer_id=order.referrer_id, since=order.paid_at))


def _hold(session: Session, commission: Commission, key: Any) -> None:  # noqa: ANN401 - a row
    wanted = select(Hold).where(Hold.commission_id == commission.id, Hold.rule == key.rule)
    hold = session.scalar(wanted)
    if hold is None:
        hold = Hold(
            program_id=commission.program_id,
            commission_id=commission.id,
            rule=key.rule,
            rule_version=RULE_VERSION,
            evidence={},
            opened_at=key.opened_at,
        )
        session.add(hold)
    hold.state = key.state


def _commissions() -> Select[Any]:
    """What names a commission in both databases."""
    names: tuple[Any, ...] = (Order.program_id, Order.order_id, OrderLine.line_id)
    return (
        select(*names, Commission.referrer_id, Commission.kind)
        .select_from(Commission)
        .join(Order, Order.id == Commission.order_id)
        .join(OrderLine, OrderLine.id == Commission.order_line_id)
    )


def _same(session: Session, key: Any) -> Commission | None:  # noqa: ANN401 - a row
    """The commission of that name, of which a replay may have none: nothing was left of it."""
    wanted = select(Commission).join(Order, Order.id == Commission.order_id)
    return session.scalar(
        wanted.join(OrderLine, OrderLine.id == Commission.order_line_id).where(
            Order.program_id == key.program_id,
            Order.order_id == key.order_id,
            OrderLine.line_id == key.line_id,
            Commission.referrer_id == key.referrer_id,
            Commission.kind == key.kind,
        )
    )


def _number(session: Session, program_id: int, customer_id: str) -> int | None:
    wanted = select(Customer.id).where(Customer.program_id == program_id, Customer.customer_id == customer_id)
    return session.scalar(wanted)


def _decide_again(deps: ReferralDeps, session: Session, program_id: int, number: int, now: datetime) -> None:
    session.flush()
    program = session.get_one(Program, program_id)
    customer = locks.lock_known_customer(session, number)
    settle(deps, session, program, customer, Touched(), now, rebind=True)
