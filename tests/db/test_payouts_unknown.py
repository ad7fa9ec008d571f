"""Nobody knows whether the bank has a file: nothing of it is sent again, and feedback or a person decides."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.models import AuditEvent
from app.kernel.errors import InvalidInput
from app.payouts.advance import runs_to_advance
from app.payouts.cancelling import cancel_run
from app.payouts.deps import PayoutEvent
from app.payouts.domain.state import IllegalMove, PayoutState, RunState
from app.payouts.errors import AlreadySubmitted, FileNotOpen, FileNotUnknown, NoSuchFile
from app.payouts.files import submit_run
from app.payouts.models import PayoutFile
from app.payouts.unknown import decide_payout, dismiss_file, lose_file
from tests.builders import NOW
from tests.db.payouts_world import FREEZER, Payday, camt, detail, entry, pain002

if TYPE_CHECKING:
    from app.kernel.db import Database


@pytest.fixture
def payday(database: Database) -> Payday:
    made = Payday.build(database)
    made.batch = 1
    for name in ("ada", "bob"):
        made.earn(name, 5000)
    return made


def file_of(payday: Payday, run_id: int) -> PayoutFile:
    with payday.db.reading() as session:
        return session.scalars(select(PayoutFile).where(PayoutFile.run_id == run_id)).one()


def lose(payday: Payday, run_id: int) -> None:
    with payday.db.transaction() as session:
        lose_file(session, file_of(payday, run_id).id, by=FREEZER, now=NOW)
    payday.advance(run_id)


def decide(payday: Payday, run_id: int, name: str, *, paid_on: date | None) -> None:
    with payday.db.transaction() as session:
        number = payday.payouts(run_id)[name].id
        decide_payout(
            payday.deps, session, number, "the bank said so by phone", paid_on=paid_on, by=FREEZER, now=NOW
        )
    payday.advance(run_id)


@pytest.mark.parametrize("handed_over", [False, True])
def test_an_unknown_file_is_never_sent_again_and_its_debit_settles_it(
    payday: Payday, *, handed_over: bool
) -> None:
    run_id = payday.submit() if handed_over else payday.build_files()
    before = payday.files(run_id)
    lose(payday, run_id)
    assert payday.states(run_id) == dict.fromkeys(("ada", "bob"), (5000, PayoutState.UNKNOWN))
    payday.assert_sound()
    again = payday.freeze(again=True)
    assert payday.states(again) == {}, "the money is still in flight"
    with pytest.raises((AlreadySubmitted, IllegalMove)):
        cancel_run(payday.deps, run_id, by=FREEZER, now=NOW)
    if not handed_over:
        assert submit_run(payday.deps, run_id, by=FREEZER, now=NOW) is RunState.SUBMITTED
    assert payday.files(run_id) == before
    ids = [payout.end_to_end_id for payout in payday.payouts(run_id).values()]
    payday.feed(pain002(accepted=tuple(ids)))
    assert payday.states(run_id)["ada"] == (5000, PayoutState.UNKNOWN), "accepted is not paid"
    payday.feed(camt(entry("100.00", *[detail(each, "50.00") for each in ids])))
    assert payday.run(run_id).state is RunState.CLOSED
    assert {state for _, state in payday.states(run_id).values()} == {PayoutState.PAID}
    payday.assert_sound()


def test_a_cancellation_cannot_slip_in_between_the_word_and_the_worker(payday: Payday) -> None:
    run_id = payday.build_files()
    with payday.db.transaction() as session:
        lose_file(session, file_of(payday, run_id).id, by=FREEZER, now=NOW)
    with pytest.raises(AlreadySubmitted):
        cancel_run(payday.deps, run_id, by=FREEZER, now=NOW)
    with payday.db.reading() as session:
        assert runs_to_advance(session) == [run_id]
    payday.advance(run_id)
    with payday.db.reading() as session:
        assert runs_to_advance(session) == []


def test_a_file_that_never_arrived_gives_its_money_to_a_new_payout_of_a_later_run(payday: Payday) -> None:
    run_id = payday.submit()
    lose(payday, run_id)
    for _ in range(2):
        with payday.db.transaction() as session:
            dismiss_file(session, file_of(payday, run_id).id, " not with  the bank ", by=FREEZER, now=NOW)
        payday.advance(run_id)
    assert {state for _, state in payday.states(run_id).values()} == {PayoutState.REJECTED}
    assert payday.run(run_id).state is RunState.CLOSED
    old = payday.payouts(run_id)["ada"]
    assert (old.decided_by, old.decision) == (FREEZER.label, "not with the bank")
    new = payday.payouts(payday.submit(again=True))["ada"]
    assert new.end_to_end_id != old.end_to_end_id
    payday.feed(camt(entry("50.00", detail(old.end_to_end_id, "50.00"))))
    assert payday.exceptions() == ["impossible_state"], "it did arrive: a person has to look"
    payday.assert_sound()
    with payday.db.reading() as session:
        wanted = select(AuditEvent.action).where(AuditEvent.action.like("file.%")).order_by(AuditEvent.id)
        assert session.scalars(wanted).all() == ["file.outcome_unknown", "file.never_arrived"]


def test_a_person_decides_one_payout_with_a_reason_and_the_bank_confirms_it_later(payday: Payday) -> None:
    run_id = payday.submit()
    with pytest.raises(IllegalMove):
        decide(payday, run_id, "ada", paid_on=None)
    lose(payday, run_id)
    payday.news.clear()
    decide(payday, run_id, "ada", paid_on=date(2026, 11, 23))
    decide(payday, run_id, "bob", paid_on=None)
    assert payday.states(run_id) == {"ada": (5000, PayoutState.PAID), "bob": (5000, PayoutState.REJECTED)}
    assert [news.event for news in payday.news] == [PayoutEvent.SENT]
    assert (payday.balance("ada").paid, payday.balance("bob").available) == (5000, 5000)
    assert payday.run(run_id).state is RunState.CLOSED
    payday.assert_sound()
    with pytest.raises(IllegalMove):
        decide(payday, run_id, "ada", paid_on=None)
    ada = payday.payouts(run_id)["ada"].end_to_end_id
    debit = camt(entry("50.00", detail(ada, "50.00"), on="2026-11-24"))
    payday.feed(debit)
    payday.feed(camt(entry("50.00", detail(ada, "50.00"), on="2026-11-24"), statement="S2"))
    assert (payday.payouts(run_id)["ada"].paid_on, payday.exceptions()) == (date(2026, 11, 24), [])
    assert payday.balance("ada").paid == 5000, "told twice, moved once"
    payday.feed(camt(entry("50.00", detail(ada, "50.00"), reference="B9"), statement="S3"))
    assert payday.exceptions() == ["second_debit"]
    payday.assert_sound()


def test_only_what_may_have_left_can_be_unknown_and_a_word_needs_a_reason(payday: Payday) -> None:
    run_id = payday.build_files()
    number = file_of(payday, run_id).id
    with payday.db.transaction() as session:
        with pytest.raises(FileNotUnknown):
            dismiss_file(session, number, "why", by=FREEZER, now=NOW)
        with pytest.raises(NoSuchFile):
            lose_file(session, 4711, by=FREEZER, now=NOW)
    cancel_run(payday.deps, run_id, by=FREEZER, now=NOW)
    with payday.db.transaction() as session, pytest.raises(FileNotOpen):
        lose_file(session, number, by=FREEZER, now=NOW)
    run_id = payday.build_files(again=True)
    lose(payday, run_id)
    with payday.db.transaction() as session, pytest.raises(InvalidInput):
        dismiss_file(session, file_of(payday, run_id).id, "  ", by=FREEZER, now=NOW)
    payday.assert_sound()
