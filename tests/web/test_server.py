"""The house's own server, on granian: what a WSGI application gets of a request, and what becomes of its answer."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import httpx

from tests.web.api.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_a_request_and_its_answer_pass_the_server_as_pep_3333_says(tmp_path: Path) -> None:
    closed, log = tmp_path / "closed", tmp_path / "granian.txt"
    environ = {"PROBE_CLOSED": str(closed)}
    with (
        running(environ, log, workers=1, target="tests.support.probe:create") as url,
        httpx.Client(base_url=url, timeout=20) as client,
    ):
        the_environment_is_told(client)
        bodies_are_read_to_their_end_and_no_further(client)
        pieces_leave_as_they_come(client)
        assert client.get("/write").text == "written, returned"
        assert client.get("/crash").status_code == 500
        a_client_who_leaves_ends_the_answer(url, closed)
        a_body_that_breaks_off_reaches_no_application(url, client, log)
        a_websocket_finds_nothing(client)


def the_environment_is_told(client: httpx.Client) -> None:
    answer = client.post(
        "/tell/%C3%BC%2F1?to=%2Fa&x=1",
        content=b"abc",
        headers=[
            ("X-Forwarded-For", "192.0.2.1"),
            ("X-Forwarded-For", "192.0.2.2"),
            ("X_Forwarded_For", "198.51.100.9"),
            ("Content-Type", "text/plain"),
            ("Host", "house.example"),
        ],
    )
    assert answer.headers.get_list("X-Two") == ["1", "2"]
    told = answer.json()
    expected = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/tell/\u00c3\u00bc/1",
        "QUERY_STRING": "to=%2Fa&x=1",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "3",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "house.example",
        "HTTP_X_FORWARDED_FOR": "192.0.2.1,192.0.2.2",
        "wsgi.url_scheme": "http",
    }
    assert {name: told.get(name) for name in expected} == expected
    assert client.head("/tell").status_code == 200


def bodies_are_read_to_their_end_and_no_further(client: httpx.Client) -> None:
    def parts(raw: bytes) -> Iterator[bytes]:
        for at in range(0, len(raw), 50_000):
            yield raw[at : at + 50_000]

    short, long = b"a\nbc\n", b"first\n" + b"x" * 1_000_000 + b"\nlast"
    for body in (b"", short, long):
        first = len(body.partition(b"\n")[0]) + 1 if body else 0
        told = f"{first} {len(body) - first} 0"
        assert client.post("/lines", content=body).text == told
        assert client.post("/lines", content=parts(body)).text == told
    assert client.get("/lines").text == "0 0 0"


def pieces_leave_as_they_come(client: httpx.Client) -> None:
    with client.stream("GET", "/pieces") as answer:
        received = answer.iter_raw()
        assert next(received).startswith(b"first ")
        assert httpx.get(f"{client.base_url}/more").status_code == 204
        assert b"".join(received).endswith(b"third")


def a_client_who_leaves_ends_the_answer(url: str, closed: Path) -> None:
    with httpx.stream("GET", f"{url}/endless") as answer:
        next(answer.iter_raw())
    deadline = time.monotonic() + 10
    while not closed.exists():
        assert time.monotonic() < deadline, "the application still answers nobody"
        time.sleep(0.02)


def a_body_that_breaks_off_reaches_no_application(url: str, client: httpx.Client, log: Path) -> None:
    before, address = log.read_text().count("the application broke"), httpx.URL(url)
    with socket.create_connection((address.host, address.port or 80)) as caller:
        caller.sendall(b"POST /crash HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this")
    assert client.get("/lines").text == "0 0 0"
    assert log.read_text().count("the application broke") == before > 0


def a_websocket_finds_nothing(client: httpx.Client) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert client.get("/tell", headers=headers).status_code == 404
