"""The month's end, on one press: the operator's commands are played and the bank answers. Part of the demo alone."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from examples.month.journal import STEPS, Mark, Shelf
from examples.shop.settings import DIRECTORY, HOSTING, ROOT
from examples.shop.wiring import the_shop

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Response
    from werkzeug.wrappers import Response as Redirect

    from examples.month.journal import Entry, Journal

pages = Blueprint("month", __name__, url_prefix="/desk/month-end")
PROGRAMMES: Final = {HOSTING: "Hosting partners", DIRECTORY: "Newsletter Studio partners"}
AGAIN_SECONDS: Final = 1
"""How often the page reloads itself while a month is played."""

WORDS: Final = {Mark.DONE: "done", Mark.WAITS: "waits for you", Mark.STOPPED: "stopped"}


@dataclass(frozen=True)
class ShownStep:
    """A step as the page shows it; `mark` is its class, `state` says it in words."""

    title: str
    mark: str
    state: str
    entry: Entry | None


@dataclass(frozen=True)
class ShownMonth:
    """A programme's month end; `number` is the press that its button stands for."""

    programme: str
    title: str
    run: str
    number: int
    playing: bool
    button: str
    steps: tuple[ShownStep, ...]


@pages.get("/")
def overview() -> Response:
    """Both programmes, with every step that has been played."""
    months = [shown(_shelf(), programme) for programme in PROGRAMMES]
    playing = any(month.playing for month in months)
    page = make_response(
        render_template(
            "month.html",
            months=months,
            playing=playing,
            refledger=the_shop().settings.refledger_url,
        )
    )
    page.headers["Cache-Control"] = "no-store"
    if playing:
        # With its address: of a page with a fragment, a browser would "reload" by scrolling to it.
        page.headers["Refresh"] = f"{AGAIN_SECONDS}; url={url_for('month.overview')}"
    return page


@pages.post("/<programme>")
def play(programme: str) -> Redirect:
    """Start to play, or go on. A second press, or an old page's, starts nothing."""
    if programme not in PROGRAMMES:
        abort(404)
    shelf = _shelf()
    lock = shelf.take(programme)
    if lock is not None:
        if request.form.get("number") == str(_press(shelf.read(programme))):
            # Waits for the child, so that none is left unburied; the lock is the child's for as long as it lives.
            threading.Thread(target=_play, args=(programme, lock, shelf.folder), daemon=True).start()
        else:
            lock.close()
    return redirect(url_for("month.overview"))


def _play(programme: str, lock: IO[str], folder: Path) -> None:
    command = [sys.executable, "-m", "examples.month", programme, "--lock-held"]
    with lock, (folder / f"{programme}.log").open("ab") as log:
        subprocess.run(command, cwd=ROOT, pass_fds=[lock.fileno()], stdout=log, stderr=log, check=False)  # noqa: S603 - our own program


def shown(shelf: Shelf, programme: str) -> ShownMonth:
    """How a programme's month end stands."""
    playing, journal = shelf.is_played(programme), shelf.read(programme)
    return ShownMonth(
        programme=programme,
        title=PROGRAMMES[programme],
        run=journal.run,
        number=_press(journal),
        playing=playing,
        button=_button(journal),
        steps=tuple(_steps(journal, playing=playing)) if journal.entries or playing else (),
    )


def _button(journal: Journal) -> str:
    if journal.finished:
        return "End the month once more"
    return "Go on" if journal.entries else "End the month"


def _press(journal: Journal) -> int:
    """The number of the month's end that a press would begin or go on with."""
    return journal.number + 1 if journal.finished else journal.number


def _steps(journal: Journal, *, playing: bool) -> list[ShownStep]:
    steps = []
    for step, title in STEPS.items():
        entry = journal.entries.get(step)
        if playing and step == journal.next_step:
            steps.append(ShownStep(title, "now", "now", None))
        elif entry is not None:
            at = f", {entry.at}" if entry.mark is Mark.DONE else ""
            steps.append(ShownStep(title, entry.mark.value, WORDS[entry.mark] + at, entry))
        elif not journal.finished:
            steps.append(ShownStep(title, "later", "to come", None))
    return steps


def _shelf() -> Shelf:
    house = the_shop().settings.house
    if house is None:
        abort(404)
    return Shelf(house / "month")
