"""The triggers that make a table append-only on both databases: an UPDATE or DELETE aborts its transaction.

Migrations execute these statements as they stood when written; a new append-only table gets a new migration.
"""

from __future__ import annotations

from typing import Final

APPEND_ONLY: Final = ("ledger_transactions", "ledger_entries", "audit_events", "ledger_closings", "seals")
"""Tables that are only ever added to."""


def create_statements(dialect: str, table: str) -> list[str]:
    """The DDL that refuses changes to ``table`` (a name of :data:`APPEND_ONLY`), for "sqlite" or "postgresql"."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        (
            f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
        ),
        (
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()"
        ),
        (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
        ),
    ]


def drop_statements(dialect: str, table: str) -> list[str]:
    """The DDL that takes the refusal away again."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for verb in ("update", "delete")]
    return [
        f"DROP TRIGGER IF EXISTS {table}_no_change ON {table}",
        f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}",
        f"DROP FUNCTION IF EXISTS {table}_append_only()",
    ]
