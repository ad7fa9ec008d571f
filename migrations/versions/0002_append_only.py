"""Ledger and audit trail refuse UPDATE and DELETE.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

from app.kernel.append_only import APPEND_ONLY, create_statements, drop_statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in APPEND_ONLY:
        for statement in create_statements(op.get_bind().dialect.name, table):
            op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for table in APPEND_ONLY:
        for statement in drop_statements(op.get_bind().dialect.name, table):
            op.get_bind().exec_driver_sql(statement)
