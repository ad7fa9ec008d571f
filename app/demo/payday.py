"""Paying out month by month: run, approval, file, and what the bank of ``examples/bank`` says about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.demo.cast import DIRECTORY, HOSTING, dutch_iban, partners, referrers
from app.demo.programmes import PROGRAMS, ProgramPlan
from app.demo.stage import ACTOR
from app.identity.audit import Actor
from app.identity.queries import user_by_email
from app.kernel.clock import day_start, frozen
from app.payouts.advance import advance_run
from app.payouts.approval import approve_run
from app.payouts.destinations import GivenAccount, put_destination
from app.payouts.domain.calendar import Period
from app.payouts.domain.state import RunState
from app.payouts.files import build_files, file_content, files_of, submit_run
from app.payouts.models import PayoutDestination, PayoutRun
from app.payouts.reconcile import import_feedback
from app.payouts.runs import draft_run, freeze_run
from app.payouts.words import DestinationSource
from app.referrals.models import Referrer
from app.referrals.programs import find_program
from app.referrals.words import Approval
from examples.bank.__main__ import answer_file
from examples.bank.answering import AlreadyAnswered
from examples.bank.instruction import read_instruction
from examples.bank.rulings import Fate, Shares, rule_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.payouts.deps import PayoutDeps
    from examples.bank.instruction import Instruction

REJECT_SHARE, RETURN_SHARE = 0.05, 0.04
FATES: Final = {HOSTING: ((0, 0), (1, 0), (0, 1), (1, 0), (0, 1), (1, 1)), DIRECTORY: ((0, 0), (0, 1))}
"""How many payments the bank rejects and how many come back, month after month, whatever day the demo is loaded on."""

FEW: Final = 3
"""Of fewer payments than this none fails."""

TIMEZONE: Final = "Europe/Amsterdam"
"""Both programmes' time zone, where the demo's months begin and end."""

_MORNING: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Payday:
    """A programme's payout day, in the morning; ``period`` is the month that it pays.

    ``number`` counts from 0; ``last`` is the newest one.
    """

    at: datetime
    plan: ProgramPlan
    period: str
    number: int
    last: bool


def paydays(start: datetime, now: datetime) -> list[Payday]:
    """Every payout day after ``start`` and before ``now``, in order of time."""
    days = [day for plan in PROGRAMS for day in _of_program(plan, start, now)]
    return sorted(days, key=lambda day: day.at)


def _of_program(plan: ProgramPlan, start: datetime, now: datetime) -> Iterator[Payday]:
    month = Period.of((start + timedelta(days=1)).date())
    number = 0
    while (at := _instant(month, plan)) < now:
        following = _instant(month.next(), plan)
        yield Payday(at, plan, str(month), number, last=following >= now)
        month, number = month.next(), number + 1


def _instant(paid: Period, plan: ProgramPlan) -> datetime:
    return day_start(paid.next().payout_day(plan.payout_day), TIMEZONE) + _MORNING


class Cashier:
    """Pays out. ``folder`` holds the bank's books and messages, as ``python -m examples.bank`` keeps them."""

    def __init__(self, deps: PayoutDeps, folder: Path) -> None:
        self._deps, self._folder = deps, folder

    def pay(self, day: Payday, now: datetime) -> None:
        """Do what happens on a payout day and in the days after it, until ``now``.

        The newest run of a programme with approval ``two`` stays a draft, for somebody to freeze and approve.
        """
        with frozen(day.at):
            self._replace_blocked_accounts(day)
            with self._deps.db.transaction() as session:
                program = find_program(session, day.plan.slug)
                run_id = draft_run(session, program, period=day.period, by=_scheduler(), now=day.at).id
            if program.approval is Approval.AUTOMATIC:
                advance_run(self._deps, run_id, day.at)
            elif not day.last:
                self._approve_by_two(run_id, day.at)
            with self._deps.db.reading() as session:
                run = session.get_one(PayoutRun, run_id)
                has_files = run.execution_on is not None and run.payout_count > 0
        sent = day.at + timedelta(hours=3)
        if has_files and sent < now:
            with frozen(sent):
                submit_run(self._deps, run_id, by=self._person("finance1"), now=sent)
            self._settle(day, run_id, sent, now)

    def _approve_by_two(self, run_id: int, at: datetime) -> None:
        """One person freezes, another approves an hour later."""
        if freeze_run(self._deps, run_id, by=self._person("finance1"), now=at) is not RunState.FROZEN:
            return  # an interrupted demo came this far; what it left off, `advance_run` finishes
        later = at + timedelta(hours=1)
        with frozen(later):
            with self._deps.db.transaction() as session:
                approve_run(session, run_id, by=self._person("finance2"), now=later)
            build_files(self._deps, run_id, by=self._person("finance2"), now=later)

    def _settle(self, day: Payday, run_id: int, sent: datetime, now: datetime) -> None:
        """Have the bank answer every file, and import the messages that it has sent by ``now``."""
        with self._deps.db.reading() as session:
            files = [(file.name, file_content(session, file)) for file in files_of(session, run_id)]
        for name, content in files:
            for message in self._ask_bank(day, name, content):
                arrives = _arrival(message, sent)
                if arrives < now:
                    with frozen(arrives), message.open("rb") as source:
                        import_feedback(self._deps, source, message.name, by=ACTOR, now=arrives)

    def _ask_bank(self, day: Payday, name: str, content: bytes) -> list[Path]:
        """The bank's messages about a payment file, in the order in which they come."""
        order = self._folder / "orders" / name
        order.parent.mkdir(parents=True, exist_ok=True)
        order.write_bytes(content)
        try:
            answers = answer_file(order, self._folder, _shares(day, read_instruction(content)))
        except AlreadyAnswered:
            # The demo was interrupted after the bank had answered: its messages are still there.
            prefix = read_instruction(content).message_id
            return sorted(self._folder.glob(f"{prefix}-*.xml"))
        return [self._folder / answer.name for answer in answers]

    def _replace_blocked_accounts(self, day: Payday) -> None:
        """Two of three referrers whose account the bank refused have told the merchant a new one by now."""
        with self._deps.db.transaction() as session:
            blocked = session.execute(
                select(Referrer, PayoutDestination)
                .join(PayoutDestination, PayoutDestination.referrer_id == Referrer.id)
                .where(PayoutDestination.blocked_at.is_not(None), Referrer.id % 3 != 0)
            )
            for referrer, destination in blocked.all():
                put_destination(
                    self._deps,
                    session,
                    referrer,
                    GivenAccount(referrer.name, dutch_iban(2_000 + destination.id)),
                    source=DestinationSource.MERCHANT,
                    verified=True,
                    by=ACTOR,
                    now=day.at,
                )

    def _person(self, name: str) -> Actor:
        with self._deps.db.reading() as session:
            user = user_by_email(session, f"{name}@korenhof.example")
            if user is None:
                raise LookupError(name)
            return Actor.user(user)


def _shares(day: Payday, instruction: Instruction) -> Shares:
    """Shares with the first seed that gives this month's file the fates that its story needs.

    The people who log in to the demo are paid every time.
    """
    fates = FATES[day.plan.slug]
    wanted = fates[day.number % len(fates)] if len(instruction.payments) > FEW else (0, 0)
    spared = {referrers(1)[0].iban, partners(1)[0].iban}
    for seed in count(1):
        shares = Shares(REJECT_SHARE, RETURN_SHARE, seed)
        rulings = [rule_on(instruction.message_id, payment, shares) for payment in instruction.payments]
        failed = [ruling for ruling in rulings if ruling.fate is not Fate.BOOKED]
        rejected = sum(ruling.fate is Fate.REJECTED for ruling in failed)
        unlucky = any(ruling.payment.creditor_iban in spared for ruling in failed)
        if not unlucky and (rejected, len(failed) - rejected) == wanted:
            return shares
    raise AssertionError("counting ends only with a seed")


def _scheduler() -> Actor:
    return Actor.system("scheduler")


def _arrival(message: Path, sent: datetime) -> datetime:
    """When a message of the bank comes: a status report within minutes, a statement on the evening of its day."""
    kind, _, day = message.stem.partition("-camt053-")
    return _evening(date.fromisoformat(day)) if day and kind else sent + timedelta(minutes=10)


def _evening(day: date) -> datetime:
    return day_start(day, TIMEZONE) + timedelta(hours=20)
