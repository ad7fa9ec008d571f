"""The operator's commands (`flask payouts ...`), typed within one process: starting one takes seconds."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from typing import Any

import click
from flask.cli import ScriptInfo

APP = "console:create_console"
"""What `.flaskenv` names, too."""


class CommandRefused(Exception):
    """A command ended with its one clear line."""


class Operator:
    """Somebody at a terminal."""

    def __init__(self) -> None:
        """Loads the application, as `flask` does."""
        self._info = ScriptInfo(app_import_path=APP)
        self._app = self._info.load_app()

    def types(self, *words: str) -> dict[str, Any]:
        """What `flask WORDS --json` prints; raises `CommandRefused`."""
        printed = io.StringIO()
        try:
            with redirect_stdout(printed):
                self._app.cli.main(
                    [*words, "--json"], prog_name="flask", standalone_mode=False, obj=self._info
                )
        except click.ClickException as error:
            raise CommandRefused(error.format_message()) from error
        answer: dict[str, Any] = json.loads(printed.getvalue())
        return answer
