"""The retention job: what is past its time goes, and a report says what went.

It works in batches, each a transaction of its own that also writes down how many rows it took. Killed anywhere, it has
done and reported the same rows; run again, it goes on. Two at once do no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import CursorResult, String, column, delete, select, table, update
from sqlalchemy import cast as sql_cast

from app.directory.forgetting import forget_refused, forget_reports
from app.identity.audit import Actor, record_event
from app.identity.models import AuditEvent, EmailChange, UserSession
from app.kernel import ids
from app.kernel.db import UtcDateTime, table_of
from app.privacy import rules
from app.privacy.unattributed import clear_signups, free_customers, total_orders
from app.referrals.contests import clear_words
from app.referrals.customers import forget_payers
from app.referrals.leads import FORGOTTEN_AFTER, forget_prospects
from app.referrals.models import (
    Click,
    Commission,
    Contest,
    Hold,
    HoldRule,
    HoldState,
    Order,
    Program,
    ReferrerNetwork,
    TeamInvitation,
    VisitorKey,
)
from app.shopfront.models import CustomerSession, HandOver

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, TableClause
    from sqlalchemy.orm import Session

    from app.privacy.house import House
    from app.privacy.rules import Rule

BATCH: Final = 1_000
"""Rows of one transaction: a payment that needs the write lock of SQLite waits no longer than for these."""

RETAINED: Final = "privacy.retained"
"""Action of a batch's audit event."""

FINISHED: Final = "privacy.retention_finished"
"""Action of the event that closes a run."""

_SUBJECT: Final = "retention:"
_ANSWERS: Final = table("api_stored_answers", column("id"), column("created_at", UtcDateTime))
"""A table of an edge; its rows are deleted by age alone."""

Work = Callable[["House", "Session", "datetime", int], int]
"""``work(house, session, before, limit)`` takes at most about ``limit`` rows from before an instant; how many."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one run did: rows by the name of their rule. ``finished_at`` is null where it was killed, or still goes
    on.
    """

    run: str
    began_at: datetime
    finished_at: datetime | None
    rows: dict[str, int]


def retain(house: House, now: datetime, *, actor: Actor, limit: int = BATCH) -> Report:
    """Apply every rule; what went. Each batch is a transaction of its own."""
    run = f"{now:%Y%m%dT%H%M%SZ}-{ids.random_id('', 6)}"
    rows = {rule.name: _apply(house, rule, run, now, actor, limit) for rule in rules.RULES}
    with house.db.transaction() as session:
        record_event(session, actor, FINISHED, _SUBJECT + run, {"rows": rows}, now=now)
    return Report(run, now, now, rows)


def _apply(house: House, rule: Rule, run: str, now: datetime, actor: Actor, limit: int) -> int:
    before = rule.kept.before(now)
    gone = 0
    while True:
        with house.db.transaction() as session:
            taken = WORK[rule.name](house, session, before, limit)
            if taken:
                details = {
                    "rule": rule.name,
                    "table": rule.table,
                    "rows": taken,
                    "deed": rule.deed.value,
                    "before": before.isoformat(),
                    "why": f"kept for {rule.kept} from {rule.since}",
                }
                record_event(session, actor, RETAINED, _SUBJECT + run, details, now=now)
        gone += taken
        if not taken:
            return gone


def reports(session: Session, limit: int = 1) -> list[Report]:
    """The newest runs that did anything or came to their end, newest first."""
    events = session.scalars(
        select(AuditEvent)
        .where(AuditEvent.subject.in_(_runs(session, limit)))
        .order_by(AuditEvent.subject.desc(), AuditEvent.id)
    )
    found: dict[str, Report] = {}
    for event in events:
        run = event.subject.removeprefix(_SUBJECT)
        report = found.get(run) or Report(run, event.at, None, {rule.name: 0 for rule in rules.RULES})
        if event.action == FINISHED:
            report = Report(run, report.began_at, event.at, report.rows | event.details["rows"])
        else:
            rule, taken = event.details["rule"], event.details["rows"]
            report = Report(
                run, report.began_at, None, report.rows | {rule: report.rows.get(rule, 0) + taken}
            )
        found[run] = report
    return list(found.values())


def _runs(session: Session, limit: int) -> list[str]:
    """Subjects are found by their index, and their names sort by time."""
    return list(
        session.scalars(
            select(AuditEvent.subject)
            .where(AuditEvent.subject > _SUBJECT, AuditEvent.subject < _SUBJECT + "~")
            .group_by(AuditEvent.subject)
            .order_by(AuditEvent.subject.desc())
            .limit(limit)
        )
    )


def _delete(
    session: Session,
    target: TableClause,
    key: ColumnElement[Any],
    limit: int,
    *which: ColumnElement[bool],
) -> int:
    chosen = select(key).where(*which).limit(limit).scalar_subquery()
    return _count(session, delete(target).where(key.in_(chosen)))


def _count(session: Session, statement: Any) -> int:  # noqa: ANN401 - an update or a delete
    return cast("CursorResult[Any]", session.connection().execute(statement)).rowcount


def _clicks(_house: House, session: Session, before: datetime, limit: int) -> int:
    """Clicks are indexed by programme and time; their totals were counted when they were written."""
    clicks = table_of(Click)
    return sum(
        _delete(session, clicks, clicks.c.id, limit, clicks.c.program_id == program_id, clicks.c.at < before)
        for program_id in session.scalars(select(Program.id)).all()
    )


def _visitor_keys(_house: House, session: Session, before: datetime, limit: int) -> int:
    keys = table_of(VisitorKey)
    return _delete(session, keys, keys.c.day, limit, keys.c.day <= before.date())


def _networks(_house: House, session: Session, before: datetime, limit: int) -> int:
    networks = table_of(ReferrerNetwork)
    return _delete(session, networks, networks.c.day, limit, networks.c.day <= before.date())


def _orders(_house: House, session: Session, before: datetime, limit: int) -> int:
    return total_orders(session, before, limit)


def _signups(_house: House, session: Session, before: datetime, limit: int) -> int:
    return clear_signups(session, before, limit)


def _leads(_house: House, session: Session, before: datetime, _limit: int) -> int:
    return forget_prospects(session, before + FORGOTTEN_AFTER)


def _payers(_house: House, session: Session, before: datetime, limit: int) -> int:
    """Where a review found that a referrer had paid, the fingerprint stays: the decision rests on it."""
    found_out = (
        select(Hold.id)
        .join(Commission, Commission.id == Hold.commission_id)
        .where(Commission.order_id == Order.id, Hold.rule == HoldRule.SELF_REFERRAL_IBAN)
        .exists()
    )
    old = (
        select(Order.id, Order.program_id, Order.order_id, Order.customer_id)
        .where(
            Order.program_id.in_(session.scalars(select(Program.id)).all()),
            Order.placed_at < before,
            Order.payer_iban_key.is_not(None),
            ~found_out,
        )
        .limit(limit)
    )
    found = session.execute(old).all()
    free = free_customers(session, {row.customer_id for row in found})
    orders = [row for row in found if row.customer_id in free]
    forget_payers(session, [(row.program_id, row.order_id) for row in orders])
    return len(orders)


def _evidence(_house: House, session: Session, before: datetime, limit: int) -> int:
    holds = table_of(Hold)
    old = (
        select(holds.c.id)
        .where(
            (holds.c.closed_at < before)
            # A note that nobody looked at is as old as its making.
            | ((holds.c.state == HoldState.NOTED) & (holds.c.opened_at < before)),
            holds.c.state != HoldState.OPEN,
            sql_cast(holds.c.evidence, String) != "{}",
        )
        .limit(limit)
    )
    return _count(session, update(holds).where(holds.c.id.in_(old.scalar_subquery())).values(evidence={}))


def _contests(_house: House, session: Session, before: datetime, limit: int) -> int:
    return clear_words(session, Contest.answered_at < before, limit=limit)


def _ratings(_house: House, session: Session, before: datetime, limit: int) -> int:
    return forget_refused(session, before, limit)


def _reports(_house: House, session: Session, before: datetime, limit: int) -> int:
    return forget_reports(session, before, limit)


def _mails(house: House, session: Session, before: datetime, limit: int) -> int:
    return house.mail.forget_old(session, before, limit)


def _sessions(_house: House, session: Session, before: datetime, limit: int) -> int:
    sessions = table_of(UserSession)
    return _delete(session, sessions, sessions.c.id, limit, sessions.c.expires_at < before)


def _addresses(_house: House, session: Session, before: datetime, limit: int) -> int:
    rows = table_of(EmailChange)
    return _delete(session, rows, rows.c.id, limit, rows.c.asked_at < before)


def _invitations(_house: House, session: Session, before: datetime, limit: int) -> int:
    rows = table_of(TeamInvitation)
    return _delete(session, rows, rows.c.id, limit, rows.c.expires_at < before)


def _hand_overs(_house: House, session: Session, before: datetime, limit: int) -> int:
    rows = table_of(HandOver)
    return _delete(session, rows, rows.c.id, limit, rows.c.expires_at < before)


def _customer_sessions(_house: House, session: Session, before: datetime, limit: int) -> int:
    rows = table_of(CustomerSession)
    return _delete(session, rows, rows.c.id, limit, rows.c.expires_at < before)


def _answers(_house: House, session: Session, before: datetime, limit: int) -> int:
    return _delete(session, _ANSWERS, _ANSWERS.c.id, limit, _ANSWERS.c.created_at < before)


WORK: Final[dict[str, Work]] = {
    rules.CLICKS.name: _clicks,
    rules.VISITOR_KEYS.name: _visitor_keys,
    rules.NETWORKS.name: _networks,
    rules.ORDERS.name: _orders,
    rules.SIGNUPS.name: _signups,
    rules.LEADS.name: _leads,
    rules.PAYERS.name: _payers,
    rules.EVIDENCE.name: _evidence,
    rules.CONTESTS.name: _contests,
    rules.RATINGS.name: _ratings,
    rules.REPORTS.name: _reports,
    rules.MAILS.name: _mails,
    rules.SESSIONS.name: _sessions,
    rules.ADDRESSES.name: _addresses,
    rules.INVITATIONS.name: _invitations,
    rules.HAND_OVERS.name: _hand_overs,
    rules.CUSTOMER_SESSIONS.name: _customer_sessions,
    rules.ANSWERS.name: _answers,
}
"""Each rule's work; a test sees that none is missing."""
