"""What comes in is text that a database can hold.

PostgreSQL keeps no NUL in text and has no number beyond 64 bits, where SQLite may take both. Nobody types a NUL, so it
is dropped from what was typed; an address with either leads nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import abort, request
from werkzeug.datastructures import ImmutableMultiDict

from app.dashboard.access import BLUEPRINTS

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.datastructures import MultiDict

_NUL: Final = "\0"
_LARGEST: Final = 2**63 - 1


def _drop_nuls() -> None:
    if request.blueprint not in BLUEPRINTS:
        return
    if _NUL in request.path or any(_too_large(each) for each in (request.view_args or {}).values()):
        abort(404)
    if _has_nul(request.args):
        request.args = _without(request.args)
    if _has_nul(request.form):
        request.form = _without(request.form)
    for file in request.files.values():
        file.filename = (file.filename or "").replace(_NUL, "")


def _too_large(value: object) -> bool:
    return isinstance(value, int) and value > _LARGEST


def _has_nul(given: MultiDict[str, str]) -> bool:
    return any(_NUL in name or _NUL in value for name, value in given.items(multi=True))


def _without(given: MultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    pairs = given.items(multi=True)
    return ImmutableMultiDict([(name.replace(_NUL, ""), value.replace(_NUL, "")) for name, value in pairs])


def register_plain_text(app: Flask) -> None:
    """Look at every request of the pages, before anything is read from it."""
    app.before_request(_drop_nuls)
