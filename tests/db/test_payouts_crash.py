"""Runs and imports that die after every commit, and in the middle of every transaction, and go on."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from app.kernel.db import Database
from app.payouts.approval import approve_run, exclude_payout
from app.payouts.cancelling import cancel_run
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.errors import ApprovalVoid, BuildBegun
from app.payouts.files import build_files, submit_run
from app.payouts.models import BankEvent, BankFile, Payout, PayoutDestination, PayoutFile, PayoutRun
from app.payouts.runs import freeze_run
from app.referrals.words import Approval
from examples.bank.answering import answer
from examples.bank.books import Books
from examples.bank.instruction import read_instruction
from examples.bank.rulings import Shares
from tests.builders import NOW
from tests.db.payouts_world import APPROVER, FREEZER, Payday

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

ROOT = Path(__file__).parents[2]
PEOPLE = 7


class Died(BaseException):
    """The process is gone: nothing catches it."""


class DyingDatabase(Database):
    """Dies after (or, ``in_the_middle``, before) the commit that uses up its lives."""

    def __init__(self, url: str, *, in_the_middle: bool) -> None:
        super().__init__(url, pool_size=4)
        self.lives = 0
        self.in_the_middle = in_the_middle

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as session:
            yield session
            session.flush()
            self.lives -= 1
            if self.in_the_middle and self.lives <= 0:
                raise Died
        if self.lives <= 0:
            raise Died


def dying_again_and_again(database: DyingDatabase, work: Callable[[], None]) -> int:
    """Do the work with just enough life to get one step further at each start; how often it died."""
    lives, before = 1, fingerprint(database)
    for deaths in range(200):
        database.lives = lives
        try:
            work()
        except Died:
            after = fingerprint(database)
            lives += after == before
            before = after
            continue
        return deaths
    raise AssertionError("it never comes to an end")


def fingerprint(database: Database) -> list[object]:
    """What a step changes."""
    with database.reading() as session:
        wanted = (
            select(PayoutRun.state, PayoutRun.underway),
            select(Payout.state, Payout.file_id, func.count()).group_by(Payout.state, Payout.file_id),
            select(PayoutFile.payment_count, PayoutFile.sha256),
            select(BankFile.state),
            select(BankEvent.state, func.count()).group_by(BankEvent.state),
        )
        return [tuple(row) for query in wanted for row in session.execute(query)]


@pytest.fixture(params=[False, True], ids=["after_commit", "before_commit"])
def dying(request: pytest.FixtureRequest, database_url: str) -> Iterator[DyingDatabase]:
    opened = DyingDatabase(database_url, in_the_middle=request.param)
    opened.lives = 1_000_000
    yield opened
    opened.dispose()


@pytest.fixture
def payday(dying: DyingDatabase) -> Payday:
    payday = Payday.build(dying)
    payday.crowd(PEOPLE)
    payday.batch = 2
    return payday


def run_to_the_bank(payday: Payday, run_id: int) -> None:
    """What a person does, beginning from the top each time."""
    freeze_run(payday.deps, run_id, by=FREEZER, now=NOW)
    with payday.db.reading() as session:
        frozen = session.get_one(PayoutRun, run_id).state is RunState.FROZEN
    if frozen:
        with payday.db.transaction() as session:
            approve_run(session, run_id, by=APPROVER, now=NOW)
    build_files(payday.deps, run_id, by=APPROVER, now=NOW)
    submit_run(payday.deps, run_id, by=FREEZER, now=NOW)


def test_a_run_that_dies_after_every_stage_and_batch_ends_as_if_it_had_not(
    dying: DyingDatabase, payday: Payday
) -> None:
    run_id = payday.draft()
    deaths = dying_again_and_again(dying, lambda: run_to_the_bank(payday, run_id))
    dying.lives = 1_000_000
    assert deaths > 8
    assert payday.states(run_id) == {f"m{number}": (5000, PayoutState.SUBMITTED) for number in range(PEOPLE)}
    run = payday.run(run_id)
    assert (run.state, run.payout_count, run.total_minor) == (RunState.SUBMITTED, PEOPLE, PEOPLE * 5000)
    (content,) = payday.files(run_id)
    assert content.count(b"<CdtTrfTxInf>") == PEOPLE
    with dying.reading() as session:
        assert session.scalar(select(func.count()).select_from(PayoutFile)) == 1
    payday.assert_sound()


def test_a_run_that_died_says_exactly_how_far_it_had_come(dying: DyingDatabase, payday: Payday) -> None:
    run_id = payday.draft()
    dying.lives = 4
    with pytest.raises(Died):
        freeze_run(payday.deps, run_id, by=FREEZER, now=NOW)
    dying.lives = 1_000_000
    run, reserved = payday.run(run_id), len(payday.payouts(run_id))
    assert 0 < reserved < PEOPLE
    assert (run.stage_done, run.stage_total) == (reserved, PEOPLE)
    assert freeze_run(payday.deps, run_id, by=FREEZER, now=NOW) is RunState.FROZEN
    assert (payday.run(run_id).stage_done, payday.run(run_id).stage_total) == (0, 0)
    dying.lives = 3
    with pytest.raises(Died):
        cancel_run(payday.deps, run_id, by=FREEZER, now=NOW)
    dying.lives = 1_000_000
    given_back = [each for each in payday.payouts(run_id).values() if each.state is PayoutState.CANCELLED]
    run = payday.run(run_id)
    assert 0 < len(given_back) < PEOPLE
    assert (run.stage_done, run.stage_total) == (len(given_back), PEOPLE)


def test_a_cancellation_that_dies_after_every_batch_gives_everything_back_once(
    dying: DyingDatabase, payday: Payday
) -> None:
    run_id = payday.build_files()
    dying_again_and_again(dying, lambda: _ignore(cancel_run(payday.deps, run_id, by=FREEZER, now=NOW)))
    dying.lives = 1_000_000
    assert payday.run(run_id).state is RunState.CANCELLED
    again = payday.freeze(again=True)
    assert payday.run(again).total_minor == PEOPLE * 5000
    payday.assert_sound()


def test_an_import_that_dies_after_every_batch_ends_as_if_it_had_not(
    dying: DyingDatabase, payday: Payday
) -> None:
    run_id = payday.submit()
    (content,) = payday.files(run_id)
    messages = answer(read_instruction(content), Books(), Shares(0.3, 0.3, 4))

    def feed() -> None:
        for message in messages:
            payday.feed(message.data, message.name)

    assert dying_again_and_again(dying, feed) > 5
    dying.lives = 1_000_000
    found = {payout.state for payout in payday.payouts(run_id).values()}
    assert found == {PayoutState.PAID, PayoutState.REJECTED, PayoutState.RETURNED}
    assert payday.run(run_id).state is RunState.CLOSED
    assert payday.exceptions() == []
    with dying.reading() as session:
        assert session.scalars(select(BankEvent.id).where(BankEvent.state == "received")).all() == []
    payday.assert_sound()


def test_no_payout_leaves_a_build_that_died_and_lost_its_approval(
    dying: DyingDatabase, payday: Payday
) -> None:
    run_id = payday.freeze()
    payday.approve(run_id)
    dying.lives = 3
    with pytest.raises(Died):
        build_files(payday.deps, run_id, by=APPROVER, now=NOW)
    dying.lives = 1_000_000
    with dying.transaction() as session:
        session.execute(update(PayoutDestination).values(iban_key=PayoutDestination.public_id))
    with pytest.raises(ApprovalVoid):
        build_files(payday.deps, run_id, by=APPROVER, now=NOW)
    assert (payday.run(run_id).state, payday.run(run_id).underway) == (RunState.FROZEN, None)
    chosen = payday.payouts(run_id)["m0"].id
    with pytest.raises(BuildBegun), dying.transaction() as session:
        exclude_payout(session, chosen, "too late", by=FREEZER, now=NOW)
    assert payday.states(run_id)["m0"] == (5000, PayoutState.RESERVED)


def test_a_cancellation_overtakes_a_freeze_that_died(dying: DyingDatabase, payday: Payday) -> None:
    run_id = payday.draft()
    dying.lives = 3
    with pytest.raises(Died):
        freeze_run(payday.deps, run_id, by=FREEZER, now=NOW)
    dying.lives = 1_000_000
    assert payday.run(run_id).underway is not None
    assert cancel_run(payday.deps, run_id, by=FREEZER, now=NOW) is RunState.CANCELLED
    payday.assert_sound()


def test_a_worker_killed_with_9_at_any_commit_is_made_up_for(database: Database, database_url: str) -> None:
    payday = Payday.build(database, approval=Approval.AUTOMATIC)
    payday.crowd(3)
    run_id = payday.draft()
    for commits in (2, 4, 7, 10, 100):
        ended = subprocess.run(
            [sys.executable, "-m", "tests.db.payouts_killed", database_url, str(run_id), str(commits), "1"],
            cwd=ROOT,
            check=False,
        )
        assert ended.returncode == (0 if commits == 100 else -signal.SIGKILL)
        payday.assert_sound()
    assert payday.states(run_id) == {f"m{number}": (5000, PayoutState.SUBMITTED) for number in range(3)}
    assert len(payday.files(run_id)) == 1


def _ignore(_value: object) -> None:
    """A command whose answer is looked up later."""
