"""``flask clicks report``: labels per referrer over any days, from the totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.kernel import clock
from tests.builders import at
from tests.db.test_click_quality import Tracks

if TYPE_CHECKING:
    from tests.cli.kit import Shell


def test_the_report_says_labels_and_shares_per_referrer(shell: Shell) -> None:
    tracks = Tracks(shell.services)
    tracks.clicks("ada", at("2026-11-20 10:00"), counted=80)
    tracks.clicks("bob", at("2026-11-21 10:00"), counted=20, bot=60)
    line = "clicks report --program hosting --until 2026-11-21".split()
    assert shell.json(*line) == {
        "program": "hosting",
        "from": "2026-10-23",
        "to": "2026-11-21",
        "referrers": [
            {
                "referrer": "bob-hosting",
                "clicks": 80,
                "labels": {
                    "bad_tag": 0,
                    "prefetch": 0,
                    "head": 0,
                    "embedded": 0,
                    "bot": 60,
                    "duplicate": 0,
                    "counted": 20,
                },
                "counted_ppm": 250_000,
                "suspicion_ppm": 600_000,
            },
            {
                "referrer": "ada-hosting",
                "clicks": 80,
                "labels": {
                    "bad_tag": 0,
                    "prefetch": 0,
                    "head": 0,
                    "embedded": 0,
                    "bot": 0,
                    "duplicate": 0,
                    "counted": 80,
                },
                "counted_ppm": 1_000_000,
                "suspicion_ppm": 0,
            },
        ],
    }
    said = shell.ok(*line, "--days", "1").splitlines()
    assert said[0] == "hosting, 2026-11-21 to 2026-11-21"
    assert said[2].split() == ["bob-hosting", "0", "0", "0", "0", "60", "0", "20", "25%", "60%"]
    assert len(said) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_a_day_it_ends_yesterday(shell: Shell) -> None:
    tracks = Tracks(shell.services)
    tracks.clicks("ada", at("2026-11-21 10:00"), counted=1)
    with clock.frozen(at("2026-11-22 10:00")):
        shown = shell.json(*"clicks report --program hosting --days 1".split())
        assert "no clicks" in shell.ok(*"clicks report --program hosting --until 2026-01-31".split())
    assert (shown["from"], shown["to"], len(shown["referrers"])) == ("2026-11-21", "2026-11-21", 1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_option_is_one_line(shell: Shell) -> None:
    shell.program()
    for wrong, named in (
        ("--program nobody", "--program"),
        ("--program hosting --days 0", "--days"),
        ("--program hosting --until soon", "--until"),
        ("--program hosting --until 0001-01-01", "--until"),
        ("--program hosting --limit 0", "--limit"),
        ("", "--program"),
    ):
        done = shell.run("clicks", "report", *wrong.split())
        assert done.exit_code == 2 or named == "--program"
        assert done.exit_code != 0
        assert len(done.stderr.splitlines()) == 1
        assert named in done.stderr
