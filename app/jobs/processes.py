"""The three kinds of process that ``worker.py`` keeps alive: RQ workers, the scheduler, the click writer."""

from __future__ import annotations

import signal
from threading import Event
from typing import TYPE_CHECKING, Final

import structlog
from redis import Redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from app.factory import build_services
from app.jobs.schedule import run_scheduler
from app.kernel import clock
from app.kernel.crypto import CannotOpen
from app.kernel.queue import QUEUE_NAME
from app.kernel.sealed import keep_root
from app.observe import logs
from app.referrals.clicks import run_writer

if TYPE_CHECKING:
    from types import FrameType

    from config import Settings

_log = structlog.get_logger(__name__)

# RQ's defaults leave the job of a killed worker lying for seven minutes; with these it runs again within 75
# seconds.
WORKER_TTL: Final = 25
JOB_MONITORING_SECONDS: Final = 5
MAINTENANCE_SECONDS: Final = 5


def rq_worker(settings: Settings) -> None:
    """Work on the queue until told to stop. Each job runs in a fork of its own. Ends when Redis goes away."""
    logs.configure(settings.log_level)
    # Not the services' client: a worker waits on the queue for longer than a request may.
    connection = Redis.from_url(settings.redis_url)
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    worker = Worker(
        [queue],
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL,
        job_monitoring_interval=JOB_MONITORING_SECONDS,
        maintenance_interval=MAINTENANCE_SECONDS,
        log_job_description=False,
    )
    worker.work(logging_level=settings.log_level)


def scheduler(settings: Settings) -> None:
    """Make the jobs that the clock calls for, until told to stop."""
    logs.configure(settings.log_level)
    services = build_services(settings)
    try:
        keep_root(services.db, services.keyring, clock.now())
    except CannotOpen as error:
        # Pages say so too, wherever something sealed is needed; the clock has other work than that.
        _log.exception("encryption_key_missing", detail=error.detail)
    run_scheduler(services, _until_told())


def click_writer(settings: Settings) -> None:
    """Write clicks from stream and spool into the database, until told to stop."""
    logs.configure(settings.log_level)
    run_writer(build_services(settings), _until_told())


def _until_told() -> Event:
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop
