"""``flask privacy``: what an operator does with personal data, and what is refused."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.models import AuditEvent
from app.kernel import clock
from app.referrals.models import Program
from app.referrals.referrers import Joining, join
from tests.builders import ACTOR, World, at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.kit import Shell

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HOSTING = ("--program", "hosting")
ADA = (*HOSTING, "--referrer", "ada")


@pytest.fixture(autouse=True)
def programme(shell: Shell) -> None:
    shell.program()
    services = shell.services
    with services.db.transaction() as session:
        program = session.scalars(select(Program)).one()
        joining = Joining("Ada Lovelace", "ada@example.org", "nl", "ada")
        ada, _ = join(session, services.keyring, program, joining, actor=ACTOR, now=at("2026-01-01"))
        world = World(session, program, services.referrals, {"ada": ada})
        world.signup("c1", when="2024-01-01", email="carla@customer.example", referrer_code="nobody")
        world.order("o1", customer="c1", placed="2024-01-05", paid="2024-01-05")


def actions(shell: Shell) -> list[str]:
    with shell.services.db.reading() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def test_retain_reports_what_went_and_report_shows_it_again(shell: Shell) -> None:
    assert shell.ok("privacy", "report").strip() == "no run yet"
    with clock.frozen(at("2026-11-22 03:00")):
        done = shell.json("privacy", "retain")
    assert (done["rows"]["unattributed-orders"], done["rows"]["unattributed-signups"]) == (1, 1)
    assert shell.json("privacy", "report") == {"runs": [done]}
    text = shell.ok("privacy", "report")
    assert "unattributed-orders           1 totalled  from orders: kept for 24 months" in text
    with clock.frozen(at("2026-11-23 03:00")):
        shell.ok("privacy", "retain")
    assert [sum(run["rows"].values()) for run in shell.json("privacy", "report", "--last", "5")["runs"]] == [
        0,
        2,
    ]


def test_the_rules_are_shown(shell: Shell) -> None:
    assert {rule["rule"]: rule["kept"] for rule in shell.json("privacy", "rules")["rules"]}[
        "clicks"
    ] == "90 days"


def test_a_referrer_is_exported_as_json_and_as_an_archive(shell: Shell, tmp_path: Path) -> None:
    told = json.loads(shell.ok("privacy", "export-referrer", *ADA))
    assert told["memberships"][0]["email"] == "ada@example.org"
    for name in ("ada.json", "ada.zip"):
        shell.ok("privacy", "export-referrer", *ADA, "--out", str(tmp_path / name))
    assert json.loads((tmp_path / "ada.json").read_text())["memberships"] == told["memberships"]
    with zipfile.ZipFile(tmp_path / "ada.zip") as archive:
        assert sorted(archive.namelist()) == ["data.json", "your-data.html"]
        assert "Jouw gegevens" in archive.read("your-data.html").decode()
    assert actions(shell)[-3:] == ["privacy.exported"] * 3


def test_a_customer_is_exported_and_erased(shell: Shell) -> None:
    carla = (*HOSTING, "--customer", "c1")
    before = json.loads(shell.ok("privacy", "export-customer", *carla))
    assert before["email_fingerprint"]
    assert [order["order_id"] for order in before["orders"]] == ["o1"]
    assert shell.json("privacy", "erase-customer", *carla) == {"customer": "c1", "erased": True}
    after = json.loads(shell.ok("privacy", "export-customer", *carla))
    assert after["email_fingerprint"] is None
    assert after["erased_at"]
    assert after["orders"] == before["orders"]


def test_a_referrer_leaves_and_is_erased(shell: Shell) -> None:
    early = shell.run("privacy", "erase-referrer", *ADA)
    assert early.exit_code == 1
    assert (
        early.stderr.strip()
        == "Error: referrer 'ada' cannot be erased: they still take part: let them leave first"
    )
    shell.ok("privacy", "leave", *ADA)
    assert shell.json("privacy", "erase-referrer", *ADA) == {"referrer": "ada", "erased": True}
    told = json.loads(shell.ok("privacy", "export-referrer", *ADA))
    assert "ada@example.org" not in json.dumps(told)
    assert "Lovelace" not in json.dumps(told)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (("retain", "--slow"), "No such option '--slow'."),
        (("report", "--last", "0"), "--last"),
        (("export-referrer", *HOSTING, "--referrer", "nobody"), "--referrer: there is no referrer 'nobody'"),
        (
            ("export-referrer", *ADA, "--out", "x.pdf"),
            "--out: expected a file name that ends in .zip or .json",
        ),
        (("export-referrer", *ADA, "--out", "/nowhere/x.zip"), "--out: cannot write /nowhere/x.zip"),
        (("export-customer", *HOSTING, "--customer", "no"), "--customer: there is no customer 'no'"),
        (("erase-customer", "--program", "x", "--customer", "c1"), "there is no programme 'x'"),
        (("erase-referrer", *HOSTING), "Missing option '--referrer'."),
        (("leave", *HOSTING, "--referrer", "no"), "--referrer: there is no referrer 'no'"),
    ],
)
def test_wrong_input_gets_one_line_and_changes_nothing(
    shell: Shell, command: tuple[str, ...], line: str
) -> None:
    rows = shell.rows()
    done = shell.run("privacy", *command)
    assert done.exit_code in {1, 2}
    assert line in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    if "/nowhere/x.zip" not in command:
        assert shell.rows() == rows


def test_an_old_order_is_left_alone_a_day_too_early(shell: Shell) -> None:
    with clock.frozen(at("2026-01-05") - timedelta(days=1)):
        assert shell.json("privacy", "retain")["rows"]["unattributed-orders"] == 0
