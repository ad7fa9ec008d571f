from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from sqlalchemy import Engine, inspect

import app.models  # noqa: F401  (fills the metadata)
from app.embedded.schema import alembic_config, upgrade
from app.kernel.append_only import APPEND_ONLY
from app.kernel.db import Base, Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.embedded.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.connect() as connection:
        connection.execute("CREATE DATABASE empty")
    yield server.url("empty")
    with server.connect() as connection:
        connection.execute("DROP DATABASE empty WITH (FORCE)")


def constraints(engine: Engine) -> dict[str, Any]:
    """What each table enforces, by name. Text of CHECKs is normalised by the database itself."""
    look = inspect(engine)
    return {
        table: {
            "columns": {
                (column["name"], str(column["type"]), column["nullable"])
                for column in look.get_columns(table)
            },
            "primary key": tuple(look.get_pk_constraint(table)["constrained_columns"]),
            "checks": {(check["name"], check["sqltext"]) for check in look.get_check_constraints(table)},
            "unique": {
                (unique["name"], tuple(unique["column_names"]))
                for unique in look.get_unique_constraints(table)
            },
            "foreign keys": {
                (tuple(key["constrained_columns"]), key["referred_table"])
                for key in look.get_foreign_keys(table)
            },
            "indexes": {(index["name"], tuple(index["column_names"])) for index in look.get_indexes(table)},
        }
        for table in look.get_table_names()
        if table != "alembic_version"
    }


def test_migrations_make_exactly_the_schema_of_the_models(
    empty_url: str, sqlite_url: str, postgres_url: str
) -> None:
    migrated = Database(sqlite_url if empty_url.startswith("sqlite") else postgres_url)
    from_models = Database(empty_url)
    try:
        Base.metadata.create_all(from_models.engine)
        assert constraints(migrated.engine) == constraints(from_models.engine)
    finally:
        migrated.dispose()
        from_models.dispose()


def test_a_database_goes_down_to_nothing_and_up_again(empty_url: str) -> None:
    upgrade(empty_url)
    command.downgrade(alembic_config(empty_url), "base")
    database = Database(empty_url)
    assert set(inspect(database.engine).get_table_names()) == {"alembic_version"}
    database.dispose()
    upgrade(empty_url)
    upgrade(empty_url)
    database = Database(empty_url)
    assert set(APPEND_ONLY) <= set(inspect(database.engine).get_table_names())
    database.dispose()
