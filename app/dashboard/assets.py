"""Addresses of static files that change when the file does, so that browsers may keep them for a year."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import current_app, url_for

if TYPE_CHECKING:
    from flask import Flask


@cache
def _version(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


def asset(filename: str) -> str:
    """The address of a file under ``static/``. Vendored files carry their version in the folder's name instead."""
    if filename.startswith("vendor/"):
        return url_for("static", filename=filename)
    return url_for("static", filename=filename, v=_version(f"{current_app.static_folder}/{filename}"))


def register_assets(app: Flask) -> None:
    """Give templates :func:`asset`."""
    app.add_template_global(asset, "asset")
