"""What ``.venv/bin/flask`` loads (``.flaskenv`` names it): the application with the operator's commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from app.embedded import schema
from app.factory import create_app
from app.kernel.errors import StartRefused
from app.observe import logs
from config import Settings

if TYPE_CHECKING:
    from flask import Flask


def create_console() -> Flask:
    """The application of a command. A wrong setting ends it with one line.

    On a bare checkout the embedded database is made by whichever comes first, a command or ``make run``.
    """
    try:
        settings = Settings.from_env()
    except StartRefused as refused:
        sys.exit(refused.detail)
    # Standard output belongs to the command's answer, and a person wants to read that alone.
    logs.configure("WARNING")
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        schema.upgrade(settings.database_url)
    return create_app(settings)
