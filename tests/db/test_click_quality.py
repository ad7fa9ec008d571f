"""The nightly report of click labels: made once a night from the totals; no click goes before its time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.jobs import perform
from app.jobs.registry import JOBS, KEEP_HOUSE, REPORT_CLICKS
from app.jobs.schedule import TICKS
from app.kernel import clock
from app.kernel.keyset import Part
from app.referrals.click_record import ClickRecord
from app.referrals.click_report import make_reports
from app.referrals.click_rows import CLICK_DAYS, write_clicks
from app.referrals.domain.click_id import milliseconds
from app.referrals.domain.click_label import ClickLabel
from app.referrals.domain.click_quality import suspicion_ppm
from app.referrals.models import Click, ClickQuality, ClickTotal, Program
from app.referrals.queries.click_quality import quality, reported_until
from app.referrals.queries.work_lists import QUALITY_WAYS, click_quality
from tests.builders import World, at

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.queries.click_quality import QualityRow
    from app.services import Services

NIGHT = at("2026-11-22 01:00")
YESTERDAY = date(2026, 11, 21)


class Tracks:
    """Clicks of a programme's referrers, written as the drain writes them."""

    def __init__(self, services: Services) -> None:
        self.db = services.db
        with self.db.transaction() as session:
            world = World.build(session)
            self.program_id = world.program.id
            self.ids = {name: referrer.id for name, referrer in world.referrers.items()}
        self._number = 0

    def clicks(self, name: str, when: datetime, **labels: int) -> None:
        records = []
        for label, count in labels.items():
            for _each in range(count):
                self._number += 1
                records.append(
                    ClickRecord(
                        event_id=f"event-{self._number}",
                        at_ms=milliseconds(when),
                        program_id=self.program_id,
                        referrer_id=self.ids[name],
                        campaign="" if self._number % 2 else "mail",
                        visitor="",
                        agent="",
                        source_host="",
                        label=label,
                        click_id="",
                    )
                )
        with self.db.transaction() as session:
            write_clicks(session, records)

    def report(self, days: int = 30) -> list[tuple[int, dict[ClickLabel, int], int]]:
        with self.db.reading() as session:
            return [
                (
                    row.referrer_id,
                    {label: count for label, count in row.counts.items() if count},
                    row.suspicion_ppm,
                )
                for row in reported(session, self.program_id, days)
            ]


def reported(
    session: Session, program_id: int, days: int, *, after: tuple[int, int] | None = None, limit: int = 50
) -> list[QualityRow]:
    return click_quality(session, program_id, days, None, Part(QUALITY_WAYS["suspicion"], after, limit))


@pytest.fixture
def tracks(services: Services) -> Tracks:
    return Tracks(services)


def test_the_most_suspicious_stands_first_with_the_counts_of_each_label(tracks: Tracks) -> None:
    tracks.clicks("ada", at("2026-11-21 10:00"), counted=40, duplicate=2, prefetch=3, head=1)
    tracks.clicks("bob", at("2026-11-21 10:00"), counted=5, bot=30, embedded=4, bad_tag=1)
    tracks.clicks("ada", at("2026-11-10 10:00"), counted=10)
    assert make_reports(tracks.db, NIGHT) == 1
    bob = {ClickLabel.COUNTED: 5, ClickLabel.BOT: 30, ClickLabel.EMBEDDED: 4, ClickLabel.BAD_TAG: 1}
    ada = {ClickLabel.COUNTED: 40, ClickLabel.DUPLICATE: 2, ClickLabel.PREFETCH: 3, ClickLabel.HEAD: 1}
    assert tracks.report(1) == [
        (tracks.ids["bob"], bob, suspicion_ppm(bob)),
        (tracks.ids["ada"], ada, suspicion_ppm(ada)),
    ]
    longer = ada | {ClickLabel.COUNTED: 50}
    assert tracks.report(30)[1] == (tracks.ids["ada"], longer, suspicion_ppm(longer))


def test_a_report_covers_whole_days_of_the_programme(tracks: Tracks) -> None:
    """Amsterdam is an hour ahead of UTC: 23:30 UTC is the next day there, and not over at one in the night."""
    for when, counted in (
        ("2026-10-22 21:30", 1),  # 22 October, 23:30 in summer time: before the thirty days
        ("2026-10-22 22:30", 2),  # 23 October, 0:30: the first of them
        ("2026-11-20 22:30", 4),  # 20 November, 23:30
        ("2026-11-20 23:30", 8),  # 21 November, 0:30
        ("2026-11-21 22:30", 16),  # 21 November, 23:30
        ("2026-11-21 23:30", 32),  # 22 November, 0:30: today
    ):
        tracks.clicks("ada", at(when), counted=counted)
    make_reports(tracks.db, NIGHT)
    assert tracks.report(1)[0][1] == {ClickLabel.COUNTED: 8 + 16}
    assert tracks.report(30)[0][1] == {ClickLabel.COUNTED: 2 + 4 + 8 + 16}


def test_a_report_is_made_once_a_night_and_takes_the_place_of_the_last(tracks: Tracks) -> None:
    tracks.clicks("ada", at("2026-11-21 10:00"), counted=1)
    tracks.clicks("bob", at("2026-10-23 10:00"), bot=1)
    assert make_reports(tracks.db, NIGHT) == 1
    assert make_reports(tracks.db, NIGHT + timedelta(hours=20)) == 0
    assert len(tracks.report()) == 2
    assert make_reports(tracks.db, NIGHT + timedelta(days=1)) == 1
    assert [row[0] for row in tracks.report()] == [tracks.ids["ada"]]
    assert tracks.report(1) == []
    with tracks.db.reading() as session:
        assert reported_until(session, tracks.program_id, 30) == date(2026, 11, 22)
        assert session.scalars(select(func.count()).select_from(ClickQuality)).one() == 1


def test_the_report_can_be_read_on_from_any_row(tracks: Tracks) -> None:
    tracks.clicks("ada", at("2026-11-21 10:00"), counted=3)
    tracks.clicks("bob", at("2026-11-21 10:00"), counted=3)
    make_reports(tracks.db, NIGHT)
    with tracks.db.reading() as session:
        first = reported(session, tracks.program_id, 30, limit=1)
        after = (first[0].suspicion_ppm, first[0].referrer_id)
        rest = reported(session, tracks.program_id, 30, after=after)
    assert {first[0].code, *(row.code for row in rest)} == {"ada-hosting", "bob-hosting"}
    assert len(rest) == 1


def test_the_night_s_report_and_one_made_from_the_totals_say_the_same(tracks: Tracks) -> None:
    tracks.clicks("ada", at("2026-11-21 10:00"), counted=7, bot=3)
    tracks.clicks("bob", at("2026-11-01 10:00"), head=2)
    make_reports(tracks.db, NIGHT)
    with tracks.db.reading() as session:
        now_made = quality(session, tracks.program_id, YESTERDAY, 30, 50)
        kept = reported(session, tracks.program_id, 30)
    assert now_made == kept
    assert [(row.clicks, row.counted_ppm) for row in kept] == [(10, 700_000), (2, 0)]


def test_the_scheduler_has_the_report_made(services: Services, tracks: Tracks) -> None:
    assert REPORT_CLICKS in {tick.name for tick in TICKS}
    tracks.clicks("ada", at("2026-11-21 10:00"), counted=1)
    with clock.frozen(NIGHT):
        perform(services, REPORT_CLICKS, [])
    assert len(tracks.report()) == 1


def test_no_click_goes_before_its_retention_whatever_runs(services: Services, tracks: Tracks) -> None:
    """Every scheduled job, at the last instant of a click's ninety days, and at the first after them."""
    tracks.clicks("ada", at("2026-08-01 10:00"), counted=1, bot=1, bad_tag=1)
    ends = at("2026-08-01 10:00") + timedelta(days=CLICK_DAYS)

    def left(now: datetime) -> tuple[int, int]:
        with clock.frozen(now):
            for tick in TICKS:
                perform(services, tick.name, [])
        with tracks.db.reading() as session:
            clicks = session.scalars(select(func.count()).select_from(Click)).one()
            totals = session.scalars(select(func.sum(ClickTotal.count))).one()
        return clicks, totals

    assert CLICK_DAYS == 90
    assert KEEP_HOUSE in JOBS
    assert left(ends) == (3, 3)
    assert left(ends + timedelta(milliseconds=1)) == (0, 3)


def test_a_programme_without_clicks_has_no_report(tracks: Tracks) -> None:
    make_reports(tracks.db, NIGHT)
    assert tracks.report() == []
    with tracks.db.reading() as session:
        program = session.scalars(select(Program)).one()
        assert reported_until(session, program.id, 1) is None
