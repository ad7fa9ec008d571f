"""The steps of a month's end. Each may be played again: it finds what is there and goes on from it."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from examples.bank.__main__ import answer_file
from examples.bank.answering import AlreadyAnswered, name_prefix
from examples.bank.instruction import read_instruction
from examples.bank.rulings import Exactly, Fate, rule
from examples.month.journal import Entry, Journal, Link, Mark
from examples.month.operator import CommandRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from examples.bank.rulings import Ruling
    from examples.month.journal import Shelf

MOST_SECONDS: Final = 120
"""How long the worker may take to build the files."""

LOOK_SECONDS: Final = 0.2
OPEN: Final = frozenset({"draft", "frozen", "approved", "built"})
"""States of a run that the bank does not have yet."""


class Types(Protocol):
    """Somebody who types the operator's commands."""

    def types(self, *words: str) -> dict[str, Any]:
        """What `flask WORDS --json` prints; raises `CommandRefused`."""


class Waits(Exception):
    """A person has to do something; the message says who and what, `link` where."""

    def __init__(self, text: str, link: Link) -> None:
        """Remembers what there is to do."""
        super().__init__(text)
        self.link = link


class Stuck(Exception):
    """It does not go on by itself."""


class Left(Exception):
    """Whoever started it has gone; the next press goes on."""


class MonthEnd:
    """One programme's month, played by `operator` in the name of `by`; `var` is where the house keeps its files."""

    def __init__(
        self, programme: str, operator: Types, shelf: Shelf, var: Path, *, by: str, pause: float
    ) -> None:
        """`pause`: seconds between two messages of the bank, so that a reader can follow."""
        self._programme, self._operator, self._shelf = programme, operator, shelf
        self._by, self._pause = by, pause
        self._bank, self._out = var / "bank", var / "month" / "out"
        self._journal = Journal()
        self._view: dict[str, Any] = {}
        self._go_on: Callable[[], bool] = lambda: True

    def play(self, today: date, go_on: Callable[[], bool]) -> None:
        """Play what is left, until it is done, a person is needed, or `go_on` says no."""
        self._go_on = go_on
        self._journal = self._shelf.read(self._programme)
        if self._journal.is_done("run"):
            self._look()
        if self._journal.finished or self._view.get("state") == "cancelled":
            self._journal = Journal(self._journal.number + 1)
            self._keep()
        if not self._step("run", lambda: self._draft(today)):
            return
        steps: dict[str, Callable[[], Entry]] = {
            "approval": self._approval,
            "files": self._files,
            "handed": self._hand_over,
            "refused": lambda: self._hear("-pain002", Fate.REJECTED),
            "booked": lambda: self._hear("-camt053-", Fate.BOOKED),
            "returned": lambda: self._hear("-camt053-", Fate.RETURNED),
            "books": self._check,
        }
        if not self._view["payouts"]:
            steps = {"books": self._check}
        for step, plays in steps.items():
            if not self._step(step, plays):
                return

    def _step(self, step: str, plays: Callable[[], Entry]) -> bool:
        """Play a step that is not done, and write down what became of it; whether to go on."""
        if self._journal.is_done(step):
            return True
        try:
            self._leave_if_told()
            entry = plays()
        except Left:
            return False
        except Waits as waits:
            entry = _entry(str(waits), waits.link, mark=Mark.WAITS)
        except Stuck as stuck:
            entry = _entry(str(stuck), self._run_link(), mark=Mark.STOPPED)
        self._journal.entries[step] = entry
        self._keep()
        return entry.mark is Mark.DONE

    def _draft(self, today: date) -> Entry:
        listed = self._operator.types("payouts", "list", "--program", self._programme)["runs"]
        period, more = next_run(listed, today)
        words = ["payouts", "run", "--program", self._programme, "--period", period, "--by", self._by]
        self._view = self._operator.types(*words, *more)
        self._journal.run = self._view["run"]
        text = (
            f"Run {self._journal.run} pays {_people(len(self._view['payouts']))} {self._money()} in all;"
            f" {len(self._view['left_out'])} are left out, each with a reason."
        )
        if not self._view["payouts"]:
            text = f"Run {self._journal.run} pays nobody: nothing is due that was not paid before."
            with suppress(CommandRefused):  # the worker was quicker, and has closed it
                self._operator.types("payouts", "cancel", self._journal.run, "--by", self._by)
        return _entry(text, self._run_link())

    def _approval(self) -> Entry:
        if self._view["approval"] == "automatic":
            self._await({"approved", "built", "submitted", "closed"})
            return _entry("Nobody has to approve: this programme's approval is automatic.", self._run_link())
        if self._view["state"] in {"draft", "frozen"}:
            who = "Somebody" if self._view["approval"] == "one" else f"Somebody other than {self._by}"
            raise Waits(
                f"{who} has to look at the run and approve it. Then press the button again.", self._run_link()
            )
        return _entry("It was approved by people.", self._run_link())

    def _files(self) -> Entry:
        self._await({"built", "submitted", "closed"})
        files = ", ".join(
            f"{file['name']} ({file['count']} payments, {file['sum']} {self._view['currency']})"
            for file in self._view["files"]
        )
        return _entry(
            f"{files}; read back and compared with the run before anybody gets it.", self._run_link()
        )

    def _hand_over(self) -> Entry:
        run = self._journal.run
        self._operator.types("payouts", "export", run, "--out", str(self._out))
        if self._view["state"] == "built":
            self._operator.types("payouts", "submit", run, "--by", self._by)
            self._look()
        return _entry("The money is on its way: every payout is in flight.", self._run_link())

    def _hear(self, kind: str, fate: Fate) -> Entry:
        """Read the bank's messages of a kind that tell of a fate."""
        time.sleep(self._pause)  # a real bank takes from minutes to days
        told: list[Ruling] = []
        for file in self._view["files"]:
            messages, rulings = self._ask_bank(self._out / file["name"])
            paid = any(ruling.fate is not Fate.REJECTED for ruling in rulings)
            wanted = [path for path in messages if kind in path.name]
            if fate is Fate.BOOKED:
                wanted = wanted[: 1 if paid else 0]
            elif fate is Fate.RETURNED:
                wanted = wanted[1:]
            for path in wanted:
                self._operator.types("payouts", "feedback", str(path))
            told += [ruling for ruling in rulings if ruling.fate is fate]
        self._look()
        return self._heard(fate, told)

    def _ask_bank(self, order: Path) -> tuple[list[Path], list[Ruling]]:
        """The bank's messages about a payment file, in their order, and its rulings."""
        instruction, policy = read_instruction(order.read_bytes()), Exactly()
        with suppress(AlreadyAnswered):  # the messages of the first time are still there
            answer_file(order, self._bank, policy)
        messages = sorted(self._bank.glob(f"{name_prefix(instruction.message_id)}*.xml"))
        return messages, list(rule(instruction, policy).values())

    def _heard(self, fate: Fate, told: list[Ruling]) -> Entry:
        codes = {row["end_to_end_id"]: row["referrer"] for row in self._view["payouts"]}
        if fate is Fate.BOOKED:
            return _entry(f"{_people(len(told))} paid by the bank's statement.", self._run_link())
        if not told:
            nothing = "refused" if fate is Fate.REJECTED else "come back"
            return _entry(f"Too few payments for one to be {nothing}.", self._run_link())
        names = [codes[ruling.payment.end_to_end_id] for ruling in told]
        what = (
            "Not paid: {}. The amount is available again, and the bank account is blocked until there is another."
            if fate is Fate.REJECTED
            else "Paid, and sent back by the other bank days later: {}. The amount is available again."
        )
        failed = ", ".join(f"{name} ({ruling.reason})" for name, ruling in zip(names, told, strict=True))
        links = [Link(f"What {name} has now", f"/staff/referrers/{name}") for name in names]
        return _entry(what.format(failed), self._run_link(), *links)

    def _check(self) -> Entry:
        held = self._operator.types("ledger", "check")
        self._look()
        states: dict[str, int] = {}
        for row in self._view["payouts"]:
            states[row["state"]] = states.get(row["state"], 0) + 1
        counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "no payouts"
        text = (
            f"{counts}. The ledger check: {held['invariants']} invariants hold over"
            f" {held['transactions']} transactions."
        )
        return _entry(text, Link("The bank's messages", "/staff/bank"), self._run_link())

    def _await(self, states: set[str]) -> None:
        """Wait until a worker has brought the run to one of these states. Raises `Stuck`."""
        deadline = time.monotonic() + MOST_SECONDS
        while self._view["state"] not in states:
            if time.monotonic() > deadline:
                raise Stuck(
                    f"The run is still {self._view['state']}: is the worker running? Press again later."
                )
            self._leave_if_told()
            time.sleep(LOOK_SECONDS)
            self._look()

    def _leave_if_told(self) -> None:
        if not self._go_on():
            raise Left

    def _look(self) -> None:
        self._view = self._operator.types("payouts", "show", self._journal.run)

    def _keep(self) -> None:
        self._shelf.keep(self._programme, self._journal)

    def _run_link(self) -> Link:
        return Link("The run, as staff see it", f"/staff/payouts/{self._journal.run}")

    def _money(self) -> str:
        return f"{self._view['total'] / 100:,.2f} {self._view['currency']}"


def next_run(listed: list[dict[str, Any]], today: date) -> tuple[str, list[str]]:
    """Which month to run, and the further options: the oldest run that the bank does not have yet, else last month's,
    else this month's as a rehearsal, also for what was earned since its last run.
    """
    this = today.replace(day=1)
    last, rehearsed = (
        this - timedelta(days=1),
        ["--as-of", (this + timedelta(days=32)).replace(day=2).isoformat()],
    )
    left_off = [row["run"] for row in listed if row["state"] in OPEN]
    if left_off:
        period = str(left_off[-1]).split(":")[1]
        return period, rehearsed if period == f"{this:%Y-%m}" else []
    periods = {str(row["run"]).split(":")[1] for row in listed}
    if f"{last:%Y-%m}" not in periods:
        return f"{last:%Y-%m}", []
    return f"{this:%Y-%m}", [*rehearsed, "--again"] if f"{this:%Y-%m}" in periods else rehearsed


def _entry(text: str, *links: Link, mark: Mark = Mark.DONE) -> Entry:
    return Entry(mark, text, f"{datetime.now().astimezone():%H:%M:%S}", links)


def _people(count: int) -> str:
    return "one referrer" if count == 1 else f"{count} referrers"
