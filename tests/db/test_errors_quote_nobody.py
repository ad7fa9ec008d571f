"""An error of the database that ends in the log repeats nothing of what the statement carried."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
from rq.job_lifecycle import format_exc_info
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from app.identity.models import User
from app.jobs import JobFailed, quoting_nobody
from app.kernel import clock
from app.kernel.db import table_of
from app.observe import logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.kernel.db import Database

EMAIL = "carla@zonnebloem.example"


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger as production has it; put back afterwards."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def add_carla(database: Database, public_id: str) -> None:
    row = {"public_id": public_id, "email": EMAIL, "name": "", "role": "owner", "locale": "nl"}
    with database.transaction() as session:
        session.execute(insert(table_of(User)).values(row | {"created_at": clock.now()}))


def test_a_refused_row_is_not_quoted_in_the_log(
    database: Database, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO")
    add_carla(database, "usr_1")
    with pytest.raises(IntegrityError) as caught:
        add_carla(database, "usr_2")
    root.error("failed", exc_info=caught.value)
    line = capsys.readouterr().err
    assert json.loads(line)["event"] == "failed"
    assert "IntegrityError" in line
    assert EMAIL not in line


def test_what_the_queue_keeps_of_a_failed_job_quotes_nobody(database: Database) -> None:
    add_carla(database, "usr_1")

    @quoting_nobody()
    def job() -> None:
        try:
            add_carla(database, "usr_2")
        except IntegrityError as error:
            raise RuntimeError("the job's own words") from error

    with pytest.raises((JobFailed, RuntimeError)) as caught:
        job()
    kept = format_exc_info((caught.type, caught.value, caught.tb))
    assert EMAIL not in kept
    assert "the job's own words" in kept
    assert "IntegrityError" in kept
    assert "in add_carla" in kept
