"""A load generator that costs little: raw sockets, one thread, requests made beforehand.

It keeps ``connections`` requests in the air, one on each connection, and reads only as much of an answer as it takes
to know its status and its end. Bounded in time and in number; it speaks to 127.0.0.1 only.
"""

from __future__ import annotations

import select
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST: Final = "127.0.0.1"
_MOST_REQUESTS: Final = 1_000_000
_LONGEST_SECONDS: Final = 60.0
_SILENCE: Final = 10.0


@dataclass
class Load:
    """What a run of the generator saw. ``seconds`` is from the first request to the last answer."""

    seconds: float = 0.0
    statuses: Counter[bytes] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """How many came."""
        return len(self.times)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def percentile(self, share: float) -> float:
        """The time in milliseconds that this share of the answers took at most."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def send(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send the requests in turn, again and again, for a while; every request sent is waited for.

    Answers must have no body, as both sides of the redirect's benchmark have.
    """
    load = Load()
    sockets = [socket.create_connection((HOST, port)) for _ in range(connections)]
    poll = select.epoll()
    by_number = {}
    for one in sockets:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(one.fileno(), select.EPOLLIN)
        by_number[one.fileno()] = one
    started = time.perf_counter()
    try:
        _keep_busy(load, poll, by_number, requests, started + min(seconds, _LONGEST_SECONDS))
    finally:
        load.seconds = time.perf_counter() - started
        poll.close()
        for one in sockets:
            one.close()
    return load


def _keep_busy(
    load: Load, poll: select.epoll, sockets: dict[int, socket.socket], requests: Sequence[bytes], until: float
) -> None:
    clock = time.perf_counter
    sent_at: dict[int, float] = {}
    parts: dict[int, bytes] = {}
    count, last = 0, len(requests)
    for number, one in sockets.items():
        sent_at[number] = clock()
        one.send(requests[count % last])
        count += 1
    while sent_at:
        events = poll.poll(_SILENCE)
        if not events:
            raise TimeoutError(f"no answer to {len(sent_at)} requests")
        for number, _ in events:
            received = parts.pop(number, b"") + sockets[number].recv(8192)
            if not received.endswith(b"\r\n\r\n"):
                if not received:
                    raise ConnectionError("the server closed a connection")
                parts[number] = received
                continue
            now = clock()
            load.times.append(now - sent_at.pop(number))
            load.statuses[received[9:12]] += 1
            if now < until and count < _MOST_REQUESTS:
                sent_at[number] = clock()
                sockets[number].send(requests[count % last])
                count += 1
