"""Jobs: collected while a transaction runs, sent to RQ after it committed.

The database is the truth and a job is only a nudge: it carries a name and ids. A crash between commit and send loses
the nudge, and the sweeper (``app/jobs/sweeper.py``) makes it again from what the database says is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Retry
from rq.serializers import JSONSerializer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

_log = structlog.get_logger(__name__)

_COLLECTED: Final = "jobs"
QUEUE_NAME: Final = "refledger"
RUN_JOB: Final = "app.jobs.run_job"
"""The one function that RQ calls; it looks the name up in ``app/jobs/registry.py``."""

_JOB_SECONDS: Final = 3600
"""How long a job may take; a payout run of many thousands takes longer than RQ's three minutes."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """``name`` of a registered job and its arguments, ids and strings only."""

    name: str
    args: tuple[int | str, ...] = ()


def collect(session: Session, name: str, *args: int | str) -> None:
    """Have the job sent once this session's transaction has committed; asking twice for the same job sends it once."""
    jobs: dict[JobRequest, None] = session.info.setdefault(_COLLECTED, {})
    jobs[JobRequest(name, args)] = None


def collected(session: Session) -> list[JobRequest]:
    """Take what :func:`collect` gathered."""
    return list(session.info.pop(_COLLECTED, {}))


class JobQueue:
    """The RQ queue of one Redis or Valkey."""

    def __init__(self, redis_url: str) -> None:
        # A request must not hang on a queue that is away: the sweeper makes up for a job that was not sent.
        self.redis = Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=1)
        self.queue = Queue(QUEUE_NAME, connection=self.redis, serializer=JSONSerializer)

    def send(self, jobs: Sequence[JobRequest]) -> None:
        """Enqueue each job with two retries. A queue that does not answer is logged, not raised: see the sweeper."""
        try:
            for job in jobs:
                self.queue.enqueue(
                    RUN_JOB,
                    job.name,
                    list(job.args),
                    retry=Retry(max=2, interval=[5, 60]),
                    result_ttl=60,
                    job_timeout=_JOB_SECONDS,
                )
        except (RedisError, OSError) as error:
            _log.warning("jobs_not_sent", jobs=[job.name for job in jobs], error=type(error).__name__)

    def answers(self) -> bool:
        """Whether the queue can be reached now (readiness)."""
        try:
            return bool(self.redis.ping())
        except (RedisError, OSError):
            return False

    def close(self) -> None:
        """Close every connection."""
        self.redis.close()
