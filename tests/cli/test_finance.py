"""``flask finance`` and the closing of months, from the command line."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.kit import Shell


def test_an_empty_programme_is_closed_sealed_and_written_out(shell: Shell, tmp_path: Path) -> None:
    shell.program()
    assert shell.json("finance", "liability", "--program", "hosting")["total"] == 0
    assert shell.json("finance", "ageing", "--program", "hosting", "--period", "2026-01")["total"] == 0
    assert shell.json("finance", "match", "--program", "hosting") == {"program": "hosting", "runs": []}
    out = tmp_path / "journal.csv"
    facts = shell.json("finance", "journal", "--program", "hosting", "--period", "2026-01", "--out", str(out))
    assert (facts["lines"], facts["sha256"]) == (0, hashlib.sha256(out.read_bytes()).hexdigest())
    refused = shell.run("finance", "datev", "--program", "hosting", "--period", "2026-01", "--out", str(out))
    assert refused.exit_code == 2
    assert "--adviser" in refused.stderr
    assert (
        shell.json("finance", "ubd", "--program", "hosting", "--year", "2026", "--out", str(out))["lines"]
        == 0
    )
    closed = shell.json("ledger", "close", "--program", "hosting", "--period", "2026-01")
    assert closed == {"program": "hosting", "period": "2026-01", "transactions": 0, "debits_minor": 0}
    assert shell.json("ledger", "closings", "--program", "hosting")["closed"][0]["period"] == "2026-01"
    again = shell.run("ledger", "close", "--program", "hosting", "--period", "2026-01")
    assert (again.exit_code, "closed already" in again.stderr) == (1, True)
    assert [book["book"] for book in shell.json("ledger", "seal")["books"]] == ["ledger", "audit"]
    assert shell.json("ledger", "check")["holds"]


def test_settings_are_printed_changed_and_refused(shell: Shell) -> None:
    shell.program()
    of = ("finance", "settings", "--program", "hosting")
    assert shell.json(*of)["accounts"]["bank"] == "1200"
    changed = shell.json(
        *of, "--chart", "skr04", "--account", "bank=1810", "--adviser", "1001", "--client", "7"
    )
    assert (changed["chart"], changed["accounts"]["bank"], changed["accounts"]["payable"]) == (
        "skr04",
        "1810",
        "3500",
    )
    assert shell.json(*of, "--account", "bank=")["accounts"]["bank"] == "1800"
    for wrong in (("--account", "till=1000"), ("--account", "bank=12"), ("--account", "bank=12000")):
        assert shell.run(*of, *wrong).exit_code == 2
    for wrong in (("--adviser", "5"), ("--year-begins", "13"), ("--client", "0")):
        assert shell.run(*of, *wrong).exit_code == 2
