"""Everything that happens outside a request: RQ workers, the scheduler and the click writer, kept alive.

``python worker.py`` is one command for one machine. On several machines run it on each; ``--no-scheduler``
and ``--no-clicks`` leave those two to another one, though more than one of them does no harm.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

import structlog

from app.embedded.supervisor import Child, Supervisor, forked
from app.jobs.processes import click_writer, rq_worker, scheduler
from app.kernel.errors import StartRefused
from app.observe import logs
from config import Settings

_log = structlog.get_logger("worker")


def main() -> int:
    """Start the processes and restart those that die (an RQ worker ends when Redis goes away); the
    exit code.
    """
    parser = argparse.ArgumentParser(
        prog="worker.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2, help="how many jobs run at once (default 2)")
    parser.add_argument("--no-scheduler", action="store_true", help="another machine runs the scheduler")
    parser.add_argument("--no-clicks", action="store_true", help="another machine writes the clicks")
    parser.add_argument(
        "--grace", type=float, default=8, help="seconds a job has to end at a stop (default 8)"
    )
    options = parser.parse_args()
    try:
        settings = Settings.from_env()
    except StartRefused as refused:
        sys.stderr.write(f"{refused.detail}\n")
        return 2
    logs.configure(settings.log_level)
    supervisor = Supervisor(_log.warning, grace=options.grace)
    supervisor.listen()
    for number in range(options.workers):
        supervisor.start(Child(f"worker {number + 1}", forked(partial(rq_worker, settings))))
    if not options.no_scheduler:
        supervisor.start(Child("scheduler", forked(partial(scheduler, settings))))
    if not options.no_clicks:
        supervisor.start(Child("click writer", forked(partial(click_writer, settings))))
    supervisor.keep()
    supervisor.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
