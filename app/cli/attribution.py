"""``flask attribution``: whether everything that was decided follows from the recorded facts."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from app.cli.command import House, Refusal, answer, json_option, parts
from app.referrals.replay import count_facts, replay, scratch_database
from app.referrals.replay_compare import compare

attribution = House("attribution", help="Who brought whom, and whether it can be trusted.")

_SHOWN: Final = 20


@attribution.command("replay")
@click.option("--show", default=_SHOWN, show_default=True, metavar="N", help="How many differences to print.")
@json_option
def replay_(show: int, as_json: bool) -> None:
    """Decide everything again from the recorded facts and compare it with what stands, to the cent and the reason.

    Reads the database and changes nothing; the new decisions live in a scratch database under VAR_DIR and go with it.
    Exits with 1 where anything differs.
    """
    house = parts()
    folder = house.settings.var_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix="replay-", dir=folder) as work,
        house.db.snapshot() as live,
        scratch_database(Path(work)) as scratch,
        click.progressbar(
            length=count_facts(live),
            label="Facts",
            file=sys.stderr,
            hidden=as_json or not sys.stderr.isatty(),
        ) as bar,
    ):
        done = replay(house.referrals, live, scratch, bar.update)
        with scratch.reading() as replayed:
            found = compare(live, replayed)
            lines = [*done.refused, *map(str, islice(found, max(show, 0)))]
            more = sum(1 for _ in found)
    differences = len(lines) + more
    if differences:
        if as_json:
            answer(as_json, {"facts": done.told, "same": False, "differences": differences, "first": lines})
        else:
            click.echo("\n".join(lines), err=True)
        raise Refusal(f"{differences} differences between the replay of {done.told} facts and what stands")
    answer(
        as_json,
        {"facts": done.told, "same": True, "differences": 0, "first": []},
        f"{done.told} facts replayed: every decision, commission and balance is the same",
    )
