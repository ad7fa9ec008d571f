"""The append: one round trip, a time limit, and a new connection where the old one went away."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from app.embedded import valkey
from app.referrals.stream import STREAM, ClickStream, StreamDown
from tests.support.house import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_a_duplicate_is_found_and_stored_in_one_call(valkey_url: str) -> None:
    stream = ClickStream(valkey_url)
    assert stream.append_once("body-1", "id-1", "visitor:link") is None
    assert stream.append_once("body-2", "id-2", "visitor:link") == "id-1"
    assert stream.append_once("body-3", "id-3", "visitor:other") is None
    with Redis.from_url(valkey_url) as redis:
        entries = [fields for _, fields in redis.xrange(STREAM)]
    assert entries == [
        {b"l": b"counted", b"c": b"id-1", b"r": b"body-1"},
        {b"l": b"duplicate", b"c": b"id-1", b"r": b"body-2"},
        {b"l": b"counted", b"c": b"id-3", b"r": b"body-3"},
    ]


def test_a_repetition_of_the_same_click_is_not_its_own_duplicate(valkey_url: str) -> None:
    stream = ClickStream(valkey_url)
    assert stream.append_once("body", "id", "visitor:link") is None
    assert stream.append_once("body", "id", "visitor:link") is None


def test_a_server_that_forgot_the_script_or_dropped_the_connection_is_no_failure(valkey_url: str) -> None:
    stream = ClickStream(valkey_url)
    stream.append_once("body-1", "id-1", "a")
    with Redis.from_url(valkey_url) as redis:
        redis.script_flush()
        stream.append_once("body-2", "id-2", "b")
        redis.client_kill_filter(_type="normal", skipme=True)
        stream.append_once("body-3", "id-3", "c")
        redis.client_kill_filter(_type="normal", skipme=True)
        stream.append("body-4", "bot", "id-4")
        assert redis.xlen(STREAM) == 4


def test_password_and_database_of_the_url_are_used_over_tcp(tmp_path: Path, folder: Path) -> None:
    port = free_port()
    with valkey.running(folder / f"tcp-{port}") as url, Redis.from_url(url) as redis:
        redis.config_set("requirepass", "p@ss word")
        redis.execute_command("AUTH", "p@ss word")
        redis.config_set("port", str(port))
        address = f"redis://:p%40ss%20word@127.0.0.1:{port}/3"
        ClickStream(address).append("body", "bot", "id")
        ClickStream(address.replace(":p%40", "default:p%40")).append("body", "bot", "id")
        with Redis.from_url(address) as other:
            assert other.xlen(STREAM) == 2
        with pytest.raises(StreamDown, match="WRONGPASS"):
            ClickStream(address.replace("p%40ss", "wrong")).append("body", "bot", "id")


def test_a_server_that_cannot_take_it_is_down(valkey_url: str) -> None:
    with Redis.from_url(valkey_url) as redis:
        redis.set(STREAM, "not a stream")
    with pytest.raises(StreamDown, match="WRONGTYPE"):
        ClickStream(valkey_url).append_once("body", "id", "seen")


@contextmanager
def silent_server(path: Path) -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield f"unix://{path}"


def test_a_server_that_does_not_answer_costs_a_buyer_a_tenth_of_a_second_and_the_next_one_nothing(
    folder: Path,
) -> None:
    with silent_server(folder / "silent.sock") as url:
        stream = ClickStream(url)
        started = time.monotonic()
        with pytest.raises(StreamDown):
            stream.append("body", "bot", "id")
        assert 0.09 <= time.monotonic() - started < 0.3
        started = time.monotonic()
        with pytest.raises(StreamDown, match="resting"):
            stream.append("body", "bot", "id")
        assert time.monotonic() - started < 0.05


def test_a_server_that_comes_back_is_used_again_soon(folder: Path) -> None:
    path = folder / "later.sock"
    stream = ClickStream(f"unix://{path}")
    with pytest.raises(StreamDown):
        stream.append("body", "bot", "id")
    with valkey.running(folder / "later", path) as url:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                stream.append("body", "bot", "id")
                break
            except StreamDown:
                time.sleep(0.05)
        with Redis.from_url(url) as redis:
            assert redis.xlen(STREAM) == 1


def test_threads_share_nothing_but_the_stream(valkey_url: str) -> None:
    stream = ClickStream(valkey_url)
    firsts: list[str | None] = []

    def follow(number: int) -> None:
        firsts.extend(stream.append_once("body", f"id-{number}-{turn}", "one visitor") for turn in range(50))

    threads = [threading.Thread(target=follow, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert firsts.count(None) == 1
    assert len(set(firsts)) == 2
    with Redis.from_url(valkey_url) as redis:
        assert redis.xlen(STREAM) == 400
