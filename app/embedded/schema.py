"""Brings a database to the schema of this release, as ``alembic upgrade head`` does."""

from __future__ import annotations

from typing import Final

from alembic import command
from alembic.config import Config

from config import ROOT

_PYPROJECT: Final = ROOT / "pyproject.toml"


def alembic_config(database_url: str) -> Config:
    """Alembic's configuration (pyproject.toml) aimed at one database."""
    return Config(toml_file=str(_PYPROJECT), attributes={"url": database_url})


def upgrade(database_url: str) -> None:
    """Run the migrations that this database lacks; none, if it is up to date. Safe to start twice at once."""
    command.upgrade(alembic_config(database_url), "head")
