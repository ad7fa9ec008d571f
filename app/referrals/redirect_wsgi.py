"""The redirect for a WSGI server, beside the rest of the house.

The house's own server answers it on its event loop (:mod:`app.server`). Under any other server, and in tests, the
calling thread waits for an event loop of this process.
"""

from __future__ import annotations

import asyncio
import os
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from app.referrals.redirect import PREFIX, Asked, redirect_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from app.referrals.redirect import RedirectParts


def mount_redirect(rest: WSGIApplication, parts: RedirectParts) -> WSGIApplication:
    """One WSGI application: the redirect under ``/r/``, and the rest of the house."""
    redirect = redirect_of(parts)

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(PREFIX):
            return rest(environ, start_response)
        answer = asyncio.run_coroutine_threadsafe(redirect.answer(_asked(environ)), _background.loop())
        status, headers = answer.result()
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return []

    return dispatch


def _asked(environ: WSGIEnvironment) -> Asked:
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    return Asked(
        environ["REQUEST_METHOD"],
        _text(environ["PATH_INFO"]),
        _text(environ.get("QUERY_STRING", "")),
        environ.get("REMOTE_ADDR", ""),
        headers,
    )


def _text(latin: str) -> str:
    """WSGI hands bytes over as Latin-1; people send UTF-8."""
    return latin.encode("latin-1").decode(errors="replace")


class _Background:
    """An event loop on a thread of its own, started by the first who needs it; a forked child starts another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owner = 0

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop of this process."""
        with self._lock:
            if self._loop is None or self._owner != os.getpid():
                self._loop, self._owner = asyncio.new_event_loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="redirect", daemon=True).start()
            return self._loop


_background = _Background()
