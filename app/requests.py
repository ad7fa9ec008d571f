"""What a view asks for: the services, and the one database session of its request.

One request is one transaction. A safe method reads; any other writes, and commits before the response leaves, unless
the response is an error (400 and up), which rolls everything back: a refused form changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from flask import current_app, g, request

from app.services import Services

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from flask import Flask, Response
    from sqlalchemy.orm import Session

__all__ = ["EXTENSION", "Services", "commit", "register", "services", "session"]

EXTENSION: Final = "refledger"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FIRST_ERROR: Final = 400


class _RolledBack(Exception):
    """Leaves a transaction's block without committing it."""


def services() -> Services:
    """What ``factory.py`` wired for this application."""
    return cast("Services", current_app.extensions[EXTENSION])


def session() -> Session:
    """The session of this request, opened when it is first asked for."""
    if "db_session" not in g:
        db = services().db
        block: AbstractContextManager[Session] = db.reading() if request.method in SAFE else db.transaction()
        g.db_block, g.db_session = block, block.__enter__()
    return cast("Session", g.db_session)


def commit() -> None:
    """End this request's transaction now, for a use case that makes its own (a payout run's batches).

    On SQLite there is one writer: two transactions of one request would wait for each other for ever.
    """
    if "db_session" in g:
        _leave(failed=False)


def register(app: Flask) -> None:
    """Have each request's transaction end with its response."""
    app.after_request(_finish)
    app.teardown_request(_abandon)


def _finish(response: Response) -> Response:
    if "db_session" in g:
        _leave(failed=response.status_code >= _FIRST_ERROR)
    return response


def _abandon(_error: BaseException | None) -> None:
    """A request that never came to a response keeps nothing."""
    if "db_session" in g:
        _leave(failed=True)


def _leave(*, failed: bool) -> None:
    block: AbstractContextManager[Session] = g.pop("db_block")
    g.pop("db_session")
    if not failed:
        block.__exit__(None, None, None)
        return
    refused = _RolledBack()
    try:
        block.__exit__(_RolledBack, refused, None)
    except _RolledBack:
        return
