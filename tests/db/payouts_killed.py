"""Run a payout run in a process that is killed with -9 after its K-th commit: ``URL RUN_ID K BATCH``."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.identity.audit import Actor
from app.kernel.crypto import Keyring
from app.kernel.db import Database
from app.payouts.advance import advance_run
from app.payouts.deps import PayoutDeps
from app.payouts.files import submit_run
from tests.builders import ENCRYPTION_KEY, NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session


class KilledDatabase(Database):
    """Dies right after a number of commits, as a machine does that loses power."""

    commits_left = 0

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as session:
            yield session
        self.commits_left -= 1
        if self.commits_left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, run_id: int, commits: int, batch: int) -> None:
    database = KilledDatabase(url)
    database.commits_left = commits
    deps = PayoutDeps(database, Keyring((ENCRYPTION_KEY,)), batch=batch)
    advance_run(deps, run_id, NOW)
    submit_run(deps, run_id, by=Actor.cli(), now=NOW)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
