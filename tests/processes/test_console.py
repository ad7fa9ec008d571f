from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.house import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def flask(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask", *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_on_a_bare_checkout_the_first_command_makes_the_database(tmp_path: Path) -> None:
    create = ("programs", "create", "--slug", "hosting", "--name", "Hosting", "--currency", "EUR")
    made = flask(*create, "--landing-url", "https://shop.example/", "--json", VAR_DIR=str(tmp_path / "var"))
    assert made.returncode == 0, made.stderr
    assert "hosting" in json.dumps(json.loads(made.stdout))
    assert (tmp_path / "var" / "refledger.db").exists()


def test_a_wrong_setting_ends_a_command_with_one_line() -> None:
    done = flask("ledger", "check", LINK_KEYS="short")
    assert done.returncode == 1
    assert done.stderr == "LINK_KEYS has a key that is too short: expected at least 32 bytes each\n"


def test_without_a_migrated_database_a_command_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    done = flask("ledger", "check", DATABASE_URL=f"sqlite:///{tmp_path}/empty.db", VAR_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "no such table" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
