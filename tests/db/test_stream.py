"""The append: one trip for all that are under way, a time limit, and a new connection where the old one went away."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest
from redis import Redis

from app.embedded import valkey
from app.referrals.stream import STREAM, ClickStream, StreamDown
from tests.support.house import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

T = TypeVar("T")


class Run(Protocol):
    """Runs one thing after another on the same event loop."""

    def __call__(self, coro: Coroutine[Any, Any, T], /) -> T: ...


@pytest.fixture
def run() -> Iterator[Run]:
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def stream_to(run: Run) -> Iterator[Callable[[str], ClickStream]]:
    """Streams of this test's event loop, closed before it."""
    made: list[ClickStream] = []

    def stream(url: str) -> ClickStream:
        made.append(ClickStream(url))
        return made[-1]

    yield stream
    for one in made:
        one.close()
    run(asyncio.sleep(0.01))


def test_a_duplicate_is_found_and_stored_in_one_call(
    valkey_url: str, run: Run, stream_to: Callable[[str], ClickStream]
) -> None:
    stream = stream_to(valkey_url)
    assert run(stream.append_once("body-1", "id-1", "visitor:link")) is None
    assert run(stream.append_once("body-2", "id-2", "visitor:link")) == "id-1"
    assert run(stream.append_once("body-3", "id-3", "visitor:other")) is None
    with Redis.from_url(valkey_url) as redis:
        entries = [fields for _, fields in redis.xrange(STREAM)]
    assert entries == [
        {b"l": b"counted", b"c": b"id-1", b"r": b"body-1"},
        {b"l": b"duplicate", b"c": b"id-1", b"r": b"body-2"},
        {b"l": b"counted", b"c": b"id-3", b"r": b"body-3"},
    ]


def test_a_repetition_of_the_same_click_is_not_its_own_duplicate(
    valkey_url: str, run: Run, stream_to: Callable[[str], ClickStream]
) -> None:
    stream = stream_to(valkey_url)
    assert run(stream.append_once("body", "id", "visitor:link")) is None
    assert run(stream.append_once("body", "id", "visitor:link")) is None


def test_a_server_that_forgot_the_script_or_dropped_the_connection_is_no_failure(
    valkey_url: str, run: Run, stream_to: Callable[[str], ClickStream]
) -> None:
    stream = stream_to(valkey_url)
    run(stream.append_once("body-1", "id-1", "a"))
    with Redis.from_url(valkey_url) as redis:
        redis.script_flush()
        run(stream.append_once("body-2", "id-2", "b"))
        redis.client_kill_filter(_type="normal", skipme=True)
        run(stream.append_once("body-3", "id-3", "c"))
        redis.client_kill_filter(_type="normal", skipme=True)
        run(stream.append("body-4", "bot", "id-4"))
        redis.client_kill_filter(_type="normal", skipme=True)
        run(asyncio.sleep(0.01))  # this time the end of the connection is seen before the click
        run(stream.append("body-5", "bot", "id-5"))
        assert redis.xlen(STREAM) == 5


def test_password_and_database_of_the_url_are_used_over_tcp(
    tmp_path: Path, folder: Path, run: Run, stream_to: Callable[[str], ClickStream]
) -> None:
    port = free_port()
    with valkey.running(folder / f"tcp-{port}") as url, Redis.from_url(url) as redis:
        redis.config_set("requirepass", "p@ss word")
        redis.execute_command("AUTH", "p@ss word")
        redis.config_set("port", str(port))
        address = f"redis://:p%40ss%20word@127.0.0.1:{port}/3"
        run(stream_to(address).append("body", "bot", "id"))
        run(stream_to(address.replace(":p%40", "default:p%40")).append("body", "bot", "id"))
        with Redis.from_url(address) as other:
            assert other.xlen(STREAM) == 2
        with pytest.raises(StreamDown, match="WRONGPASS"):
            run(stream_to(address.replace("p%40ss", "wrong")).append("body", "bot", "id"))


def test_a_server_that_cannot_take_it_is_down(
    valkey_url: str, run: Run, stream_to: Callable[[str], ClickStream]
) -> None:
    with Redis.from_url(valkey_url) as redis:
        redis.set(STREAM, "not a stream")
    stream = stream_to(valkey_url)
    with pytest.raises(StreamDown, match="WRONGTYPE"):
        run(stream.append_once("body", "id", "seen"))
    with pytest.raises(StreamDown, match="resting"):
        run(stream.append("body", "bot", "id"))


@contextmanager
def silent_server(path: Path) -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield f"unix://{path}"


def test_a_server_that_does_not_answer_costs_a_buyer_a_tenth_of_a_second_and_the_next_one_nothing(
    folder: Path, run: Run, stream_to: Callable[[str], ClickStream]
) -> None:
    with silent_server(folder / "silent.sock") as url:
        stream = stream_to(url)
        started = time.monotonic()
        with pytest.raises(StreamDown):
            run(stream.append("body", "bot", "id"))
        assert 0.09 <= time.monotonic() - started < 0.3
        started = time.monotonic()
        with pytest.raises(StreamDown, match="resting"):
            run(stream.append("body", "bot", "id"))
        assert time.monotonic() - started < 0.05


def test_a_reply_that_comes_too_late_is_not_taken_for_that_of_a_later_click(
    valkey_url: str, run: Run, stream_to: Callable[[str], ClickStream]
) -> None:
    stream = stream_to(valkey_url)

    async def story() -> str | None:
        await stream.append_once("body-1", "id-1", "a")
        with Redis.from_url(valkey_url) as redis:
            redis.execute_command("CLIENT", "PAUSE", "200", "ALL")
            with pytest.raises(StreamDown, match="no reply in time"):
                await stream.append_once("body-2", "id-2", "a")
            await asyncio.sleep(0.6)
            return await stream.append_once("body-3", "id-3", "b")

    assert run(story()) is None


def test_a_server_that_comes_back_is_used_again_soon(
    folder: Path, run: Run, stream_to: Callable[[str], ClickStream]
) -> None:
    path = folder / "later.sock"
    stream = stream_to(f"unix://{path}")
    with pytest.raises(StreamDown):
        run(stream.append("body", "bot", "id"))
    with valkey.running(folder / "later", path) as url:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                run(stream.append("body", "bot", "id"))
                break
            except StreamDown:
                time.sleep(0.05)
        with Redis.from_url(url) as redis:
            assert redis.xlen(STREAM) == 1


def test_a_crowd_of_clicks_shares_one_connection_and_each_gets_its_own_reply(
    valkey_url: str, run: Run, stream_to: Callable[[str], ClickStream]
) -> None:
    stream = stream_to(valkey_url)

    async def follow(number: int) -> list[str | None]:
        return [
            await stream.append_once("body", f"id-{number}-{turn}", f"visitor-{turn}") for turn in range(50)
        ]

    async def crowd() -> list[list[str | None]]:
        return await asyncio.gather(*(follow(number) for number in range(8)))

    with Redis.from_url(valkey_url) as redis:
        before = redis.info("stats")["total_connections_received"]
        answers = run(crowd())
        assert redis.info("stats")["total_connections_received"] == before + 1
        assert redis.xlen(STREAM) == 400
    for turn in range(50):
        of_turn = [answer[turn] for answer in answers]
        assert of_turn.count(None) == 1
        assert {found for found in of_turn if found} == {f"id-{of_turn.index(None)}-{turn}"}


def test_a_buyer_who_left_costs_the_others_nothing(
    valkey_url: str, run: Run, stream_to: Callable[[str], ClickStream]
) -> None:
    stream = stream_to(valkey_url)

    async def story() -> list[str | None]:
        gone = asyncio.ensure_future(stream.append_once("body-1", "id-1", "visitor:link"))
        stays = asyncio.ensure_future(stream.append_once("body-2", "id-2", "visitor:link"))
        await asyncio.sleep(0)
        gone.cancel()
        return [await stays, await stream.append_once("body-3", "id-3", "visitor:link")]

    with Redis.from_url(valkey_url) as redis:
        before = redis.info("stats")["total_connections_received"]
        assert run(story()) == ["id-1", "id-1"]
        assert redis.info("stats")["total_connections_received"] == before + 1
