"""The HTTP API of ``/api/v1``: parse, call one use case, answer.

``schemas.py`` says what is accepted, ``answers.py`` what is answered, ``operations.py`` how a call runs (key, limit,
body, one transaction), ``routes/`` which calls there are, ``problems.py`` how a refusal looks, ``openapi.py`` writes
it all down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def register(app: Flask) -> None:
    """Add ``/api/v1`` to the application, which has its services already."""
    from app.api.routes import mount_all  # noqa: PLC0415 - lower slices may be imported without Flask's routes

    mount_all(app)
