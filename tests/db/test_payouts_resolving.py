"""What staff say of records that matched nothing: noted, or named what they belong to and applied there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.models import AuditEvent
from app.kernel.errors import InvalidInput
from app.payouts.domain.state import IllegalMove, PayoutState, RunState
from app.payouts.errors import NoSuchEvent, NoSuchReference, NotAssignable
from app.payouts.models import BankEvent, PayoutDestination
from app.payouts.resolving import assign_exception, note_exception
from app.payouts.words import BankEventState, BlockedReason
from tests.builders import NOW
from tests.db.payouts_world import APPROVER, Payday, camt, detail, entry, pain002, payee_answers

if TYPE_CHECKING:
    from app.kernel.db import Database

LOST = "PO" + "A" * 30
"""An end-to-end id that the bank garbled."""


@pytest.fixture
def payday(database: Database) -> Payday:
    """Ada (50.00) and Bob (60.00) are with the bank, in one file."""
    payday = Payday.build(database)
    payday.earn("ada", 5000)
    payday.earn("bob", 6000)
    payday.submit()
    return payday


def ref(payday: Payday, name: str) -> str:
    return payday.payouts()[name].end_to_end_id


def state(payday: Payday, name: str) -> PayoutState:
    return payday.payouts()[name].state


def event_id(payday: Payday) -> int:
    with payday.db.reading() as session:
        open_ = select(BankEvent.id).where(BankEvent.state == BankEventState.EXCEPTION)
        return session.scalars(open_).one()


def assign(payday: Payday, reference: str, *, why: str = "seen on the bank's site") -> None:
    assign_exception(payday.deps, event_id(payday), reference, why, by=APPROVER, now=NOW)


def trail(payday: Payday) -> list[tuple[str, str, object]]:
    with payday.db.reading() as session:
        found = session.scalars(
            select(AuditEvent).where(AuditEvent.action.like("bank_event.%")).order_by(AuditEvent.id)
        )
        return [(each.action, each.actor, each.details.get("reason")) for each in found]


def test_what_is_none_of_ours_is_noted_with_a_reason_and_moves_nothing(payday: Payday) -> None:
    payday.feed(camt(entry("1.00", detail(LOST, "1.00"))))
    number = event_id(payday)
    with payday.db.transaction() as session:
        with pytest.raises(InvalidInput, match="reason"):
            note_exception(session, number, "  ", by=APPROVER, now=NOW)
        event = note_exception(session, number, "a test transfer\nof the bank", by=APPROVER, now=NOW)
        assert (event.state, event.resolution) == (BankEventState.RESOLVED, "a test transfer of the bank")
        with pytest.raises(NoSuchEvent):
            note_exception(session, number, "again", by=APPROVER, now=NOW)
    assert payday.exceptions() == []
    assert trail(payday) == [("bank_event.noted", APPROVER.label, "a test transfer of the bank")]
    payday.assert_sound()


def test_a_debit_with_a_garbled_id_is_assigned_to_its_payout_and_books_it(payday: Payday) -> None:
    payday.feed(camt(entry("50.00", detail(LOST, "50.00"))))
    early = entry("50.00", detail(ref(payday, "ada"), "50.00", reason="MS03"), credit=True, reference="B2")
    payday.feed(camt(early, statement="S2"))
    assert state(payday, "ada") is PayoutState.SUBMITTED
    assign(payday, f" {ref(payday, 'ada')[:12]} {ref(payday, 'ada')[12:]} ")
    assert state(payday, "ada") is PayoutState.RETURNED, "the return that waited for this debit took effect"
    assert payday.balance("ada").available == 5000
    assert payday.exceptions() == []
    assert trail(payday) == [("bank_event.assigned", APPROVER.label, "seen on the bank's site")]
    with pytest.raises(NoSuchEvent):
        assign_exception(payday.deps, 1, ref(payday, "bob"), "again", by=APPROVER, now=NOW)
    payday.assert_sound()


def test_a_name_never_bends_an_amount_and_a_refusal_changes_nothing(payday: Payday) -> None:
    payday.feed(camt(entry("49.99", detail(ref(payday, "ada"), "49.99"))))
    for reference, refusal in (
        (ref(payday, "ada"), NotAssignable),
        (ref(payday, "bob"), NotAssignable),
        ("R1-01", NotAssignable),
        ("PO" + "B" * 30, NoSuchReference),
    ):
        with pytest.raises(refusal):
            assign(payday, reference)
    with pytest.raises(InvalidInput):
        assign(payday, ref(payday, "ada"), why=" ")
    assert payday.exceptions() == ["amount_differs"]
    assert (state(payday, "ada"), state(payday, "bob")) == (PayoutState.SUBMITTED, PayoutState.SUBMITTED)
    assert trail(payday) == []
    payday.assert_sound()


def test_a_debit_cannot_be_given_to_a_payout_that_is_over(payday: Payday) -> None:
    ada = ref(payday, "ada")
    payday.feed(pain002((ada, "MS03")))
    payday.feed(camt(entry("50.00", detail(ada, "50.00"))))
    with pytest.raises(IllegalMove):
        assign(payday, ada)
    assert payday.exceptions() == ["impossible_state"]
    payday.assert_sound()


def test_a_credit_that_says_nothing_is_assigned_as_a_return(payday: Payday) -> None:
    ada = ref(payday, "ada")
    payday.feed(camt(entry("50.00", detail(ada, "50.00"))))
    payday.feed(camt(entry("50.00", detail(ada, "50.00"), credit=True, reference="B2"), statement="S2"))
    assert payday.exceptions() == ["unknown_reason"]
    assign(payday, ada)
    assert state(payday, "ada") is PayoutState.RETURNED
    assert payday.balance("ada").available == 5000
    payday.assert_sound()


@pytest.mark.parametrize(
    ("answer", "reason", "block"),
    [("RVNM", "RVNM", BlockedReason.RVNM), ("RVMC", "RVMC", None), ("AM05", "AM05", None)],
)
def test_a_payout_that_a_doubt_holds_is_taken_back_by_its_reference(
    payday: Payday, answer: str, reason: str, block: BlockedReason | None
) -> None:
    ada = ref(payday, "ada")
    payday.feed(pain002((ada, answer)) if answer == "AM05" else payee_answers((ada, answer, "Ada Unal")))
    assign(payday, ada)
    payout = payday.payouts()["ada"]
    assert (payout.state, payout.reason_code) == (PayoutState.REJECTED, reason)
    assert payday.balance("ada").available == 5000
    with payday.db.reading() as session:
        assert session.get_one(PayoutDestination, payout.destination_id).blocked_reason is block
    assert state(payday, "bob") is PayoutState.SUBMITTED
    assert payday.exceptions() == []
    payday.assert_sound()


def test_a_batch_debit_without_a_count_is_assigned_to_its_file_and_settles_it_in_batches(
    payday: Payday,
) -> None:
    payday.batch = 1
    payday.feed(camt(entry("110.00", batch=("R1-01", 99))))
    assert payday.exceptions() == ["batch_differs"]
    assign(payday, "R1-01")
    assert (state(payday, "ada"), state(payday, "bob")) == (PayoutState.PAID, PayoutState.PAID)
    assert payday.run(1).state is RunState.CLOSED
    assert payday.exceptions() == []
    payday.assert_sound()


def test_a_gap_between_statements_belongs_to_nothing(payday: Payday) -> None:
    payday.feed(camt(opening="500.00", closing="500.00"))
    payday.feed(camt(statement="S3", opening="400.00", closing="400.00", on=("2026-11-26", "2026-11-26")))
    with pytest.raises(NotAssignable):
        assign(payday, ref(payday, "ada"))
    number = event_id(payday)
    with payday.db.transaction() as session:
        note_exception(session, number, "the bank was asked for it", by=APPROVER, now=NOW)
    assert payday.exceptions() == []
