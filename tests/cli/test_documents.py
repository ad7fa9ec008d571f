"""Tax profiles, documents and statements from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.audit import Actor
from app.kernel import clock
from app.payouts.destinations import GivenAccount, put_destination
from app.payouts.words import DestinationSource
from app.referrals.models import Program
from tests.builders import World, at, line

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.kit import Shell

PLACE = ("--street", "Kade 1", "--postcode", "1011 AB", "--town", "Amsterdam", "--country", "NL")
ADA = ("--program", "hosting", "--referrer", "ada-hosting")


@pytest.fixture(autouse=True)
def _a_month(shell: Shell) -> None:
    shell.program()
    shell.staff("fin@example.org", "finance")
    with clock.frozen(at("2026-09-20 12:00")), shell.services.db.transaction() as session:
        world = World(
            session, session.scalars(select(Program)).one(), shell.services.referrals, now=clock.now()
        )
        ada = world.join("ada")
        world.product("web", "10%")
        world.bind("ada", when="2026-09-19")
        world.order("o1", line(net=100000), placed="2026-09-20", paid="2026-09-20")
        put_destination(
            shell.services.payouts,
            session,
            ada,
            GivenAccount("Ada", "NL91ABNA0417164300"),
            source=DestinationSource.MERCHANT,
            verified=True,
            by=Actor.cli(),
            now=at("2026-01-02"),
        )


def test_a_month_is_invoiced_exported_objected_to_and_issued_again(shell: Shell, tmp_path: Path) -> None:
    shell.ok(
        "documents",
        "merchant",
        "--program",
        "hosting",
        "--name",
        "Shop BV",
        *PLACE,
        "--vat-id",
        "NL002342672B42",
    )
    bad = shell.run(
        "documents",
        "profile",
        *ADA,
        "--status",
        "business",
        "--name",
        "Ada",
        *PLACE,
        "--vat-id",
        "DE136695976",
    )
    assert (bad.exit_code, bad.stderr) == (2, "Error: --vat-id: this is not a VAT id of NL\n")
    shown = shell.json(
        "documents",
        "profile",
        *ADA,
        "--status",
        "business",
        "--name",
        "Ada",
        *PLACE,
        "--vat-id",
        "NL004495445B01",
    )
    assert (shown["version"], shown["vat_id"]) == (1, "NL004495445B01")
    assert shell.json("documents", "agreement", *ADA) == {"referrer": "ada-hosting", "agreed": True}
    assert shell.json("documents", "check-vat-id", *ADA)["answer"] == "unavailable"
    seen = shell.json("documents", "check-vat-id", *ADA, "--seen", "valid", "--consultation-number", "WAPI1")
    assert seen["answer"] == "valid"
    run = "payouts run --program hosting --period 2026-09 --by fin@example.org".split()
    assert shell.json(*run)["payouts"][0]["amount"] == 12100
    assert shell.ok("documents", "render") == "1 files made\n"
    (document,) = shell.json("documents", "list", *ADA)["documents"]
    assert (document["number"][:11], document["total"], document["category"]) == ("HOSTING-NL-", 12100, "S")
    out = tmp_path / "document.pdf"
    assert (
        shell.json("documents", "export", document["number"], "--out", str(out))["sha256"]
        == document["sha256"]
    )
    assert out.read_bytes()[:5] == b"%PDF-"
    void = shell.json("documents", "object", document["number"], "--reason", "wrong town")
    assert void["correction"].endswith("-000002")
    again = shell.json("documents", "issue-again", document["number"], "--by", "fin@example.org")
    assert again["documents"][0].endswith("-000003")
    assert shell.json("documents", "issue", "--program", "hosting")["documents"] == 0
    assert [line.split()[3] for line in shell.ok("documents", "list", *ADA).splitlines()] == [
        "void",
        "issued",
        "issued",
    ]
    unknown = shell.run("documents", "export", "X-1", "--out", str(out))
    assert (unknown.exit_code, unknown.stderr) == (1, "Error: there is no document 'X-1'\n")
    assert not shell.json("documents", "agreement", *ADA, "--withdraw")["agreed"]
    shell.ok("ledger", "check")


def test_a_statement_is_printed_and_written(shell: Shell, tmp_path: Path) -> None:
    shown = shell.json("statements", "show", *ADA, "--period", "2026-09")
    assert (shown["opening"]["total_minor"], shown["closing"]["total_minor"]) == (0, 10000)
    assert [each["movement"] for each in shown["lines"]] == ["commission"]
    assert "closing                    100.00" in shell.ok("statements", "show", *ADA, "--period", "2026-09")
    written = shell.json(
        "statements", "export", "--program", "hosting", "--period", "2026-09", "--out", str(tmp_path)
    )
    assert written["files"] == ["ada-hosting-2026-09.pdf"]
    assert (tmp_path / "ada-hosting-2026-09.pdf").read_bytes()[:5] == b"%PDF-"
    early = shell.run("statements", "show", *ADA, "--period", "2999-01")
    assert early.exit_code == 1
    assert "is not over" in early.stderr
    assert shell.run("statements", "show", *ADA, "--period", "September").exit_code == 2
