"""A shop's sender that is killed again and again: ``python -m tests.support.shop_that_dies URL FACTS N...``.

For each N a process of its own sends the pickled facts from the first on, one transaction each, as a shop does that
never got an answer; it kills itself with SIGKILL before the Nth statement that reaches the database, BEGIN and COMMIT
included. At last one process sends them all and lives. Prints the exit code of each.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, select

from app.kernel.db import Database
from app.kernel.errors import RefledgerError
from app.referrals.models import Program, Referrer
from tests.builders import World, at, referral_deps
from tests.support.histories import record

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.referrals.facts import AnyFact


def world_in(session: Session) -> World:
    """The world that is there."""
    program = session.scalars(select(Program)).one()
    found = session.scalars(select(Referrer).order_by(Referrer.id))
    by_name = {each.code.partition("-")[0]: each for each in found}
    return World(session, program, referral_deps(), by_name, at("2027-12-01"))


def send(database: Database, facts: list[AnyFact]) -> None:
    """Each fact once, in a transaction of its own; what is refused is refused every time."""
    for fact in facts:
        try:
            with database.transaction() as session:
                record(world_in(session), fact)
        except RefledgerError:
            continue


def die_at(database: Database, statement: int) -> None:
    """From now on count statements, and kill this process before the one of that number reaches the database."""
    seen = 0

    def count(*_arguments: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(database.engine, "before_cursor_execute", count)
    event.listen(database.engine, "commit", count)


def one_life(url: str, facts: list[AnyFact], statement: int) -> int:
    """Send in a process of its own, with connections of its own; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        database = Database(url)
        if statement:
            die_at(database, statement)
        send(database, facts)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Die at each of the given statements, then live."""
    url, facts = sys.argv[1], pickle.loads(Path(sys.argv[2]).read_bytes())
    for statement in [*map(int, sys.argv[3:]), 0]:
        print(one_life(url, facts, statement), flush=True)


if __name__ == "__main__":
    main()
