"""Makes up for jobs that got lost: a crash between commit and send, or a queue that was away or lost its memory.

The database is asked what is due, and a job is sent again for each. A job that is on its way already does no harm:
whichever comes second finds nothing to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.kernel.queue import JobRequest
from app.mail.outbox import SEND_JOB

if TYPE_CHECKING:
    from datetime import datetime

    from app.services import Services

_log = structlog.get_logger(__name__)


def due_jobs(services: Services, now: datetime) -> list[JobRequest]:
    """The jobs that the database calls for at ``now``."""
    with services.db.reading() as session:
        return [JobRequest(SEND_JOB, (mail_id,)) for mail_id in services.mail.due(session, now)]


def sweep(services: Services, now: datetime) -> int:
    """Send what is due; how many jobs that was."""
    jobs = due_jobs(services, now)
    services.queue.send(jobs)
    if jobs:
        _log.info("swept", jobs=len(jobs))
    return len(jobs)
