"""An error of the database that ends in the log repeats nothing of what the statement carried."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from app.identity.models import User
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


def test_a_refused_row_is_not_quoted_in_the_log(
    database: Database, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {
        "public_id": "usr_1",
        "email": EMAIL,
        "name": "",
        "role": "owner",
        "locale": "nl",
        "created_at": clock.now(),
    }
    logs.configure("INFO")
    adding = insert(table_of(User))
    with database.transaction() as session:
        session.execute(adding.values(row))
    with database.transaction() as session, pytest.raises(IntegrityError) as caught:
        session.execute(adding.values(row | {"public_id": "usr_2"}))
    root.error("failed", exc_info=caught.value)
    line = capsys.readouterr().err
    assert json.loads(line)["event"] == "failed"
    assert "IntegrityError" in line
    assert EMAIL not in line
