"""Clicks in the database: each written once, and totals that count exactly what was written."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.kernel.clock import local_day
from app.kernel.db import before_commit, on_sqlite, table_of, upsert_add
from app.referrals.click_record import ClickRecord
from app.referrals.domain.click_id import milliseconds
from app.referrals.domain.click_label import ClickLabel
from app.referrals.models import Click, ClickTotal, Program

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from sqlalchemy.orm import Session

    from app.referrals.domain.click_id import ClickId

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOST: Final = "lost_clicks"

CLICK_DAYS: Final = 90
"""How long raw clicks live; their totals stay."""


def write_clicks(session: Session, records: Iterable[ClickRecord]) -> int:
    """Write the clicks that are not there yet, by event id, and add them to the totals; how many were new.

    Rows go in by event id and totals by key, so that two writers of the same clicks wait for each other and never
    deadlock on PostgreSQL.
    """
    by_event = {record.event_id: record for record in records}
    if not by_event:
        return 0
    insert = sqlite.insert if on_sqlite(session) else postgresql.insert
    statement = (
        insert(table_of(Click)).on_conflict_do_nothing(index_elements=["event_id"]).returning(Click.event_id)
    )
    rows = [_row(by_event[event_id]) for event_id in sorted(by_event)]
    new = session.connection().execute(statement, rows).scalars().all()
    _add_to_totals(session, [by_event[event_id] for event_id in new])
    if len(new) < len(rows):
        _complete(session, [row for row in rows if row["visitor"] and row["event_id"] not in set(new)])
    return len(new)


def _complete(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """A click that was written from its id alone, because a signup was faster than its record, learns the rest."""
    clicks = table_of(Click)
    known = ("visitor", "network", "agent", "source_host")
    statement = (
        update(clicks)
        .where(clicks.c.event_id == bindparam("event"), clicks.c.visitor.is_(None))
        .values({name: bindparam(f"new_{name}") for name in known})
    )
    if rows:
        values = [{"event": row["event_id"]} | {f"new_{name}": row[name] for name in known} for row in rows]
        session.connection().execute(statement, values)


def record_from_click_id(session: Session, text: str, click: ClickId, now: datetime) -> None:
    """Have the click of a verified id written, unless it is there already; for a record that was lost on its way.

    A click older than :data:`CLICK_DAYS` is left out: its row was deleted and its total has counted it.

    Written at the end of the transaction, together and in order: within it the rows would be locked in the order in
    which customers come, and two of them could wait for each other.
    """
    if click.at < now - timedelta(days=CLICK_DAYS):
        return
    lost: dict[str, ClickRecord] = session.info.setdefault(_LOST, {})
    lost[click.event_id] = ClickRecord(
        event_id=click.event_id,
        at_ms=milliseconds(click.at),
        program_id=click.program_id,
        referrer_id=click.referrer_id,
        campaign=click.campaign,
        visitor="",
        agent="",
        source_host="",
        label=ClickLabel.COUNTED,
        click_id=text,
    )
    before_commit(session, _LOST, _write_lost)


def _write_lost(session: Session) -> None:
    lost: dict[str, ClickRecord] = session.info.pop(_LOST, {})
    write_clicks(session, lost.values())


def _at(record: ClickRecord) -> datetime:
    return _EPOCH + timedelta(milliseconds=record.at_ms)


def _row(record: ClickRecord) -> dict[str, Any]:
    return {
        "event_id": record.event_id,
        "click_id": record.click_id or None,
        "program_id": record.program_id,
        "referrer_id": record.referrer_id,
        "campaign": record.campaign,
        "at": _at(record),
        "label": record.label,
        "visitor": record.visitor or None,
        "network": record.network or None,
        "agent": record.agent[:64] or None,
        "source_host": record.source_host[:255] or None,
    }


def _add_to_totals(session: Session, records: list[ClickRecord]) -> None:
    zones = _time_zones(session, {record.program_id for record in records})
    totals: Counter[tuple[int, date, str, str, int]] = Counter(
        (
            record.referrer_id,
            local_day(_at(record), zones[record.program_id]),
            record.campaign,
            record.label,
            record.program_id,
        )
        for record in records
        if record.referrer_id is not None
    )
    names = ("referrer_id", "day", "campaign", "label", "program_id")
    upsert_add(
        session,
        ClickTotal,
        [dict(zip(names, key, strict=True)) | {"count": count} for key, count in totals.items()],
        key=names[:-1],
        add="count",
    )


def _time_zones(session: Session, program_ids: set[int]) -> dict[int, str]:
    rows = session.execute(select(Program.id, Program.timezone).where(Program.id.in_(program_ids)))
    return dict(rows.all())
