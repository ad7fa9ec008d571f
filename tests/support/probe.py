"""A WSGI application that tells what its server hands over, behind the house's own server."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from app.referrals.redirect import Redirect


def create() -> Server:
    """What granian serves; nothing here follows a link."""
    return Server(cast("Redirect", None), application)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Do what the path says."""
    return PATHS[environ["PATH_INFO"].split("/")[1]](environ, start_response)


def tell(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/json"), ("X-Two", "1"), ("X-Two", "2")])
    return [json.dumps({name: value for name, value in environ.items() if isinstance(value, str)}).encode()]


def lines(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [])
    body = environ["wsgi.input"]
    first = body.readline()
    return [b"%d %d %d" % (len(first), sum(map(len, body)), len(body.read()))]


def pieces(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    """A piece, then one that comes only once the client has shown that it has the first."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"first "
    yield b"second "
    MORE.wait(10)
    yield b"third" if MORE.is_set() else b"never asked"


def more(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    MORE.set()
    start_response("204 No Content", [])
    return []


class endless:  # noqa: N801 - used as a function
    """Pieces until somebody closes it; then it says so in a file."""

    def __init__(self, _environ: WSGIEnvironment, start_response: StartResponse) -> None:
        start_response("200 OK", [])

    def __iter__(self) -> Iterator[bytes]:
        while True:
            time.sleep(0.005)
            yield b"x" * 1_000

    def close(self) -> None:
        Path(os.environ["PROBE_CLOSED"]).touch()


def write(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [])(b"written, ")
    return [b"returned"]


def crash(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    raise RuntimeError("the application broke")


MORE = threading.Event()
PATHS: dict[str, Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]] = {
    "tell": tell,
    "lines": lines,
    "pieces": pieces,
    "more": more,
    "endless": endless,
    "write": write,
    "crash": crash,
    "healthz": tell,
}
