"""Makes up for jobs that got lost: a crash between commit and send, or a queue that was away or lost its memory.

The database is asked what is due, and a job is sent for what has none. Should one get two all the same, it does
no harm: whichever comes second finds nothing to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer

from app.jobs import documents, finance, payouts, referrals
from app.kernel.queue import JobRequest
from app.mail.outbox import SEND_JOB

if TYPE_CHECKING:
    from datetime import datetime

    from app.kernel.queue import JobQueue
    from app.services import Services

_log = structlog.get_logger(__name__)

_LOOK_AT: Final = 1_000
"""How far down the queue is looked for a job that is on its way already."""


def due_jobs(services: Services, now: datetime) -> list[JobRequest]:
    """The jobs that the database calls for at ``now``."""
    with services.db.reading() as session:
        mails = [JobRequest(SEND_JOB, (mail_id,)) for mail_id in services.mail.due(session, now)]
        found = mails + payouts.due_jobs(session) + referrals.due_jobs(session)
        return found + documents.due_jobs(session) + finance.due_jobs(session, now)


def sweep(services: Services, now: datetime) -> int:
    """Send what is due and not on its way; how many jobs that was."""
    due = due_jobs(services, now)
    if not due:
        return 0
    on_their_way = _on_their_way(services.queue)
    lost = [job for job in due if job not in on_their_way]
    services.queue.send(lost)
    if lost:
        _log.info("swept", jobs=len(lost))
    return len(lost)


def _on_their_way(queue: JobQueue) -> set[JobRequest]:
    running = StartedJobRegistry(queue=queue.queue).get_job_ids()
    waiting = queue.queue.get_job_ids(0, _LOOK_AT)
    jobs = Job.fetch_many([*running, *waiting], connection=queue.redis, serializer=JSONSerializer)
    return {JobRequest(job.args[0], tuple(job.args[1])) for job in jobs if job is not None}
