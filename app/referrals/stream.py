"""The click stream's append: many clicks in one trip, one connection for each process.

Clicks that arrive in one turn of the event loop leave together. The server syncs once for all that it has read, so a
crowd of clicks shares the disk's time instead of queueing for it. redis-py spends more time on one command than the
rest of the redirect together, so commands are packed with hiredis here; everything else in the house uses redis-py.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from hashlib import sha1
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakMethod

import hiredis
from redis.connection import SSLConnection, parse_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

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
_DUPLICATE_MS_TEXT: Final = str(DUPLICATE_MS)


class StreamDown(Exception):
    """The stream did not take the click in time."""


class _Call:
    """A command that waits for its reply until ``deadline``. ``again``: it was sent before, on a lost connection."""

    __slots__ = ("again", "deadline", "packed", "reply")

    def __init__(self, packed: bytes, reply: asyncio.Future[object], deadline: float) -> None:
        self.packed = packed
        self.reply = reply
        self.deadline = deadline
        self.again = False


class ClickStream:
    """Appends to the stream of one Redis or Valkey. It belongs to the event loop it is first used on."""

    def __init__(self, redis_url: str, *, timeout: float = TIMEOUT) -> None:
        self._address = parse_url(redis_url)  # type: ignore[no-untyped-call]
        self._timeout = timeout
        self._rest_until = 0.0
        self._unsent: deque[_Call] = deque()
        self._line: _Line | None = None
        self._opening: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None

    def __del__(self) -> None:
        """The connection goes with its stream."""
        self.close()

    def close(self) -> None:
        """Close the connection; the next click would open another."""
        line, self._line = self._line, None
        if line is not None:
            line.drop()

    async def append(self, body: str, label: str, click_id: str) -> None:
        """Append a click under the given label. Raises :class:`StreamDown`."""
        reply = await self._call(_pack("XADD", STREAM, "*", "l", label, "c", click_id, "r", body))
        if isinstance(reply, hiredis.ReplyError):
            raise self._refused(reply)

    async def append_once(self, body: str, click_id: str, seen: str) -> str | None:
        """Append a click that counts unless ``seen`` names a visitor and link of the last ten seconds.

        Returns the earlier click's id for a duplicate, else ``None``. Raises :class:`StreamDown`.
        """
        rest = ("2", STREAM, SEEN + seen, click_id, _DUPLICATE_MS_TEXT, body)
        reply = await self._call(_pack("EVALSHA", _APPEND_ONCE_SHA, *rest))
        if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
            reply = await self._call(_pack("EVAL", _APPEND_ONCE, *rest))
        if isinstance(reply, hiredis.ReplyError):
            raise self._refused(reply)
        return reply.decode() if isinstance(reply, bytes) else None

    def _call(self, packed: bytes) -> asyncio.Future[object]:
        """The reply to come, which may be an error of the server's."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now < self._rest_until:
            raise StreamDown("resting")
        call = _Call(packed, loop.create_future(), now + self._timeout)
        if not self._unsent:
            loop.call_soon(self._send)
        self._unsent.append(call)
        if self._watch is None:
            self._watch = loop.call_at(call.deadline, self._look)
        return call.reply

    def _send(self) -> None:
        """Let all that waits go out in one trip; open the connection first where there is none."""
        if self._line is not None:
            self._line.send(self._unsent)
            self._unsent.clear()
        elif self._unsent and self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                self._line = await _connect(self._address, WeakMethod(self._lost))
        except (OSError, StreamDown) as error:
            self._fail_all(error)
        finally:
            self._opening = None
        self._send()

    def _lost(self, line: _Line, error: Exception | None) -> None:
        """What was under way is sent once more on a new connection: servers close those that were idle."""
        if line is not self._line:
            return
        if any(call.again for call in line.under_way):
            self._fail_all(error or ConnectionResetError("closed"))
            return
        self._line = None
        for call in reversed(line.under_way):
            call.again = True
            self._unsent.appendleft(call)
        self._send()

    def _look(self) -> None:
        """Fail what waited too long; look again when the next one has."""
        loop = asyncio.get_running_loop()
        self._watch = None
        under_way = self._line.under_way if self._line is not None else ()
        oldest = next(chain(under_way, self._unsent), None)
        if oldest is None:
            return
        if oldest.deadline <= loop.time():
            self._fail_all(TimeoutError("no reply in time"))
        else:
            self._watch = loop.call_at(oldest.deadline, self._look)

    def _refused(self, reply: Exception) -> StreamDown:
        """The server answered that it cannot: loading, out of memory, read only."""
        self._rest_until = asyncio.get_running_loop().time() + _REST
        return StreamDown(str(reply))

    def _fail_all(self, error: Exception) -> None:
        """Rest for a moment, then try on a new connection: this one may hang for long."""
        self._rest_until = asyncio.get_running_loop().time() + _REST
        under_way = self._line.under_way if self._line is not None else ()
        for call in chain(under_way, self._unsent):
            if not call.reply.done():
                call.reply.set_exception(StreamDown(f"{type(error).__name__}: {error}"))
        self._unsent.clear()
        self.close()


class _Line(asyncio.Protocol):
    """One connection; replies come in the order of the calls."""

    def __init__(self, lost: WeakMethod[Callable[[_Line, Exception | None], None]]) -> None:
        self.under_way: deque[_Call] = deque()
        self._lost = lost
        self._reader = hiredis.Reader()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None

    def send(self, calls: Collection[_Call]) -> None:
        """Send commands in one piece."""
        self.under_way.extend(calls)
        if self._transport is not None:
            self._transport.write(b"".join([call.packed for call in calls]))

    def drop(self) -> None:
        """Close without waiting; from any thread, and also when the loop has ended."""
        if self._transport is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._transport.abort)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """What to write to."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Give the replies that came to the calls they belong to."""
        reader, under_way = self._reader, self.under_way
        reader.feed(data)
        while under_way and (reply := reader.gets()) is not False:
            call = under_way.popleft()
            if not call.reply.done():  # a buyer may have gone meanwhile
                call.reply.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that the connection is closed, by either side."""
        if lost := self._lost():
            lost(self, exc)


def _pack(*words: str) -> bytes:
    """A command in the Redis protocol."""
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # the stub says a tuple of one
    return packed


async def _connect(
    address: Mapping[str, Any], lost: WeakMethod[Callable[[_Line, Exception | None], None]]
) -> _Line:
    """An open connection. Raises ``OSError``, or :class:`StreamDown` where the server refuses us."""
    loop, line = asyncio.get_running_loop(), _Line(lost)
    try:
        if path := address.get("path"):
            await loop.create_unix_connection(lambda: line, path)
        else:
            host = address.get("host", "localhost")
            secure = issubclass(address.get("connection_class", object), SSLConnection)
            context = ssl.create_default_context() if secure else None
            await loop.create_connection(lambda: line, host, address.get("port", 6379), ssl=context)
        if password := address.get("password"):
            user = address.get("username")
            await _greet(line, "AUTH", *([user] if user else []), password)
        if number := address.get("db"):
            await _greet(line, "SELECT", str(number))
    except BaseException:
        line.drop()
        raise
    return line


async def _greet(line: _Line, *words: str) -> None:
    call = _Call(_pack(*words), asyncio.get_running_loop().create_future(), 0.0)
    line.send([call])
    reply = await call.reply
    if isinstance(reply, hiredis.ReplyError):
        raise StreamDown(str(reply))
