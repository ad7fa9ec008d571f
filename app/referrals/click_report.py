"""The nightly report of click labels per referrer: made from the totals, kept for the staff's page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import delete, func, insert, literal, select

from app.kernel.clock import local_day
from app.kernel.db import table_of
from app.referrals.domain.click_label import ClickLabel
from app.referrals.domain.click_quality import SPANS
from app.referrals.models import ClickQuality, Program
from app.referrals.queries.click_quality import label_sums, reported_until

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.kernel.db import Database

_log = structlog.get_logger(__name__)

_REPORTS = table_of(ClickQuality)
_HALF = 500_000


def make_reports(db: Database, now: datetime) -> int:
    """Make the report of every programme whose day has ended since its last one; how many were made.

    Again on the same day it makes none. One transaction a programme.
    """
    made = 0
    with db.reading() as session:
        programs = session.execute(
            select(Program.id, Program.slug, Program.timezone).order_by(Program.id)
        ).all()
    for program_id, slug, timezone in programs:
        until = local_day(now, timezone) - timedelta(days=1)
        with db.transaction() as session:
            if any(reported_until(session, program_id, days) == until for days in SPANS):
                continue
            for days in SPANS:
                make_report(session, program_id, until, days)
            suspicious = session.scalars(
                select(func.count()).where(
                    ClickQuality.program_id == program_id,
                    ClickQuality.days == max(SPANS),
                    ClickQuality.suspicion_ppm >= _HALF,
                )
            ).one()
        made += 1
        _log.info("click_quality_reported", program=slug, until=until.isoformat(), suspicious=suspicious)
    return made


def make_report(session: Session, program_id: int, until: date, days: int) -> None:
    """Put the report of the ``days`` days up to ``until`` in the place of the one before."""
    session.execute(delete(_REPORTS).where(_REPORTS.c.program_id == program_id, _REPORTS.c.days == days))
    sums = label_sums(program_id, until, days)
    names = [
        "referrer_id",
        *(label.value for label in ClickLabel),
        "suspicion_ppm",
        "program_id",
        "days",
        "until",
    ]
    whole = sums.add_columns(literal(program_id), literal(days), literal(until, _REPORTS.c.until.type))
    session.execute(insert(_REPORTS).from_select(names, whole))
