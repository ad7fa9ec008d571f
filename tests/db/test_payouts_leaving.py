"""Somebody leaves, or is banned, in the middle of a run: at every stage nothing is paid twice and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.payouts.approval import exclude_payout
from app.payouts.cancelling import cancel_run
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.errors import SuspendedReferrers
from app.payouts.files import build_files, submit_run
from app.referrals.leaving import leave
from app.referrals.referrers import reinstate, suspend
from tests.builders import ACTOR, NOW
from tests.db.payouts_world import APPROVER, FREEZER, Payday, camt, detail, entry

if TYPE_CHECKING:
    from app.kernel.db import Database

STAGES = ("draft", "frozen", "approved", "built", "submitted", "paid")
BOTH = dict.fromkeys(("ada", "bob"), (5000, PayoutState.PAID))


@pytest.fixture
def payday(database: Database) -> Payday:
    made = Payday.build(database)
    for name in ("ada", "bob"):
        made.earn(name, 5000)
    return made


def take(payday: Payday, run_id: int, stage: str) -> None:
    """The run one stage further."""
    match stage:
        case "frozen":
            assert payday.freeze() == run_id
        case "approved":
            payday.approve(run_id)
        case "built":
            build_files(payday.deps, run_id, by=APPROVER, now=NOW)
        case "submitted":
            submit_run(payday.deps, run_id, by=FREEZER, now=NOW)
        case "paid":
            found = payday.payouts(run_id).values()
            lines = [detail(each.end_to_end_id, "50.00") for each in found if each.state in _OPEN]
            if lines:
                payday.feed(camt(entry(f"{50 * len(lines)}.00", *lines)))


_OPEN = {PayoutState.SUBMITTED}


def go(payday: Payday, until: str, run_id: int, start: str = "draft") -> None:
    for stage in STAGES[STAGES.index(start) + 1 : STAGES.index(until) + 1]:
        take(payday, run_id, stage)


@pytest.mark.parametrize("stage", STAGES)
def test_who_leaves_in_the_middle_of_a_run_is_paid_by_it_once(payday: Payday, stage: str) -> None:
    run_id = payday.draft()
    go(payday, stage, run_id)
    with payday.world() as world:
        leave(world.session, world.program, world.referrers["ada"], actor=ACTOR, now=NOW)
    payday.assert_sound()
    go(payday, "paid", run_id, stage)
    assert payday.states(run_id) == BOTH
    assert payday.run(run_id).state is RunState.CLOSED
    assert payday.states(payday.freeze(again=True)) == {}
    assert payday.balance("ada").paid == 5000
    payday.assert_sound()


def ban(payday: Payday) -> None:
    with payday.world() as world:
        suspend(world.session, world.program, world.referrers["ada"], reason="fraud", actor=ACTOR, now=NOW)
    payday.assert_sound()


def pardon(payday: Payday) -> None:
    with payday.world() as world:
        reinstate(world.session, world.program, world.referrers["ada"], reason="no", actor=ACTOR, now=NOW)
    payday.assert_sound()


def test_who_is_banned_while_the_run_is_a_draft_is_left_out_and_paid_after_a_reinstatement(
    payday: Payday,
) -> None:
    run_id = payday.draft()
    ban(payday)
    assert payday.balance("ada").held == 5000
    go(payday, "paid", run_id)
    assert payday.states(run_id) == {"bob": BOTH["bob"]}
    pardon(payday)
    assert payday.states(payday.freeze(again=True)) == {"ada": (5000, PayoutState.RESERVED)}
    payday.assert_sound()


@pytest.mark.parametrize("stage", ["frozen", "approved"])
def test_a_ban_before_the_files_are_built_stops_the_run_until_staff_take_the_payout_out(
    payday: Payday, stage: str
) -> None:
    run_id = payday.draft()
    go(payday, stage, run_id)
    ban(payday)
    assert (payday.balance("ada").held, payday.balance("ada").in_flight) == (0, 5000), "reserved is not held"
    with pytest.raises(SuspendedReferrers):
        take(payday, run_id, STAGES[STAGES.index(stage) + 1])
    with payday.db.transaction() as session:
        exclude_payout(session, payday.payouts(run_id)["ada"].id, "banned", by=FREEZER, now=NOW)
    assert payday.run(run_id).state is RunState.FROZEN, "an approval is void by the change"
    go(payday, "paid", run_id, "frozen")
    assert payday.states(run_id) == {"ada": (5000, PayoutState.CANCELLED), "bob": BOTH["bob"]}
    assert payday.left_out(payday.freeze(again=True)) == {"ada": (5000, "suspended")}
    pardon(payday)
    assert payday.states(payday.freeze(again=True)) == {"ada": (5000, PayoutState.RESERVED)}
    payday.assert_sound()


def test_a_ban_when_the_files_are_built_leaves_the_choice_of_cancelling_the_whole_run(payday: Payday) -> None:
    run_id = payday.draft()
    go(payday, "built", run_id)
    ban(payday)
    assert cancel_run(payday.deps, run_id, by=FREEZER, now=NOW) is RunState.CANCELLED
    again = payday.freeze(again=True)
    assert payday.states(again) == {"bob": (5000, PayoutState.RESERVED)}
    assert payday.left_out(again) == {"ada": (5000, "suspended")}
    payday.assert_sound()


@pytest.mark.parametrize("stage", ["submitted", "paid"])
def test_a_ban_when_the_bank_has_the_files_takes_nothing_back(payday: Payday, stage: str) -> None:
    run_id = payday.draft()
    go(payday, stage, run_id)
    ban(payday)
    go(payday, "paid", run_id, stage)
    assert payday.states(run_id) == BOTH
    assert (payday.balance("ada").paid, payday.balance("ada").held) == (5000, 0)
    payday.assert_sound()
