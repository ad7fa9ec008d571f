"""What happens without a person or a request: RQ jobs, their schedule, and the sweeper that makes up for lost
ones.

RQ calls :func:`run_job` and nothing else. A job carries a name and ids; everything it needs to know it reads
from the database, so it can run late, twice or again.
"""

from __future__ import annotations

import os
import signal
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from app.embedded.process import die_with_parent
from app.factory import build_services
from app.jobs.registry import JOBS
from app.observe import logs
from config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.factory import Services

_log = structlog.get_logger(__name__)


class JobFailed(Exception):
    """A job's traceback, as far as it may be kept."""


@contextmanager
def quoting_nobody() -> Iterator[None]:
    """RQ logs a failed job's traceback and keeps it for a week: leave out what the database quotes in it of a row."""
    try:
        yield
    except Exception as error:
        # Any exception: whatever was raised may have one of the database behind it.
        told = "".join(traceback.format_exception(error))
        if (safe := logs.quoting_nobody(told)) == told:
            raise
        raise JobFailed(f"{type(error).__name__}\n{safe}") from None


@quoting_nobody()
def run_job(name: str, args: Sequence[int | str]) -> None:
    """Run one job in a process of its own, as RQ does it."""
    # Killing the worker must also end the job in its hands: it would otherwise run beside its own repetition.
    die_with_parent(os.getppid(), signal.SIGKILL)
    services = build_services(Settings.from_env())
    try:
        perform(services, name, args)
    finally:
        services.db.dispose()
        services.queue.close()


def perform(services: Services, name: str, args: Sequence[int | str]) -> None:
    """Run the registered job ``name``. An unknown name raises ``KeyError``: RQ keeps it as failed, to be
    seen.
    """
    with structlog.contextvars.bound_contextvars(job=name, args=list(args)):
        JOBS[name](services, *args)
        _log.info("job_done")
