"""What the database hands out: connections that live, transactions that roll back, values that come back equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import BigInteger, column, func, literal, select, text, union_all

from app.kernel import db as kernel_db
from app.kernel.db import Database
from app.referrals.models import Program
from app.referrals.programs import ProgramSettings, create_program
from tests.builders import ACTOR, NOW

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def test_a_connection_that_the_server_ended_while_idle_is_replaced(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_db, "_IDLE_SECONDS", 0.0)
    database, other = Database(postgres_url), Database(postgres_url)
    with database.reading() as session:
        backend = session.scalar(text("SELECT pg_backend_pid()"))
    with other.transaction() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": backend})
    with database.reading() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != backend
    database.dispose()
    other.dispose()


def _program(session: Session) -> None:
    settings = ProgramSettings(name="Hosting", landing_url="https://shop.example/")
    create_program(session, slug="hosting", currency="EUR", settings=settings, actor=ACTOR, now=NOW)


def _write_and_fail(database: Database) -> None:
    with database.transaction() as session:
        _program(session)
        raise RuntimeError


def test_an_exception_takes_the_whole_transaction_back(database: Database) -> None:
    with pytest.raises(RuntimeError):
        _write_and_fail(database)
    with database.reading() as session:
        assert session.query(Program).count() == 0


def test_an_instant_comes_back_as_the_same_instant_in_utc(database: Database) -> None:
    with database.transaction() as session:
        _program(session)
    with database.reading() as session:
        assert session.query(Program).one().created_at == NOW
        assert session.query(Program).one().created_at.utcoffset() is not None


def test_a_sum_is_a_whole_number_on_both_databases(session: Session) -> None:
    """PostgreSQL adds up bigint as numeric; a Decimal would not go into JSON."""
    minor = column("minor", BigInteger)
    rows = union_all(select(literal(2**40, BigInteger).label("minor")), select(literal(-1, BigInteger)))
    total = session.scalar(select(func.sum(minor)).select_from(rows.subquery()))
    assert (total, type(total)) == (2**40 - 1, int)
