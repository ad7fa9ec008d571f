"""What a replay takes over because no fact says it: what people decided, and what erased addresses had said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from app.kernel.db import connection_of, table_of
from app.referrals import locks
from app.referrals.models import Assignment, Commission, Customer, Order, OrderLine, Program, Signup
from app.referrals.postings import post_movements, reject_for_good
from app.referrals.settle import Touched, settle

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kernel.db import Database
    from app.referrals.intake import ReferralDeps


def take_over(deps: ReferralDeps, live: Session, scratch: Database) -> None:
    """Bring it all into the scratch database, after the facts: when it came makes no difference to what it does."""
    with scratch.transaction() as session:
        _prospects(deps, live, session)
        _assignments(deps, live, session)
        _rejections(live, session)


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
    wanted = (
        select(Order.program_id, Order.order_id, OrderLine.line_id, Commission.referrer_id)
        .join(Order, Order.id == Commission.order_id)
        .join(OrderLine, OrderLine.id == Commission.order_line_id)
        .where(Commission.rejected)
        .order_by(Commission.id)
    )
    for program_id, order_id, line_id, referrer_id in live.execute(wanted):
        found = select(Commission).join(Order, Order.id == Commission.order_id)
        found = found.join(OrderLine, OrderLine.id == Commission.order_line_id).where(
            Order.program_id == program_id,
            Order.order_id == order_id,
            OrderLine.line_id == line_id,
            Commission.referrer_id == referrer_id,
        )
        for commission in session.scalars(found):
            program = session.get_one(Program, program_id)
            movements = reject_for_good(commission)
            post_movements(
                session,
                movements,
                currency=program.currency,
                timezone=program.timezone,
                posted_at=commission.paid_at,
            )


def _number(session: Session, program_id: int, customer_id: str) -> int | None:
    wanted = select(Customer.id).where(Customer.program_id == program_id, Customer.customer_id == customer_id)
    return session.scalar(wanted)


def _decide_again(deps: ReferralDeps, session: Session, program_id: int, number: int, now: datetime) -> None:
    session.flush()
    program = session.get_one(Program, program_id)
    customer = locks.lock_known_customer(session, number)
    settle(deps, session, program, customer, Touched(), now, rebind=True)
