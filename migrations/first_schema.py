"""Writes ``versions/0001_schema.py`` anew from the models: ``make migration``.

Until the first release there is no installation to carry over, so one migration holds the whole schema. From the
first release on this file goes and ``make migration`` is ``alembic revision --autogenerate``.
"""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import CreateForeignKeyOp, DowngradeOps, ModifyTableOps, UpgradeOps
from sqlalchemy import create_engine

import app.models  # noqa: F401  (fills the metadata)
from app.kernel.db import Base
from migrations.rendering import render_item

TARGET = Path(__file__).parent / "versions" / "0001_schema.py"

TEMPLATE = '''"""The whole schema of the first release.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''


def _circular_keys() -> list[ModifyTableOps]:
    """The foreign keys of tables that point at each other: added last, dropped first."""
    return [
        ModifyTableOps(table.name, [CreateForeignKeyOp.from_constraint(constraint)])
        for table in Base.metadata.sorted_tables
        for constraint in sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
        if constraint.use_alter
    ]


def write() -> None:
    """Compare an empty database with the models and write down the difference."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        script = produce_migrations(MigrationContext.configure(connection), Base.metadata)
    up, down = script.upgrade_ops, script.downgrade_ops
    if up is None or down is None:
        raise AssertionError("a comparison always has both directions")
    up.ops.extend(_circular_keys())
    down.ops[:0] = [step.reverse() for step in _circular_keys()]
    TARGET.write_text(TEMPLATE.format(upgrade=_code(up), downgrade=_code(down)))


def _code(steps: UpgradeOps | DowngradeOps) -> str:
    return render_python_code(steps, render_as_batch=True, render_item=render_item)


if __name__ == "__main__":
    write()
