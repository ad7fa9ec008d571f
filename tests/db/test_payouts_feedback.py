"""What the bank answers: rejections, bookings, returns, repeats, and what a person must look at."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.payouts.deps import PayoutEvent
from app.payouts.domain.feedback_xml import BadBankFile
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.models import BankEvent, BankFile, PayoutDestination
from app.payouts.reconcile import import_feedback
from app.payouts.words import BlockedReason, PayeeCheck
from app.referrals.models import ReferrerStatus
from examples.bank.answering import answer
from examples.bank.books import Books
from examples.bank.instruction import read_instruction
from examples.bank.rulings import Shares
from tests.builders import NOW
from tests.db.payouts_world import FREEZER, Payday, camt, detail, entry, pain002, payee_answers

if TYPE_CHECKING:
    from app.kernel.db import Database

PAID, REJECTED, RETURNED = PayoutState.PAID, PayoutState.REJECTED, PayoutState.RETURNED
SUBMITTED = PayoutState.SUBMITTED


@pytest.fixture
def payday(database: Database) -> Payday:
    """Ada (50.00) and Bob (60.00) are with the bank, in one file."""
    payday = Payday.build(database)
    payday.earn("ada", 5000)
    payday.earn("bob", 6000)
    payday.submit()
    return payday


def states(payday: Payday) -> dict[str, PayoutState]:
    return {name: payout.state for name, payout in payday.payouts().items()}


def ref(payday: Payday, name: str) -> str:
    return payday.payouts()[name].end_to_end_id


def blocked(payday: Payday, name: str) -> BlockedReason | None:
    with payday.db.reading() as session:
        destination_id = payday.payouts()[name].destination_id
        return session.get_one(PayoutDestination, destination_id).blocked_reason


def test_two_rejections_in_one_batch_are_released_and_block_by_their_reason(payday: Payday) -> None:
    result = payday.feed(pain002((ref(payday, "ada"), "AC04"), (ref(payday, "bob"), "MS03")))
    assert (result.applied, result.exceptions) == (2, 0)
    assert states(payday) == {"ada": REJECTED, "bob": REJECTED}
    assert payday.balance("ada").available == 5000
    assert payday.balance("bob").available == 6000
    assert blocked(payday, "ada") is BlockedReason.AC04
    assert blocked(payday, "bob") is None
    assert [news.event for news in payday.news] == [PayoutEvent.REJECTED, PayoutEvent.REJECTED]
    assert payday.run(1).state is RunState.CLOSED
    payday.assert_sound()
    assert payday.left_out(payday.freeze(again=True)) == {"ada": (5000, "account_blocked")}


def test_accepted_is_not_paid(payday: Payday) -> None:
    result = payday.feed(pain002(group="ACCP", accepted=(ref(payday, "ada"), ref(payday, "bob"))))
    assert result.applied == 0
    assert states(payday) == {"ada": SUBMITTED, "bob": SUBMITTED}
    assert payday.balance().in_flight == 5000


def test_feedback_on_a_filed_payout_says_that_the_bank_has_it(database: Database) -> None:
    payday = Payday.build(database)
    payday.earn("ada", 5000)
    run_id = payday.build_files()
    payday.feed(pain002(accepted=(ref(payday, "ada"),)))
    assert states(payday) == {"ada": SUBMITTED}
    payday.feed(camt(entry("50.00", detail(ref(payday, "ada"), "50.00"))))
    assert states(payday) == {"ada": PAID}
    assert payday.run(run_id).state is RunState.CLOSED
    payday.assert_sound()


def test_a_rejected_group_rejects_every_payment_of_its_file(payday: Payday) -> None:
    payday.batch = 1
    payday.feed(pain002(group="RJCT"))
    assert states(payday) == {"ada": REJECTED, "bob": REJECTED}
    payday.assert_sound()


def test_a_payment_that_the_bank_takes_for_a_duplicate_waits_for_a_person(payday: Payday) -> None:
    payday.feed(pain002((ref(payday, "ada"), "AM05")))
    assert states(payday)["ada"] is SUBMITTED
    assert payday.exceptions() == ["needs_a_person"]


def test_a_batch_with_details_is_paid_once_however_often_it_is_told(payday: Payday) -> None:
    details = (detail(ref(payday, "ada"), "50.00"), detail(ref(payday, "bob"), "60.00"))
    statement = camt(entry("110.00", *details))
    assert payday.feed(statement).applied == 2
    again = payday.feed(statement)
    assert (again.known_file, again.applied, again.repeated) == (True, 0, 2)
    overlapping = camt(entry("110.00", *details), statement="S2")
    assert (payday.feed(overlapping).applied, payday.feed(overlapping).known_file) == (0, True)
    notification = camt(entry("110.00", *details), message="camt.054.001.08", statement="N1")
    told = payday.feed(notification)
    assert (told.applied, told.repeated, told.exceptions) == (0, 2, 0)
    assert states(payday) == {"ada": PAID, "bob": PAID}
    assert payday.balance("ada").paid == 5000
    assert payday.payouts()["ada"].paid_on == date(2026, 11, 24)
    assert [news.event for news in payday.news] == [PayoutEvent.SENT, PayoutEvent.SENT]
    assert payday.run(1).state is RunState.CLOSED
    payday.assert_sound()


def test_a_return_restores_the_money_blocks_the_account_and_says_so(payday: Payday) -> None:
    ada = ref(payday, "ada")
    payday.feed(camt(entry("50.00", detail(ada, "50.00"))))
    back = camt(
        entry("50.00", detail(ada, "50.00", reason="AC04"), credit=True, reference="B2", on="2026-11-27"),
        statement="S2",
    )
    assert payday.feed(back).applied == 1
    payout = payday.payouts()["ada"]
    assert (payout.state, payout.returned_on, payout.reason_code) == (RETURNED, date(2026, 11, 27), "AC04")
    balance = payday.balance()
    assert (balance.available, balance.paid, balance.in_flight) == (5000, 0, 0)
    assert blocked(payday, "ada") is BlockedReason.AC04
    assert payday.news[-1].event is PayoutEvent.RETURNED
    payday.assert_sound()


def test_a_return_that_comes_before_its_debit_waits_for_it(payday: Payday) -> None:
    ada = ref(payday, "ada")
    early = payday.feed(
        camt(entry("50.00", detail(ada, "50.00", reason="MS03"), credit=True, reference="B2"), statement="S2")
    )
    assert (early.applied, early.deferred) == (0, 1)
    assert states(payday)["ada"] is SUBMITTED
    payday.assert_sound()
    payday.feed(camt(entry("50.00", detail(ada, "50.00")), statement="S1"))
    assert states(payday)["ada"] is RETURNED
    assert payday.balance().available == 5000
    payday.assert_sound()


def test_a_return_of_what_the_bank_refused_is_shown_to_a_person(payday: Payday) -> None:
    ada = ref(payday, "ada")
    payday.feed(
        camt(entry("50.00", detail(ada, "50.00", reason="MS03"), credit=True, reference="B2"), statement="S2")
    )
    assert payday.exceptions() == []
    payday.feed(pain002((ada, "AC01")))
    assert payday.exceptions() == ["impossible_state"]
    assert states(payday)["ada"] is REJECTED
    assert payday.balance().available == 5000
    payday.assert_sound()


def test_a_return_after_the_run_was_closed_is_taken(payday: Payday) -> None:
    ada, bob = ref(payday, "ada"), ref(payday, "bob")
    payday.feed(
        camt(entry("50.00", detail(ada, "50.00")), entry("60.00", detail(bob, "60.00"), reference="B2"))
    )
    assert payday.run(1).state is RunState.CLOSED
    payday.feed(
        camt(entry("60.00", detail(bob, "60.00", reason="MS03"), credit=True, reference="B3"), statement="S2")
    )
    assert states(payday) == {"ada": PAID, "bob": RETURNED}
    payday.assert_sound()


@pytest.mark.parametrize("amount", ["49.99", "50.01"])
def test_a_cent_off_is_an_exception_and_moves_nothing(payday: Payday, amount: str) -> None:
    payday.feed(camt(entry(amount, detail(ref(payday, "ada"), amount))))
    assert payday.exceptions() == ["amount_differs"]
    assert states(payday)["ada"] is SUBMITTED
    payday.assert_sound()


def test_another_currency_or_another_account_is_an_exception(payday: Payday) -> None:
    ada = ref(payday, "ada")
    payday.feed(camt(entry("50.00", detail(ada, "50.00"))).replace('Ccy="EUR"', 'Ccy="CHF"'))
    payday.feed(camt(entry("50.00", detail(ada, "50.00")), account="NL91ABNA0417164300"))
    assert payday.exceptions() == ["amount_differs", "other_account"]
    assert states(payday)["ada"] is SUBMITTED


def test_a_second_debit_under_another_reference_is_an_exception(payday: Payday) -> None:
    ada = ref(payday, "ada")
    payday.feed(camt(entry("50.00", detail(ada, "50.00"), reference="B1")))
    payday.feed(camt(entry("50.00", detail(ada, "50.00"), reference="B9"), statement="S2"))
    assert payday.exceptions() == ["second_debit"]
    assert payday.balance().paid == 5000
    payday.assert_sound()


def test_two_genuine_equal_lines_without_references_are_both_seen(payday: Payday) -> None:
    ada = ref(payday, "ada")
    line = entry("50.00", detail(ada, "50.00"), reference=None)
    payday.feed(camt(line, line))
    assert states(payday)["ada"] is PAID
    assert payday.exceptions() == ["second_debit"]


def test_a_second_return_is_an_exception(payday: Payday) -> None:
    ada = ref(payday, "ada")
    payday.feed(camt(entry("50.00", detail(ada, "50.00"))))
    for number in (2, 3):
        payday.feed(
            camt(
                entry("50.00", detail(ada, "50.00", reason="MS03"), credit=True, reference=f"B{number}"),
                statement=f"S{number}",
            )
        )
    assert payday.exceptions() == ["second_return"]
    assert payday.balance().available == 5000
    payday.assert_sound()


def test_a_batch_debit_without_details_settles_its_file_by_id_count_and_sum(payday: Payday) -> None:
    payday.batch = 1
    result = payday.feed(camt(entry("110.00", batch=("R1-01", 2))))
    assert (result.applied, result.exceptions) == (1, 0)
    assert states(payday) == {"ada": PAID, "bob": PAID}
    assert payday.run(1).state is RunState.CLOSED
    payday.assert_sound()
    with_details = (detail(ref(payday, "ada"), "50.00"), detail(ref(payday, "bob"), "60.00"))
    told = payday.feed(camt(entry("110.00", *with_details), message="camt.054.001.02", statement="N1"))
    assert (told.repeated, told.exceptions) == (2, 0)


def test_details_first_and_the_batch_line_later_are_one_booking(payday: Payday) -> None:
    with_details = (detail(ref(payday, "ada"), "50.00"), detail(ref(payday, "bob"), "60.00"))
    payday.feed(camt(entry("110.00", *with_details), message="camt.054.001.08", statement="N1"))
    told = payday.feed(camt(entry("110.00", batch=("R1-01", 2))))
    assert (told.repeated, told.exceptions) == (1, 0)
    payday.assert_sound()


def test_a_batch_debit_after_a_rejection_is_of_what_is_left(payday: Payday) -> None:
    payday.feed(pain002((ref(payday, "ada"), "AC01")))
    payday.feed(camt(entry("60.00", batch=("R1-01", 1))))
    assert states(payday) == {"ada": REJECTED, "bob": PAID}
    payday.assert_sound()


@pytest.mark.parametrize(("amount", "count"), [("110.01", 2), ("110.00", 3)])
def test_a_batch_debit_with_another_count_or_sum_is_an_exception(
    payday: Payday, amount: str, count: int
) -> None:
    payday.feed(camt(entry(amount, batch=("R1-01", count))))
    assert payday.exceptions() == ["batch_differs"]
    assert states(payday) == {"ada": SUBMITTED, "bob": SUBMITTED}


def test_returns_deferred_before_a_batch_debit_are_applied_with_it(payday: Payday) -> None:
    bob = ref(payday, "bob")
    payday.feed(
        camt(entry("60.00", detail(bob, "60.00", reason="AC06"), credit=True, reference="B2"), statement="S2")
    )
    payday.feed(camt(entry("110.00", batch=("R1-01", 2))))
    assert states(payday) == {"ada": PAID, "bob": RETURNED}
    payday.assert_sound()


def test_other_business_of_the_account_is_noted_and_pending_entries_too(payday: Payday) -> None:
    ada = ref(payday, "ada")
    result = payday.feed(
        camt(
            entry("9.99", detail("INVOICE-77", "9.99")),
            entry("120.00", credit=True, reference="B2"),
            entry("50.00", detail(ada, "50.00"), reference="B3", status="PDNG"),
        )
    )
    assert (result.noted, result.applied, result.exceptions) == (3, 0, 0)
    assert states(payday)["ada"] is SUBMITTED
    assert payday.feed(camt(entry("50.00", detail(ada, "50.00"), reference="B3"))).applied == 1


def test_an_id_of_ours_that_is_unknown_is_an_exception(payday: Payday) -> None:
    payday.feed(camt(entry("9.99", detail("PO" + "A" * 30, "9.99")), entry("9.99", batch=("R77-01", 1))))
    assert payday.exceptions() == ["unknown_payment", "unknown_payment"]


def test_a_debit_of_a_rejected_payout_is_an_exception(payday: Payday) -> None:
    ada = ref(payday, "ada")
    payday.feed(pain002((ada, "AC01")))
    payday.feed(camt(entry("50.00", detail(ada, "50.00"))))
    assert payday.exceptions() == ["impossible_state"]
    assert payday.balance().available == 5000
    payday.assert_sound()


def test_a_credit_that_does_not_say_that_it_is_a_return_is_an_exception(payday: Payday) -> None:
    ada = ref(payday, "ada")
    payday.feed(camt(entry("50.00", detail(ada, "50.00"))))
    payday.feed(camt(entry("50.00", detail(ada, "50.00"), credit=True, reference="B2"), statement="S2"))
    assert payday.exceptions() == ["unknown_reason"]


def test_a_missing_statement_is_noticed_and_its_neighbours_count(payday: Payday) -> None:
    ada, bob = ref(payday, "ada"), ref(payday, "bob")
    payday.feed(camt(entry("50.00", detail(ada, "50.00")), opening="500.00", closing="450.00"))
    payday.feed(
        camt(
            entry("60.00", detail(bob, "60.00"), reference="B7", on="2026-11-26"),
            statement="S3",
            opening="400.00",
            closing="340.00",
            on=("2026-11-26", "2026-11-26"),
        )
    )
    assert payday.exceptions() == ["statement_gap"]
    assert states(payday) == {"ada": PAID, "bob": PAID}


def test_statements_that_follow_each_other_are_no_gap(payday: Payday) -> None:
    ada, bob = ref(payday, "ada"), ref(payday, "bob")
    payday.feed(camt(entry("50.00", detail(ada, "50.00")), opening="500.00", closing="450.00"))
    payday.feed(
        camt(
            entry("60.00", detail(bob, "60.00"), reference="B7", on="2026-11-25"),
            statement="S2",
            opening="450.00",
            closing="390.00",
            on=("2026-11-25", "2026-11-25"),
        )
    )
    assert payday.exceptions() == []


def test_a_statement_that_does_not_add_up_is_refused_whole(payday: Payday) -> None:
    ada = ref(payday, "ada")
    with pytest.raises(BadBankFile, match="does not add up"):
        payday.feed(camt(entry("50.00", detail(ada, "50.00")), opening="500.00", closing="450.01"))
    assert states(payday)["ada"] is SUBMITTED
    with payday.db.reading() as session:
        assert session.scalars(select(BankFile)).all() == []
        assert session.scalars(select(BankEvent)).all() == []


def test_the_payees_banks_answers_hold_whom_they_doubt_and_nobody_else(payday: Payday) -> None:
    """C.16: no match and close match hold their payouts, with the name that the bank proposes; none of them pays."""
    ada, bob = ref(payday, "ada"), ref(payday, "bob")
    answers = payee_answers((ada, "RVMC", "Ada Unal"), (bob, "RCVC", None), block="RVCM")
    result = payday.feed(answers)
    assert (result.applied, result.exceptions, result.noted) == (0, 1, 3)
    found = payday.payouts()
    assert (found["ada"].state, found["ada"].payee_check, found["ada"].payee_name) == (
        SUBMITTED,
        PayeeCheck.CLOSE_MATCH,
        "Ada Unal",
    )
    assert (found["bob"].state, found["bob"].payee_check, found["bob"].payee_name) == (
        SUBMITTED,
        PayeeCheck.MATCH,
        None,
    )
    payday.feed(payee_answers((bob, "RVNM", None), status="S2", message="pain.002.001.14"))
    assert payday.exceptions() == ["payee_close_match", "payee_no_match"]
    assert states(payday) == {"ada": SUBMITTED, "bob": SUBMITTED}
    assert payday.balance().in_flight == 5000
    payday.feed(payee_answers((ada, "RVNA", None), status="S3"))
    assert payday.payouts()["ada"].payee_check is PayeeCheck.NOT_POSSIBLE
    payday.feed(camt(entry("110.00", detail(ada, "50.00"), detail(bob, "60.00"))))
    assert states(payday) == {"ada": PAID, "bob": PAID}
    payday.feed(payee_answers((ada, "RVNM", None), status="S4"))
    assert payday.payouts()["ada"].payee_check is PayeeCheck.NOT_POSSIBLE, "what is paid is not held"
    payday.assert_sound()


def test_a_doubt_about_a_whole_block_is_for_a_person(payday: Payday) -> None:
    payday.feed(payee_answers(block="RVNM"))
    assert payday.exceptions() == ["payee_no_match"]
    assert states(payday) == {"ada": SUBMITTED, "bob": SUBMITTED}


def test_a_payee_who_died_has_the_referrer_suspended_and_the_money_held(payday: Payday) -> None:
    payday.feed(pain002((ref(payday, "ada"), "MD07"), (ref(payday, "bob"), "BE04")))
    assert states(payday) == {"ada": REJECTED, "bob": REJECTED}
    assert payday.exceptions() == ["referrer_frozen", "fix_data"]
    balance = payday.balance("ada")
    assert (balance.available, balance.held, balance.in_flight) == (0, 5000, 0)
    assert payday.balance("bob").available == 6000
    with payday.world() as world:
        assert world.referrers["ada"].status is ReferrerStatus.SUSPENDED
        assert world.referrers["bob"].status is ReferrerStatus.ACTIVE
    assert blocked(payday, "ada") is None
    assert payday.run(1).state is RunState.CLOSED
    payday.feed(pain002((ref(payday, "ada"), "MD07"), message_id="R1-01", group="RJCT"))
    payday.assert_sound()


def test_a_reason_given_for_the_whole_file_blocks_no_payee(payday: Payday) -> None:
    """The bank says of the order that an account is wrong: that is the payer's."""
    payday.feed(pain002(group="RJCT", group_reason="AC01"))
    assert states(payday) == {"ada": REJECTED, "bob": REJECTED}
    assert [payout.reason_code for payout in payday.payouts().values()] == ["AC01", "AC01"]
    assert (blocked(payday, "ada"), blocked(payday, "bob")) == (None, None)
    payday.assert_sound()


def test_a_reason_that_a_payment_inherits_blocks_no_payee(payday: Payday) -> None:
    ada = ref(payday, "ada")
    report = pain002((ada, "-"), group_reason="AC04").replace(
        "<StsRsnInf><Rsn><Cd>-</Cd></Rsn></StsRsnInf>", ""
    )
    payday.feed(report)
    assert payday.payouts()["ada"].reason_code == "AC04"
    assert blocked(payday, "ada") is None


def test_a_return_as_a_duplicate_is_applied_and_shown_to_a_person(payday: Payday) -> None:
    ada = ref(payday, "ada")
    payday.feed(camt(entry("50.00", detail(ada, "50.00"))))
    back = entry("50.00", detail(ada, "50.00", reason="AM05"), credit=True, reference="B2")
    payday.feed(camt(back, statement="S2"))
    assert states(payday)["ada"] is RETURNED
    assert payday.exceptions() == ["needs_a_person"]
    payday.assert_sound()


def test_a_file_is_read_up_to_the_limit_of_who_hands_it_in(payday: Payday) -> None:
    statement = camt(entry("50.00", detail(ref(payday, "ada"), "50.00"))).encode()
    source = BytesIO(statement)
    with pytest.raises(BadBankFile, match="larger than 0 MiB"):
        import_feedback(payday.deps, source, "large.xml", by=FREEZER, now=NOW, limit=len(statement) - 1)
    assert states(payday)["ada"] is SUBMITTED
    import_feedback(payday.deps, source, "large.xml", by=FREEZER, now=NOW, limit=None)
    assert states(payday)["ada"] is PAID


@pytest.mark.parametrize("with_details", [True, False])
def test_the_example_bank_settles_a_month_end_to_end(database: Database, *, with_details: bool) -> None:
    payday = Payday.build(database, bank_profile="bunq")
    payday.crowd(400)
    run_id = payday.submit()
    books = Books()
    for content in payday.files(run_id):
        shares = Shares(0.1, 0.1, 1)
        messages = answer(read_instruction(content), books, shares, with_details=with_details)
        for message in (*messages, *messages):
            payday.feed(message.data, message.name)
    found = [payout.state for payout in payday.payouts(run_id).values()]
    assert {PAID, REJECTED, RETURNED} == set(found)
    assert payday.exceptions() == []
    assert payday.run(run_id).state is RunState.CLOSED
    payday.assert_sound()
