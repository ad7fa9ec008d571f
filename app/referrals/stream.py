"""The click stream's append, in one round trip.

redis-py spends more time on one command than the rest of the redirect together (measured: 0.53 of an empty Flask
view through it, about 1.0 this way), so the append packs with hiredis and speaks over a socket of its own for each
thread. Everything else in the house uses redis-py.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from hashlib import sha1
from typing import TYPE_CHECKING, Any, Final

import hiredis
from redis.connection import SSLConnection, parse_url

if TYPE_CHECKING:
    from collections.abc import Mapping

STREAM: Final = "refledger:clicks"
SEEN: Final = "refledger:seen:"
DUPLICATE_MS: Final = 10_000
"""The same visitor on the same link within this time is a duplicate."""

TIMEOUT: Final = 0.1
"""Seconds that a buyer may wait for the stream; after that the click goes to the spool."""

_REST: Final = 0.5
"""Seconds without a try after the stream failed, so that a slow Redis does not slow every buyer."""

_APPEND_ONCE: Final = """
local first = redis.call('GET', KEYS[2])
if first and first ~= ARGV[1] then
  redis.call('XADD', KEYS[1], '*', 'l', 'duplicate', 'c', first, 'r', ARGV[3])
  return first
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('XADD', KEYS[1], '*', 'l', 'counted', 'c', ARGV[1], 'r', ARGV[3])
return nil
"""
# A repetition after a broken connection finds its own click id and appends the same event once more, which the
# drain writes once.
_APPEND_ONCE_SHA: Final = sha1(_APPEND_ONCE.encode(), usedforsecurity=False).hexdigest()


class StreamDown(Exception):
    """The stream did not take the click in time."""


class ClickStream:
    """Appends to the stream of one Redis or Valkey. Safe for threads: each has a socket of its own."""

    def __init__(self, redis_url: str, *, timeout: float = TIMEOUT) -> None:
        self._address = parse_url(redis_url)  # type: ignore[no-untyped-call]
        self._timeout = timeout
        self._local = threading.local()
        self._rest_until = 0.0

    def append(self, body: str, label: str, click_id: str) -> None:
        """Append a click under the given label. Raises :class:`StreamDown`."""
        self._call(_pack("XADD", STREAM, "*", "l", label, "c", click_id, "r", body))

    def append_once(self, body: str, click_id: str, seen: str) -> str | None:
        """Append a click that counts unless ``seen`` names a visitor and link of the last ten seconds.

        Returns the earlier click's id for a duplicate, else ``None``. Raises :class:`StreamDown`.
        """
        rest = ("2", STREAM, SEEN + seen, click_id, str(DUPLICATE_MS), body)
        reply = self._call(_pack("EVALSHA", _APPEND_ONCE_SHA, *rest))
        if isinstance(reply, hiredis.ReplyError):
            reply = self._call(_pack("EVAL", _APPEND_ONCE, *rest))
        return reply.decode() if isinstance(reply, bytes) else None

    def _call(self, packed: bytes) -> object:
        """The reply, on this thread's socket or, where that was closed meanwhile, on a new one."""
        started = time.monotonic()
        if started < self._rest_until:
            raise StreamDown("resting")
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                return connection.call(packed)
            except _Closed:
                self._local.connection = None
            except (OSError, _Refused) as error:
                raise self._failed(error) from error
        try:
            connection = _Connection(self._address, started + self._timeout)
            reply = connection.call(packed)
            connection.wait_at_most(self._timeout)
        except (OSError, _Refused) as error:
            raise self._failed(error) from error
        self._local.connection = connection
        return reply

    def _failed(self, error: Exception) -> StreamDown:
        self._local.connection = None
        self._rest_until = time.monotonic() + _REST
        return StreamDown(f"{type(error).__name__}: {error}")


class _Closed(ConnectionError):
    """The other side closed the connection before it answered."""


class _Refused(Exception):
    """The server answered that it cannot: loading, out of memory, read only, wrong password."""


class _Connection:
    """One connected socket. Its time limit is the kernel's (SO_RCVTIMEO), which saves a poll for each call."""

    def __init__(self, address: Mapping[str, Any], deadline: float) -> None:
        self._reader = hiredis.Reader()
        self._socket = _connect(address, deadline - time.monotonic())
        self._socket.settimeout(None)
        self.wait_at_most(deadline - time.monotonic())
        if password := address.get("password"):
            user = address.get("username")
            self.call(_pack("AUTH", *([user] if user else []), password))
        if number := address.get("db"):
            self.call(_pack("SELECT", str(number)))
        self.wait_at_most(deadline - time.monotonic())

    def __del__(self) -> None:
        """A thread that ends takes its socket with it."""
        if hasattr(self, "_socket"):
            self._socket.close()

    def wait_at_most(self, seconds: float) -> None:
        """Let every later send and receive fail after this time."""
        if seconds <= 0:
            raise TimeoutError
        limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000) or 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def call(self, packed: bytes) -> object:
        """Send one command and read its reply; a NOSCRIPT error is returned, any other raises."""
        try:
            self._socket.sendall(packed)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _Closed from error
        while (reply := self._reader.gets()) is False:
            try:
                received = self._socket.recv(4096)
            except ConnectionResetError as error:
                raise _Closed from error
            if not received:
                raise _Closed
            self._reader.feed(received)
        if isinstance(reply, hiredis.ReplyError) and not str(reply).startswith("NOSCRIPT"):
            raise _Refused(str(reply))
        return reply


def _pack(*words: str) -> bytes:
    """A command in the Redis protocol."""
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # the stub says a tuple of one
    return packed


def _connect(address: Mapping[str, Any], seconds: float) -> socket.socket:
    if path := address.get("path"):
        local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            local.settimeout(seconds)
            local.connect(path)
        except OSError:
            local.close()
            raise
        return local
    host = address.get("host", "localhost")
    remote = socket.create_connection((host, address.get("port", 6379)), seconds)
    remote.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if issubclass(address.get("connection_class", object), SSLConnection):
        return ssl.create_default_context().wrap_socket(remote, server_hostname=host)
    return remote
