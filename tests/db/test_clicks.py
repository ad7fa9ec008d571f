"""The drain: every click once, wherever it waits and whoever dies on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select

from app.kernel import clock, ids
from app.referrals import clicks
from app.referrals.click_record import BrokenRecord, ClickRecord
from app.referrals.click_rows import record_from_click_id
from app.referrals.click_writer import GROUP, ClickWriter
from app.referrals.clicks import (
    ClickStreamUnreachable,
    drain,
    oldest_undrained_seconds,
    run_writer,
    spool_bytes,
    spool_of,
)
from app.referrals.domain import click_id as codec
from app.referrals.models import Binding, Click, ClickTotal
from app.referrals.stream import STREAM
from app.referrals.visitor_keys import VisitorKeys
from tests.builders import World, at
from tests.support.clicks import FIREFOX, Tracks, ref_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.kernel.db import Database
    from config import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tracks(settings: Settings) -> Iterator[Tracks]:
    built = Tracks.build(settings)
    yield built
    built.db.dispose()


def record(
    tracks: Tracks, *, label: str = "counted", at_ms: int | None = None, referrer_id: int | None = 1
) -> ClickRecord:
    """A click as the redirect would append it."""
    when = codec.milliseconds(clock.now()) if at_ms is None else at_ms
    nonce = ids.token_bytes(codec.NONCE_BYTES)
    click_id = (
        tracks.links.sign_click(codec.payload(when, nonce, codec.link_tail(1, referrer_id, "")))
        if referrer_id
        else ""
    )
    event = codec.event_id(when, nonce)
    return ClickRecord(
        event, when, 1, referrer_id, "", "ab" * 16, "Firefox 144", "blog.example", label, click_id
    )


def append(tracks: Tracks, *records: ClickRecord) -> None:
    with tracks.redis() as redis:
        for one in records:
            redis.xadd(STREAM, {"l": one.label, "c": one.click_id, "r": one.body()})


def test_a_crash_between_commit_and_acknowledgement_writes_no_click_twice(
    tracks: Tracks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for agent in (FIREFOX, "Mozilla/5.0 Other/1"):
        tracks.follow(agent=agent)
    with monkeypatch.context() as patch:
        patch.setattr(Redis, "pipeline", lambda *_args, **_kwargs: sys.exit("killed"))
        with pytest.raises(SystemExit):
            drain(tracks)
    assert tracks.totals() == {"counted": 2}, "the crash came after the commit"
    assert tracks.stream_length() == 2
    assert drain(tracks) == 0
    assert tracks.stream_length() == 0
    assert tracks.totals() == {"counted": 2}


def test_a_crash_before_the_commit_loses_no_click(tracks: Tracks, monkeypatch: pytest.MonkeyPatch) -> None:
    tracks.follow()
    with monkeypatch.context() as patch:
        patch.setattr("app.referrals.click_rows.upsert_add", lambda *_args, **_kwargs: sys.exit("killed"))
        with pytest.raises(SystemExit):
            drain(tracks)
    assert tracks.labels() == []
    assert drain(tracks) == 1
    assert tracks.labels() == ["counted"]


def test_writers_killed_with_9_at_any_moment_end_in_the_same_counts(tracks: Tracks) -> None:
    spool = spool_of(tracks.settings)
    for number in range(3_000):
        one = record(tracks)
        if number % 3:
            append(tracks, one)
        else:
            spool.append(one)
    program = """
import os, sys
from app.kernel.db import Database
from app.referrals import click_writer, clicks
from types import SimpleNamespace
from config import Settings
click_writer.BATCH = 50
settings = Settings.from_env()
print("ready", flush=True)
clicks.drain(SimpleNamespace(db=Database(settings.database_url), settings=settings))
"""
    environ = {
        **os.environ,
        "DATABASE_URL": tracks.settings.database_url,
        "REDIS_URL": tracks.settings.redis_url,
        "VAR_DIR": str(tracks.settings.var_dir),
        "LINK_KEYS": ",".join(tracks.settings.link_keys),
    }
    for pause in (0.0, 0.03, 0.08, 0.15):
        with subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(pause)  # somewhere in the middle of a batch
            process.send_signal(signal.SIGKILL)
    drain(tracks)
    assert tracks.totals() == {"counted": 3_000}
    assert len(tracks.clicks()) == 3_000
    assert (tracks.stream_length(), spool_bytes(tracks)) == (0, 0)


def test_two_drains_at_once_count_each_click_once(tracks: Tracks) -> None:
    append(tracks, *(record(tracks) for _ in range(1_500)))
    errors: list[BaseException] = []

    def work() -> None:
        try:
            drain(tracks)
        except BaseException as error:  # noqa: BLE001 - told to the test
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert tracks.totals() == {"counted": 1_500}


def test_the_drain_takes_what_another_writer_left_unacknowledged(tracks: Tracks) -> None:
    append(tracks, record(tracks), record(tracks))
    with tracks.redis() as redis:
        redis.xgroup_create(STREAM, GROUP, "0")
        redis.xreadgroup(GROUP, "a writer that died", {STREAM: ">"})
    assert drain(tracks) == 2


def test_a_click_that_is_in_stream_and_spool_counts_once(tracks: Tracks) -> None:
    one = record(tracks)
    append(tracks, one)
    spool_of(tracks.settings).append(one)
    assert drain(tracks) == 1
    assert tracks.totals() == {"counted": 1}


def test_a_redis_that_lost_everything_is_no_obstacle(tracks: Tracks) -> None:
    append(tracks, record(tracks))
    drain(tracks)
    with tracks.redis() as redis:
        redis.flushall()
        redis.script_flush()
    assert ref_of(tracks.follow())
    assert drain(tracks) == 1


def test_with_redis_away_the_spool_is_drained_and_the_drain_says_what_is_missing(
    tracks: Tracks, tmp_path: Path
) -> None:
    spool_of(tracks.settings).append(record(tracks))
    tracks.settings = replace(tracks.settings, redis_url=f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(ClickStreamUnreachable, match="Redis does not answer"):
        drain(tracks)
    assert tracks.labels() == ["counted"]
    with pytest.raises(RedisError):
        oldest_undrained_seconds(tracks, clock.now())


def test_what_no_database_takes_or_nobody_can_read_stops_nothing(tracks: Tracks) -> None:
    append(tracks, record(tracks), record(tracks)._replace(program_id=999), record(tracks))
    with tracks.redis() as redis:
        redis.xadd(STREAM, {"l": "counted", "c": "", "r": "nonsense"})
        redis.xadd(STREAM, {"other": "fields"})
        redis.xadd(STREAM, {"l": b"\xff", "c": "", "r": ""})
    assert drain(tracks) == 2
    assert tracks.stream_length() == 0
    assert tracks.totals() == {"counted": 2}


def test_totals_are_by_day_of_the_programmes_time_zone(tracks: Tracks) -> None:
    before, after = at("2026-07-10 21:59:59"), at("2026-07-10 22:00:00")
    append(tracks, *(record(tracks, at_ms=codec.milliseconds(when)) for when in (before, after)))
    drain(tracks)
    with tracks.db.reading() as session:
        days = session.scalars(select(ClickTotal.day).order_by(ClickTotal.day)).all()
    assert [day.isoformat() for day in days] == ["2026-07-10", "2026-07-11"]


def test_a_lost_click_is_written_from_its_id_and_its_late_record_is_not_counted_again(tracks: Tracks) -> None:
    text = ref_of(tracks.follow()) or ""
    click = tracks.links.read_click_id(text)
    assert click is not None
    for _ in range(2):
        with tracks.db.transaction() as session:
            record_from_click_id(session, text, click, clock.now())
            record_from_click_id(session, text, click, clock.now())
    (row,) = tracks.clicks()
    assert (row.click_id, row.label, row.at, row.referrer_id) == (
        text,
        "counted",
        click.at,
        click.referrer_id,
    )
    assert drain(tracks) == 0
    assert tracks.totals() == {"counted": 1}


def test_a_signup_is_attributed_and_its_click_written_although_its_record_was_destroyed(
    database: Database,
) -> None:
    with database.transaction() as session:
        world = World.build(session)
        text = world.click("ada", at("2026-10-01"))
        world.signup("c1", when="2026-10-02", click_ids=(text, "forged"))
    with database.reading() as session:
        (click,) = session.scalars(select(Click))
        (binding,) = session.scalars(select(Binding))
    assert (click.click_id, click.label, click.at) == (text, "counted", at("2026-10-01"))
    assert binding.referrer_id == click.referrer_id == world.referrers["ada"].id


def test_a_click_already_written_keeps_its_label_when_its_id_comes_back(tracks: Tracks) -> None:
    text = ref_of(tracks.follow(agent="curl/8.5.0")) or ""
    drain(tracks)
    click = tracks.links.read_click_id(text)
    assert click is not None
    with tracks.db.transaction() as session:
        record_from_click_id(session, text, click, clock.now())
    assert tracks.totals() == {"bot": 1}


def test_a_click_whose_row_was_deleted_for_its_age_is_not_counted_a_second_time(tracks: Tracks) -> None:
    text = tracks.links.new_click_id(clock.now() - timedelta(days=91), 1, 1)
    click = tracks.links.read_click_id(text)
    assert click is not None
    with tracks.db.transaction() as session:
        record_from_click_id(session, text, click, clock.now())
    assert (tracks.labels(), tracks.totals()) == ([], {})


def test_a_rolled_back_signup_writes_no_click(tracks: Tracks) -> None:
    text = tracks.links.new_click_id(clock.now(), 1, 1)
    click = tracks.links.read_click_id(text)
    assert click is not None
    with suppress(ZeroDivisionError), tracks.db.transaction() as session:
        record_from_click_id(session, text, click, clock.now())
        1 / 0  # noqa: B018 - any failure of the signup
    assert tracks.labels() == []


def test_the_running_writer_drains_stream_and_spool_and_waits_out_a_failure(
    tracks: Tracks, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError("away")])
    spooled = ClickWriter.spooled

    def once_away(self: ClickWriter) -> int:
        for failure in failures:
            raise failure
        return spooled(self)

    monkeypatch.setattr(ClickWriter, "spooled", once_away)
    monkeypatch.setattr(clicks, "_PAUSE", 0.01)
    monkeypatch.setattr(clicks, "_WAIT_MS", 10)
    append(tracks, record(tracks))
    spool_of(tracks.settings).append(record(tracks))
    stop = threading.Event()
    writer = threading.Thread(target=run_writer, args=(tracks, stop))
    writer.start()
    deadline = time.monotonic() + 20
    while len(tracks.labels()) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    writer.join()
    assert tracks.totals() == {"counted": 2}


def test_the_oldest_undrained_click_and_the_spools_size_are_told(tracks: Tracks) -> None:
    assert (oldest_undrained_seconds(tracks, clock.now()), spool_bytes(tracks)) == (0, 0)
    append(tracks, record(tracks))
    assert oldest_undrained_seconds(tracks, clock.now() + timedelta(seconds=60)) == pytest.approx(60, abs=5)
    spool_of(tracks.settings).append(record(tracks, at_ms=codec.milliseconds(clock.now()) - 3_600_000))
    assert oldest_undrained_seconds(tracks, clock.now()) == pytest.approx(3_600, abs=5)
    assert spool_bytes(tracks) > 100
    drain(tracks)
    assert (oldest_undrained_seconds(tracks, clock.now()), spool_bytes(tracks)) == (0, 0)


def test_without_a_database_a_random_key_of_this_process_serves(tracks: Tracks, tmp_path: Path) -> None:
    keys = VisitorKeys(type(tracks.db)(f"sqlite:///{tmp_path}/gone/nowhere.db"))
    assert keys.key(0) == keys.key(0)
    assert len(keys.key(0)) == 32


@pytest.mark.parametrize("text", ["", "1", "2\ta\t1\t1\t1\t\t\t\t", "1\ta\tx\t1\t1\t\t\t\t", "1\ta\t1\t1"])
def test_text_that_is_no_click_is_refused(text: str) -> None:
    with pytest.raises(BrokenRecord):
        ClickRecord.read(text, "counted", "")


def test_a_click_survives_its_text_form(tracks: Tracks) -> None:
    for one in (record(tracks), record(tracks, label="bad_tag", referrer_id=None)):
        assert ClickRecord.read(one.body(), one.label, one.click_id) == one
