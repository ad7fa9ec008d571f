"""What granian serves: the redirect on the event loop, Flask on a pool of threads.

RSGI is granian's own interface to an event loop. There a click costs least, because all that are under way share
their trips to the stream. Flask wants a thread for each request and gets one here, with the environment that PEP 3333
describes.
"""

from __future__ import annotations

import asyncio
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from granian._granian import RSGIProtocolClosed, RSGIProtocolError, RSGIWebsocketProtocol

from app.referrals.redirect import PREFIX, Asked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from typing import IO
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from granian._granian import RSGIHTTPProtocol, RSGIHTTPStreamTransport
    from granian.rsgi import Scope

    from app.referrals.redirect import Redirect

THREADS: Final = 16
"""As many requests of Flask at once as a process's database pool keeps connections open."""

_READ_AT_ONCE: Final = 64 * 1024
"""A body no longer than this is read before a thread is taken; it is also the piece in which a longer one comes."""

_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_CGI_NAMES: Final = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}

_Headers = list[tuple[str, str]]
_Whole = tuple[int, _Headers, bytes]


class Server:
    """The RSGI application: ``redirect`` under ``/r/``, ``rest`` for all else."""

    def __init__(self, redirect: Redirect, rest: WSGIApplication) -> None:
        self._redirect = redirect
        self._rest = rest
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="flask")

    async def __rsgi__(self, scope: Scope, protocol: RSGIHTTPProtocol | RSGIWebsocketProtocol) -> None:
        """Answer one request."""
        path = scope.path
        if isinstance(protocol, RSGIWebsocketProtocol):
            protocol.close(404)
        elif path.startswith(PREFIX):
            status, headers = await self._redirect.answer(_asked(scope, path))
            protocol.response_empty(status, headers)
        else:
            await self._call(scope, path, protocol)

    async def _call(self, scope: Scope, path: str, protocol: RSGIHTTPProtocol) -> None:
        loop = asyncio.get_running_loop()
        environ = _environ(scope, path)
        try:
            environ["wsgi.input"] = await _body(environ, protocol, loop)
        except RSGIProtocolError:
            protocol.response_empty(400, [])  # for nobody: the client left in the middle of its body
            return
        whole = await loop.run_in_executor(self._threads, self._run, environ, protocol, loop)
        if whole is not None:
            protocol.response_bytes(*whole)

    def _run(
        self, environ: WSGIEnvironment, protocol: RSGIHTTPProtocol, loop: asyncio.AbstractEventLoop
    ) -> _Whole | None:
        """The answer, on a thread; ``None`` where it had several pieces and is sent already."""
        start = _Start()
        pieces = self._rest(environ, start)
        try:
            iterator = chain(start.written, pieces)
            first, second = next(iterator, b""), next(iterator, None)
            if second is None:
                return start.status, start.headers, first
            _send_pieces(start, chain((first, second), iterator), protocol, loop)
        finally:
            if close := getattr(pieces, "close", None):
                close()
        return None


class _Start:
    """``start_response``: keeps what the application says, and what it writes itself."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: _Headers = []
        self.written: list[bytes] = []

    def __call__(self, status: str, headers: _Headers, _exc_info: object = None) -> Callable[[bytes], object]:
        self.status, self.headers = int(status[:3]), headers
        return self.written.append


class _Body(io.RawIOBase):
    """A long body, fetched from the event loop piece by piece by the thread that reads it."""

    def __init__(self, pieces: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._pieces = pieces
        self._loop = loop
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - the interpreter's own signature: any buffer
        """Fill the buffer with what is there, and wait where nothing is; 0 at the end."""
        if not self._rest:
            self._rest = memoryview(asyncio.run_coroutine_threadsafe(self._more(), self._loop).result())
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    async def _more(self) -> bytes:
        try:
            while not (piece := await anext(self._pieces)):
                pass
        except StopAsyncIteration:
            return b""
        return piece


async def _body(
    environ: WSGIEnvironment, protocol: RSGIHTTPProtocol, loop: asyncio.AbstractEventLoop
) -> IO[bytes]:
    """What the application reads the body from. Raises ``RSGIProtocolError`` where the client left in its middle."""
    length = environ.get("CONTENT_LENGTH", "")
    if not length and environ["REQUEST_METHOD"] in _WITHOUT_BODY and "HTTP_TRANSFER_ENCODING" not in environ:
        return io.BytesIO()
    if length and int(length) <= _READ_AT_ONCE:
        return io.BytesIO(await protocol())
    return io.BufferedReader(_Body(aiter(protocol), loop), _READ_AT_ONCE)


def _send_pieces(
    start: _Start, pieces: Iterable[bytes], protocol: RSGIHTTPProtocol, loop: asyncio.AbstractEventLoop
) -> None:
    """Send an answer piece by piece, to its end or until the client has gone."""

    async def begin() -> RSGIHTTPStreamTransport:
        return protocol.response_stream(start.status, start.headers)

    async def send(piece: bytes) -> None:
        await transport.send_bytes(piece)

    transport = asyncio.run_coroutine_threadsafe(begin(), loop).result()
    for piece in pieces:
        try:
            asyncio.run_coroutine_threadsafe(send(piece), loop).result()
        except (RSGIProtocolClosed, RSGIProtocolError):
            return


def _environ(scope: Scope, path: str) -> WSGIEnvironment:
    """The environment of PEP 3333."""
    host, _, port = scope.server.rpartition(":")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,  # werkzeug's word for: reading ends where the body does
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in _headers(scope).items():
        if "_" in name:
            continue  # it would read like a header with a hyphen, which a proxy may have checked or set
        environ[_CGI_NAMES.get(name) or f"HTTP_{name.upper().replace('-', '_')}"] = value
    environ.setdefault("HTTP_HOST", scope.authority or "")
    return environ


def _headers(scope: Scope) -> dict[str, str]:
    """Headers by their names in lower case; those that came several times are joined."""
    pairs = scope.headers.items()
    headers = dict(pairs)
    if len(headers) < len(pairs):
        headers.clear()
        for name, value in pairs:
            before = headers.get(name)
            between = "; " if name == "cookie" else ","  # RFC 9113, 8.2.3, and RFC 9110, 5.3
            headers[name] = value if before is None else f"{before}{between}{value}"
    return headers


def _asked(scope: Scope, path: str) -> Asked:
    return Asked(scope.method, path, scope.query_string, scope.client, _headers(scope))
