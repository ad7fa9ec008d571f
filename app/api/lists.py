"""What the lists select: one page each, by an index, the latest first."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import select, tuple_

from app.api import render
from app.api.bodies import InvalidFields
from app.api.paging import ListQuery, Span, page, read_cursor, span_of, write_cursor
from app.kernel import clock
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.models import Payout, PayoutRun
from app.referrals.domain.click_label import ClickLabel
from app.referrals.domain.commission import Outcome
from app.referrals.errors import ReferrerNotFound
from app.referrals.models import Click, Commission, Order, OrderLine, Program, RateVersion, Referrer
from app.referrals.queries.waiting import waiting_lines

if TYPE_CHECKING:
    from enum import StrEnum

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session
Member = TypeVar("Member", bound="StrEnum")


def clicks(session: Session, program: Program, query: ListQuery) -> dict[str, Any]:
    """Clicks by their time; ``state`` filters by label."""
    wanted = select(Click, Referrer.code).outerjoin(Referrer, Referrer.id == Click.referrer_id)
    wanted = wanted.where(Click.program_id == program.id)
    wanted = wanted.where(*_of_referrer(session, program, query, Click.referrer_id))
    wanted = wanted.where(*_within(Click.at, span_of(query, program.timezone)))
    if query.state is not None:
        wanted = wanted.where(Click.label == _one_of(ClickLabel, query.state).value)
    after = read_cursor(query.cursor, datetime, int)
    if after:
        wanted = wanted.where(tuple_(Click.at, Click.id) < tuple_(*after))
    rows = session.execute(wanted.order_by(Click.at.desc(), Click.id.desc()).limit(query.limit + 1)).all()
    return page(
        rows,
        query.limit,
        lambda row: render.click(row[0], row[1]),
        lambda row: write_cursor(row[0].at, row[0].id),
    )


def commissions(session: Session, program: Program, query: ListQuery, now: datetime) -> dict[str, Any]:
    """Commissions by the time their order was paid."""
    wanted = (
        select(Commission, Order.order_id, OrderLine.line_id, OrderLine.sku, Referrer.code, RateVersion)
        .join(Order, Order.id == Commission.order_id)
        .join(OrderLine, OrderLine.id == Commission.order_line_id)
        .join(Referrer, Referrer.id == Commission.referrer_id)
        .join(RateVersion, RateVersion.id == Commission.rate_version_id)
        .where(Commission.program_id == program.id)
    )
    today = clock.local_day(now, program.timezone)
    wanted = wanted.where(*_of_referrer(session, program, query, Commission.referrer_id))
    wanted = wanted.where(*_within(Commission.paid_at, span_of(query, program.timezone)))
    if query.state is not None:
        wanted = wanted.where(render.has_state(_one_of(render.CommissionState, query.state), today))
    after = read_cursor(query.cursor, datetime, int)
    if after:
        wanted = wanted.where(tuple_(Commission.paid_at, Commission.id) < tuple_(*after))
    ordered = wanted.order_by(Commission.paid_at.desc(), Commission.id.desc()).limit(query.limit + 1)
    rows = session.execute(ordered).all()
    return page(
        rows,
        query.limit,
        lambda row: render.listed_commission(row, program.currency, today),
        lambda row: write_cursor(row[0].paid_at, row[0].id),
    )


def waiting_orders(session: Session, program: Program, query: ListQuery) -> dict[str, Any]:
    """Orders whose exchange rate is not known, the latest recorded first."""
    wanted = select(Order, Referrer.code).outerjoin(Referrer, Referrer.id == Order.referrer_id)
    wanted = wanted.where(Order.program_id == program.id, Order.id.in_(waiting_lines()))
    wanted = wanted.where(*_of_referrer(session, program, query, Order.referrer_id))
    paid_at = cast("InstrumentedAttribute[datetime]", Order.paid_at)  # only a paid order waits
    wanted = wanted.where(*_within(paid_at, span_of(query, program.timezone)))
    if query.state not in {None, Outcome.WAITING_RATE.value}:
        raise InvalidFields([("/state", f"must be {Outcome.WAITING_RATE.value}")])
    after = read_cursor(query.cursor, int)
    if after:
        wanted = wanted.where(Order.id < after[0])
    rows = session.execute(wanted.order_by(Order.id.desc()).limit(query.limit + 1)).all()
    return page(
        rows,
        query.limit,
        lambda row: render.waiting_order(row[0], row[1], program.timezone),
        lambda row: write_cursor(row[0].id),
    )


def payouts(session: Session, program: Program, query: ListQuery) -> dict[str, Any]:
    """Payouts, run by run from the newest. Each run's part is read by the index of (run, referrer)."""
    wanted = select(Payout, Referrer.code).join(Referrer, Referrer.id == Payout.referrer_id)
    wanted = wanted.where(*_of_referrer(session, program, query, Payout.referrer_id))
    wanted = wanted.where(*_within(Payout.created_at, span_of(query, program.timezone)))
    if query.state is not None:
        wanted = wanted.where(Payout.state == _one_of(PayoutState, query.state))
    after = read_cursor(query.cursor, int, int)
    runs = select(PayoutRun.id, PayoutRun.name).where(PayoutRun.program_id == program.id)
    if after:
        runs = runs.where(PayoutRun.id <= after[0])
    found: list[tuple[Payout, str, str]] = []
    for run_id, name in session.execute(runs.order_by(PayoutRun.id.desc())).all():
        missing = query.limit + 1 - len(found)
        if missing == 0:
            break
        part = wanted.where(Payout.run_id == run_id)
        if after and after[0] == run_id:
            part = part.where(Payout.referrer_id < after[1])
        rows = session.execute(part.order_by(Payout.referrer_id.desc()).limit(missing))
        found.extend((payout, code, name) for payout, code in rows)
    return page(
        found,
        query.limit,
        lambda row: render.payout(*row),
        lambda row: write_cursor(row[0].run_id, row[0].referrer_id),
    )


def payout_runs(session: Session, program: Program, query: ListQuery) -> dict[str, Any]:
    """Payout runs, the newest first; with ``referrer`` those that pay that one."""
    wanted = select(PayoutRun).where(PayoutRun.program_id == program.id)
    wanted = wanted.where(*_within(PayoutRun.created_at, span_of(query, program.timezone)))
    if query.referrer is not None:
        paid_to = select(Payout.run_id).where(
            Payout.referrer_id == _referrer_id(session, program, query.referrer)
        )
        wanted = wanted.where(PayoutRun.id.in_(paid_to))
    if query.state is not None:
        wanted = wanted.where(PayoutRun.state == _one_of(RunState, query.state))
    after = read_cursor(query.cursor, int)
    if after:
        wanted = wanted.where(PayoutRun.id < after[0])
    rows = session.scalars(wanted.order_by(PayoutRun.id.desc()).limit(query.limit + 1)).all()
    return page(rows, query.limit, render.payout_run, lambda run: write_cursor(run.id))


def _of_referrer(
    session: Session,
    program: Program,
    query: ListQuery,
    column: InstrumentedAttribute[int] | InstrumentedAttribute[int | None],
) -> list[ColumnElement[bool]]:
    if query.referrer is None:
        return []
    return [column == _referrer_id(session, program, query.referrer)]


def _referrer_id(session: Session, program: Program, code: str) -> int:
    """Raises :class:`ReferrerNotFound`, also for another programme's referrer."""
    found = session.scalar(
        select(Referrer.id).where(Referrer.program_id == program.id, Referrer.code == code)
    )
    if found is None:
        raise ReferrerNotFound(code, pointer="/referrer")
    return found


def _within(column: InstrumentedAttribute[datetime], span: Span) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if span.start is not None:
        conditions.append(column >= span.start)
    if span.end is not None:
        conditions.append(column < span.end)
    return conditions


def _one_of(members: type[Member], word: str) -> Member:
    try:
        return members(word)
    except ValueError:
        known = ", ".join(member.value for member in members)
        raise InvalidFields([("/state", f"must be one of {known}")]) from None
