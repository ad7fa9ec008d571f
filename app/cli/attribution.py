"""``flask attribution``: whether everything that was decided follows from the recorded facts."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from app.cli.command import House, Refusal, answer, json_option, parts
from app.referrals.replay import count_facts, replay, scratch_database
from app.referrals.replay_compare import compare

if TYPE_CHECKING:
    from collections.abc import Iterator

attribution = House("attribution", help="Who brought whom, and whether it can be trusted.")

_SHOWN: Final = 20


@attribution.command("replay")
@click.option(
    "--show",
    type=click.IntRange(min=0),
    default=_SHOWN,
    show_default=True,
    metavar="N",
    help="How many differences to print.",
)
@json_option
def replay_(show: int, as_json: bool) -> None:
    """Decide everything again from the recorded facts and compare it with what stands, to the cent and the reason.

    Reads the database and changes nothing; the new decisions live in a scratch database under VAR_DIR and go with it.
    Exits with 1 where anything differs.
    """
    house = parts()
    folder = house.settings.var_dir
    with (
        _room(folder) as work,
        house.db.snapshot() as live,
        scratch_database(work) as scratch,
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
            lines = [*done.refused, *map(str, islice(found, show))]
            more = sum(1 for _ in found)
    differences = len(lines) + more
    if differences:
        if as_json:
            answer(as_json, {"facts": done.told, "same": False, "differences": differences, "first": lines})
        else:
            for line in lines:
                click.echo(line, err=True)
        raise Refusal(f"{differences} differences between the replay of {done.told} facts and what stands")
    answer(
        as_json,
        {"facts": done.told, "same": True, "differences": 0, "first": []},
        f"{done.told} facts replayed: every decision, commission and balance is the same",
    )


@contextmanager
def _room(folder: Path) -> Iterator[Path]:
    """A folder of its own below VAR_DIR for the length of the block."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = TemporaryDirectory(prefix="replay-", dir=folder)
    except OSError as error:
        raise Refusal(f"VAR_DIR: no room for the scratch database in {folder}: {error.strerror}") from None
    with made as work:
        yield Path(work)
