from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis

from app.embedded import postgres, valkey
from app.embedded.postgres import Identity
from app.kernel.errors import StartRefused


@pytest.fixture
def short(folder: Path, request: pytest.FixtureRequest) -> Path:
    """A folder whose path is short enough for a socket."""
    path = folder / f"e{abs(hash(request.node.name)) % 100_000}"
    path.mkdir()
    return path


def test_what_valkey_acknowledged_survives_a_kill(short: Path) -> None:
    process = valkey.start(short, short / "s")
    with Redis(unix_socket_path=str(short / "s")) as client:
        for number in range(200):
            client.xadd("clicks", {"n": number})
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with valkey.running(short, short / "s") as url, Redis.from_url(url) as client:
        assert client.xlen("clicks") == 200
        assert client.config_get("appendfsync") == {"appendfsync": "always"}


def test_valkey_listens_on_no_port(short: Path) -> None:
    with valkey.running(short) as url, Redis.from_url(url) as client:
        assert client.config_get("port") == {"port": "0"}


def test_a_machine_without_any_server_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(StartRefused, match="install valkey-server or redis-server"):
        valkey.find_server()


def test_without_the_wheel_a_server_on_the_path_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(shutil, "which", lambda name: "/opt/redis-server" if name == "redis-server" else None)
    assert valkey.find_server() == Path("/opt/redis-server")


def test_a_folder_too_deep_for_a_socket_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="too long for a unix socket"):
        valkey.command(tmp_path, tmp_path / ("x" * 110))


def test_postgres_runs_for_the_block_and_keeps_its_data_for_the_next(short: Path) -> None:
    with postgres.running(short) as server, server.connect() as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    with postgres.running(short, durable=True) as server, server.connect() as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


@pytest.mark.parametrize(
    "root",
    [
        pytest.param(Identity(prefix=postgres.NAMESPACE), id="namespace"),
        pytest.param(Identity(user="nobody"), id="nobody"),
    ],
)
def test_root_runs_postgres_as_somebody_else(short: Path, root: Identity) -> None:
    if os.geteuid() != 0:
        # Not root: there is nobody else to become, and it must run as it is.
        root = Identity.choose()
        assert root == Identity()
    short.chmod(0o755)
    with postgres.running(short / "pg", identity=root) as server, server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_servers_die_with_a_process_that_was_killed(short: Path) -> None:
    script = f"""
import time
from pathlib import Path
from app.embedded import postgres, valkey
with valkey.running(Path({str(short)!r})), postgres.running(Path({str(short / "pg")!r})):
    print("up", flush=True)
    time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "up\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while _mentions(str(short)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _mentions(str(short)) == []


def _mentions(text: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if text in command:
            found.append(command)
    return found
