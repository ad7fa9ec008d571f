"""The real worker process: what it runs, what it survives, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from rq.registry import StartedJobRegistry

from app.kernel import clock, heartbeat
from app.kernel.queue import JobRequest
from app.mail.models import Mail, MailKind
from app.mail.outbox import NewMail, queue_mail
from tests.support.house import ROOT
from tests.support.worker import SLOW
from tests.support.workers import children, until, worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.services import Services
    from config import Settings


def a_mail(key: str) -> NewMail:
    context = {"name": "Ada", "program": "Hosting", "since_on": "2026-09-01"}
    return NewMail(key, MailKind.PARTNER_CHOSEN, "ada@example.org", "en", context)


@pytest.fixture
def letters(settings: Settings) -> Callable[[], list[Path]]:
    return lambda: sorted((settings.var_dir / "mail").glob("*.eml"))


def test_a_job_collected_in_a_transaction_runs_after_its_commit(
    services: Services, settings: Settings, letters: Callable[[], list[Path]]
) -> None:
    with services.db.transaction() as session:
        queue_mail(session, a_mail("committed"), now=clock.now())
        assert services.queue.queue.count == 0
    assert services.queue.queue.count == 1
    with worker(settings, "--no-scheduler", "--no-clicks"):
        assert until(letters)
    assert "ada@example.org" in letters()[0].read_text()


def test_a_job_of_a_transaction_that_failed_is_never_sent(services: Services) -> None:
    def fail_after_collecting() -> None:
        with services.db.transaction() as session:
            queue_mail(session, a_mail("rolled back"), now=clock.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_collecting()
    assert services.queue.queue.count == 0


def test_a_job_that_was_lost_between_commit_and_queue_is_swept_up(
    services: Services, settings: Settings, letters: Callable[[], list[Path]]
) -> None:
    services.db.on_commit = lambda _jobs: None  # the process died here
    with services.db.transaction() as session:
        queue_mail(session, a_mail("lost"), now=clock.now() - timedelta(minutes=2))
    assert services.queue.queue.count == 0
    with worker(settings, "--no-clicks"):
        assert until(letters)
        assert until(lambda: heartbeat.SCHEDULER in heartbeat.last_beats(services.queue.redis))
    with services.db.reading() as session:
        assert session.query(Mail).one().sent_at is not None


def test_a_job_whose_worker_was_killed_ends_with_it_and_runs_again(
    sqlite_url: str, valkey_url: str, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    from app.factory import build_services

    settings = make_settings(DATABASE_URL=sqlite_url, REDIS_URL=valkey_url)
    services = build_services(settings)
    services.queue.send([JobRequest(SLOW, (str(tmp_path),))])
    with worker(settings, "--no-clicks") as process:
        begun = tmp_path / "begun"
        assert until(lambda: begun.exists() and begun.read_text())
        job = int(begun.read_text())
        rq_worker = next(child for child in children(process.pid) if job in children(child))
        os.kill(rq_worker, signal.SIGKILL)
        assert until(lambda: not Path(f"/proc/{job}").exists())
        # RQ gives a worker it has not heard of for 65 seconds up: here that time passes at once.
        registry = StartedJobRegistry(queue=services.queue.queue)
        for member in cast("list[bytes]", services.queue.redis.zrange(registry.key, 0, -1)):
            services.queue.redis.zadd(registry.key, {member: time.time() - 1})
        assert until((tmp_path / "done").exists, 40)
    services.db.dispose()
    services.queue.close()


def test_a_worker_that_is_told_to_stop_leaves_no_process(
    sqlite_url: str, valkey_url: str, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    from app.factory import build_services

    settings = make_settings(DATABASE_URL=sqlite_url, REDIS_URL=valkey_url)
    services = build_services(settings)
    services.queue.send([JobRequest(SLOW, (str(tmp_path),))])
    with worker(settings) as process:
        assert until((tmp_path / "begun").exists)
        started = children(process.pid)
        assert len(started) == 3
        process.terminate()
        assert process.wait(30) == 0
        assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
        assert not Path(f"/proc/{(tmp_path / 'begun').read_text()}").exists()
    services.db.dispose()
    services.queue.close()


def test_a_wrong_setting_stops_the_worker_with_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "worker.py"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": "mysql://x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "DATABASE_URL is not valid: expected a SQLAlchemy URL: sqlite or postgresql\n"
