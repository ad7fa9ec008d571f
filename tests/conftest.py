"""What every test may ask for: real databases and a real Valkey, new and empty for each test.

``database`` and what builds on it runs once on SQLite and once on PostgreSQL. Each pytest worker has its own
servers, in a folder that goes when it ends. The schema is migrated once per database and copied for a test.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher
from flask import Flask
from redis import Redis
from sqlalchemy.orm import Session

from app.embedded import postgres, valkey
from app.embedded.schema import upgrade
from app.identity import passwords
from app.kernel import db
from app.kernel.crypto import Keyring
from app.kernel.db import Database
from config import Settings
from tests.support import made_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient

    from app.embedded.postgres import Postgres
    from app.factory import Services

KEYS = {
    "SECRET_KEYS": "test-secret-key-0123456789abcdef0123",
    "LINK_KEYS": "test-link-key-0123456789abcdef012345",
    "ENCRYPTION_KEYS": "test-encryption-key-0123456789abcdef",
}

_numbers = count()


def _short_folder() -> Path:
    """A folder for servers and databases: in memory if there is room, and short enough for a unix socket."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2 * 2**30
    path = Path(tempfile.mkdtemp(prefix="refledger-", dir=memory if roomy else None))
    path.chmod(0o711)  # a PostgreSQL that runs as nobody must get through to its own folder
    return path


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """The folder of this pytest worker's servers and databases."""
    path = _short_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey_server(folder: Path) -> Iterator[str]:
    """The URL of this worker's Valkey; a test asks for ``valkey_url``, which is emptied first."""
    with valkey.running(folder / "valkey") as url:
        yield url


@pytest.fixture
def valkey_url(valkey_server: str) -> str:
    """The URL of an empty Valkey."""
    with Redis.from_url(valkey_server) as client:
        client.flushall()
    return valkey_server


@pytest.fixture(scope="session")
def postgres_server(folder: Path) -> Iterator[Postgres]:
    """This worker's PostgreSQL, with the migrated database ``template`` that tests are copied from."""
    with postgres.running(folder / "postgres") as server:
        with server.connect() as connection:
            connection.execute("CREATE DATABASE template")
        upgrade(server.url("template"))
        yield server


@pytest.fixture(scope="session")
def sqlite_template(folder: Path) -> Path:
    """A migrated SQLite file that tests are copied from."""
    path = folder / "template.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(folder: Path, sqlite_template: Path) -> Iterator[str]:
    """The URL of a new SQLite database with the schema in it."""
    path = folder / f"test-{next(_numbers)}.db"
    shutil.copyfile(sqlite_template, path)
    yield f"sqlite:///{path}"
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """The URL of a new PostgreSQL database with the schema in it."""
    name = f"test_{next(_numbers)}"
    with postgres_server.connect() as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY FILE_COPY".encode())
    yield postgres_server.url(name)
    with postgres_server.connect() as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a new database; the test runs on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A new database."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session in one transaction that is rolled back at the end.

    On SQLite it holds the write lock from the start, so a test that also writes through ``client`` or
    ``database.transaction()`` must not ask for it.
    """
    with Session(database.engine, expire_on_commit=False) as opened:
        opened.begin()
        yield opened
        opened.rollback()


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Make test settings from environment variables: ``make_settings(DATABASE_URL=...)``."""

    def make(**environ: str) -> Settings:
        own = {"APP_ENV": "test", "VAR_DIR": str(tmp_path / "var"), "VIES_URL": "http://127.0.0.1:9/vies"}
        return Settings.from_env({**own, **KEYS, **environ})

    return make


@pytest.fixture
def settings(database_url: str, valkey_url: str, make_settings: Callable[..., Settings]) -> Settings:
    """Settings that name this test's database and Valkey."""
    return make_settings(DATABASE_URL=database_url, REDIS_URL=valkey_url)


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """Everything the factory wires, without Flask."""
    from app.factory import build_services

    built = build_services(settings)
    yield built
    built.db.dispose()
    built.queue.close()


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The Flask application."""
    from app.factory import create_app

    made = create_app(settings)
    yield made
    built: Services = made.extensions["refledger"]
    built.db.dispose()
    built.queue.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser or API client of the application."""
    return app.test_client()


@pytest.fixture
def keyring() -> Keyring:
    """The keyring of the test settings."""
    return Keyring((KEYS["ENCRYPTION_KEYS"],))


@pytest.fixture(scope="session", autouse=True)
def _made_once() -> Iterator[None]:
    """What every application makes for itself is made once for all tests: it was half of the suite's time.

    A password's hash is as cheap as Argon2 allows; servers that tests start as processes hash as in production.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": made_once.Templates()})
        patch.setattr(db, "create_engine", made_once.Statements().create_engine)
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def dear_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as in production."""
    monkeypatch.setattr(passwords, "_HASHER", made_once.DEAR_HASHER)


@pytest.fixture(scope="session", autouse=True)
def _plain_environment() -> None:
    """Tests say what they need; what the shell happens to export must not reach their child processes."""
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "APP_ENV",
        "PUBLIC_URL",
        "TRUSTED_HOSTS",
        "SMTP_URL",
        "VAR_DIR",
    ):
        os.environ.pop(name, None)
