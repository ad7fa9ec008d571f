"""Runs migrations against one database: the URL that the caller put into the config, else ``DATABASE_URL``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context
from sqlalchemy import text

import app.models  # noqa: F401  (fills the metadata)
from app.kernel.db import Base, Database
from config import Settings
from migrations.rendering import render_item

if TYPE_CHECKING:
    from sqlalchemy import Connection

UPGRADE_LOCK = 7_365_230_001
"""Advisory lock number: of two upgrades that start together the second waits and then finds nothing to do."""


def migrate(connection: Connection) -> None:
    """Run what alembic was asked for, in one transaction on both databases."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": UPGRADE_LOCK})
        context.run_migrations()


def run() -> None:
    """Open the database and migrate it."""
    database = Database(context.config.attributes.get("url") or Settings.from_env().database_url)
    try:
        with database.engine.connect() as connection:
            migrate(connection)
    finally:
        database.dispose()


run()
