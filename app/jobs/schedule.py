"""What is done again and again, and the process that has it done.

The scheduler only puts jobs on RQ's queue; workers do them. A tick's job id holds its slot of time, so while it
waits or runs no second scheduler makes it again; once it is done, a scheduler that has just started may. A tick
that no worker took within its interval is dropped: the next one does the same, from what the database says is
due by then. RQ's own ``CronScheduler`` is not used because it pickles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from redis.exceptions import RedisError
from rq.exceptions import DuplicateJobError
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer

from app.jobs.documents import ISSUE
from app.jobs.finance import SEAL_DAYS
from app.jobs.payouts import DRAFT_DUE
from app.jobs.registry import (
    DRAIN_VIEWS,
    KEEP_HOUSE,
    LOOK_BACK_AT_CLICKS,
    RECKON_OVERVIEWS,
    REPORT_CLICKS,
    REVIEW_REFERRERS,
    SETTLE_WAITING,
    SWEEP,
    TELL_OF_EVENTS,
    TELL_OF_THE_BOOKS,
)
from app.kernel import clock, heartbeat
from app.kernel.queue import QUEUE_NAME, RUN_JOB

if TYPE_CHECKING:
    from datetime import datetime
    from threading import Event

    from app.factory import Services

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tick:
    """Job ``name``, without arguments, once in every slot of ``seconds``."""

    name: str
    seconds: int


TICKS: Final = (
    Tick(DRAFT_DUE, 60),
    Tick(SWEEP, 60),
    Tick(TELL_OF_EVENTS, 60),
    Tick(DRAIN_VIEWS, 60),
    Tick(TELL_OF_THE_BOOKS, 300),
    Tick(KEEP_HOUSE, 86_400),
    Tick(ISSUE, 86_400),
    Tick(REVIEW_REFERRERS, 86_400),
    Tick(LOOK_BACK_AT_CLICKS, 86_400),
    Tick(SETTLE_WAITING, 3600),  # nothing to do unless an import of exchange rates was cut off
    Tick(SEAL_DAYS, 3600),  # nothing to do but for the first after midnight
    Tick(REPORT_CLICKS, 3600),  # nothing to do but for the first after midnight
    Tick(RECKON_OVERVIEWS, 3600),  # nothing to do but for the first after midnight
)

_LOOK_SECONDS: Final = 1.0


class Scheduler:
    """Makes the ticks' jobs and hands RQ's own delayed jobs (retries) back to the queue."""

    def __init__(self, services: Services, ticks: tuple[Tick, ...] = TICKS) -> None:
        self._queue = services.queue
        self._ticks = ticks
        self._slots: dict[str, int] = {}
        self._delayed = RQScheduler([QUEUE_NAME], connection=self._queue.redis, serializer=JSONSerializer)

    def look(self, now: datetime) -> None:
        """Make what is due at ``now``. Raises ``RedisError`` when the queue does not answer."""
        for tick in self._ticks:
            slot = int(now.timestamp()) // tick.seconds
            if self._slots.get(tick.name) != slot:
                self._send(tick, slot)
                self._slots[tick.name] = slot
        if self._delayed.acquire_locks():  # type: ignore[no-untyped-call]
            self._delayed.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]
        heartbeat.beat(self._queue.redis, heartbeat.SCHEDULER, now)

    def _send(self, tick: Tick, slot: int) -> None:
        try:
            self._queue.queue.enqueue_call(
                RUN_JOB,
                args=(tick.name, []),
                job_id=f"tick-{tick.name}-{slot}".replace(".", "-"),
                unique=True,
                ttl=tick.seconds,
                timeout=3600,
                result_ttl=0,
                failure_ttl=7 * 24 * 3600,
            )
        except DuplicateJobError:
            _log.debug("tick_already_made", job=tick.name)


def run_scheduler(services: Services, stop: Event, ticks: tuple[Tick, ...] = TICKS) -> None:
    """Look every second until ``stop`` is set. A queue that is away is waited for: its ticks are made
    afterwards.
    """
    scheduler = Scheduler(services, ticks)
    away = False
    while not stop.wait(_LOOK_SECONDS):
        try:
            scheduler.look(clock.now())
            away = False
        except (RedisError, OSError) as error:
            if not away:
                _log.warning("scheduler_waits_for_the_queue", error=type(error).__name__)
            away = True
