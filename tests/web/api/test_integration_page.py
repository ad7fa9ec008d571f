"""The examples of ``docs/integration.md`` are run as they stand, by a shell, against the real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.factory import build_services
from app.identity.api_keys import create_api_key
from app.kernel import clock
from app.referrals.models import Program
from tests.builders import ACTOR, World
from tests.conftest import KEYS
from tests.support.house import ROOT
from tests.web.api.kit import ALL_SCOPES
from tests.web.api.server import running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from config import Settings

EXAMPLE = re.compile(r"^```sh run\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def examples() -> list[str]:
    return EXAMPLE.findall((ROOT / "docs" / "integration.md").read_text())


def run(script: str, environ: dict[str, str]) -> list[dict[str, Any]]:
    """The documents that an example prints, one a line."""
    assert shutil.which("curl"), "the examples need curl"
    done = subprocess.run(["bash", "-euc", script], env=environ, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_examples_connect_a_shop(
    database_url: str, valkey_url: str, tmp_path: Path, make_settings: Callable[..., Settings]
) -> None:
    environ = {
        "APP_ENV": "test",
        "VAR_DIR": str(tmp_path / "var"),
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey_url,
        **KEYS,
    }
    services = build_services(make_settings(**environ))
    with services.db.transaction() as session:
        world = World.build(session)
        world.product("vps-m", "10%")
        program = session.scalars(select(Program)).one()
        key = create_api_key(
            session, program_id=program.id, name="shop", scopes=ALL_SCOPES, actor=ACTOR, now=clock.now()
        ).key

    with running(environ, tmp_path / "granian.txt", workers=1) as url:
        shell = {"PATH": os.environ["PATH"], "REFLEDGER": url, "API_KEY": key, "CODE": "jansen"}
        answers = [run(script, shell) for script in examples()]
    services.db.dispose()
    services.queue.close()

    joined, account, lead, signup, order, payment, refund, batch, told, balance, commissions = answers
    assert "/r/jansen/" in joined[0]["referral_url"]
    assert lead[0]["lead_id"] == "L-2026-17"
    assert account[0]["last4"] == "4300"
    assert (signup[0]["referrer"], signup[0]["method"]) == ("jansen", "code")
    assert (order[0]["status"], order[0]["commissions"]) == ("pending", [])
    assert [(each["line_id"], each["amount"]) for each in payment[0]["commissions"]] == [("1", 1_100)]
    assert [each["amount"] for each in refund[0]["commissions"]] == [770]
    assert [line["status"] for line in batch] == [201, 201]
    assert [line["outcome"] for line in told[0]["lines"]] == ["earns", "unknown_product"]
    assert (balance[0]["earned"], balance[0]["clawed_back"]) == (1_350, 330)
    assert {item["order_id"] for item in commissions[0]["items"]} == {"2026/0012", "2026/0013"}
