"""`python -m examples.month PROGRAMME` plays the month's end of a demo's programme, or goes on where one stopped."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from examples.month.journal import Entry, Journal, Mark, Shelf
from examples.month.operator import CommandRefused, Operator
from examples.month.playing import MonthEnd

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "month"
ZONE = ZoneInfo("Europe/Amsterdam")
"""In which the demo's programmes count their days."""

LOCK_HELD = "--lock-held"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; 0 when there is nothing left to do by itself, 1 with a line where it stopped."""
    parser = argparse.ArgumentParser(prog="python -m examples.month", description="Plays a month's end.")
    parser.add_argument("programme", help="the programme's name, as in `flask payouts`")
    parser.add_argument("--by", default="finance1@korenhof.example", metavar="EMAIL", help="who does it")
    parser.add_argument("--pause", type=float, default=1.0, metavar="SECONDS", help="between bank messages")
    parser.add_argument(LOCK_HELD, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if os.environ.get("APP_ENV") == "production":
        sys.stderr.write("a month's end is played in the demo only\n")
        return 1
    var = Path(os.environ.get("VAR_DIR") or ROOT / "var")
    shelf, parent = Shelf(var / FOLDER), os.getppid()
    lock = None if options.lock_held else shelf.take(options.programme)
    if lock is None and not options.lock_held:
        sys.stderr.write(f"the month's end of {options.programme} is being played already\n")
        return 1
    try:
        month = MonthEnd(options.programme, Operator(), shelf, var, by=options.by, pause=options.pause)
        # Whoever started it has gone (Ctrl-C): the next press goes on.
        month.play(datetime.now(ZONE).date(), lambda: os.getppid() == parent)
    except (CommandRefused, SystemExit) as refused:
        _stop(shelf, options.programme, str(refused))
        sys.stderr.write(f"{refused}\n")
        return 1
    finally:
        if lock is not None:
            lock.close()
    return 0


def _stop(shelf: Shelf, programme: str, why: str) -> None:
    """Write down, at the step that was being played, why it stopped."""
    journal: Journal = shelf.read(programme)
    step = journal.next_step
    if step is not None:
        journal.entries[step] = Entry(Mark.STOPPED, why, "")
        shelf.keep(programme, journal)


if __name__ == "__main__":
    raise SystemExit(main())
