"""A Refledger of paper: it writes down what the shop sends and answers as a test tells it to."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from app.factory import Services, build_services
from examples.shop.app import create_app
from examples.shop.settings import ShopSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from config import Settings
    from examples.shop.wiring import Shop


@dataclass
class Call:
    """One request that the shop made."""

    method: str
    path: str
    key: str
    body: Any


@dataclass
class PaperRefledger:
    """Answers 200 with `bodies[path]` unless `failures` holds a status for the next call."""

    url: str
    calls: list[Call] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    bodies: dict[str, Any] = field(default_factory=dict)

    def paths(self, key: str) -> list[str]:
        """What was called with one programme's key, in order."""
        return [f"{call.method} {call.path}" for call in self.calls if call.key == key]

    def body(self, path: str) -> Any:
        """The last body sent to `path`."""
        return next(call.body for call in reversed(self.calls) if call.path == path)


@pytest.fixture
def refledger() -> Iterator[PaperRefledger]:
    paper: PaperRefledger

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.removeprefix("/api/v1")
            key = self.headers.get("Authorization", "").removeprefix("Bearer ")
            paper.calls.append(Call(self.command, path, key, json.loads(raw) if raw else None))
            status = paper.failures.pop(0) if paper.failures else 200
            body = json.dumps(paper.bodies.get(path, {}) if status == 200 else {"title": "No"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the names that http.server wants

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    paper = PaperRefledger(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield paper
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def shop_app(refledger: PaperRefledger, tmp_path: Path) -> Iterator[Flask]:
    settings = ShopSettings(
        refledger_url=refledger.url,
        keys={"hosting": "key-h", "directory": "key-d"},
        folder=tmp_path / "shop",
        retry_seconds=0,
        secret="s" * 40,
    )
    app = create_app(settings, start_sender=False)
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    for client in app.extensions["shop"].clients.values():
        client.close()


@pytest.fixture
def shop(shop_app: Flask) -> Shop:
    shop: Shop = shop_app.extensions["shop"]
    return shop


@pytest.fixture
def browser(shop_app: Flask) -> FlaskClient:
    return shop_app.test_client()


@pytest.fixture
def make_services(
    sqlite_template: Path, make_settings: Callable[..., Settings], tmp_path: Path
) -> Iterator[Callable[[], Services]]:
    """Wires a further house with a new SQLite database and a folder of its own."""
    made: list[Services] = []

    def make() -> Services:
        folder = tmp_path / f"house-{len(made)}"
        folder.mkdir()
        shutil.copyfile(sqlite_template, folder / "refledger.db")
        built = build_services(make_settings(VAR_DIR=str(folder)))
        made.append(built)
        return built

    yield make
    for services in made:
        services.db.dispose()
        services.queue.close()
