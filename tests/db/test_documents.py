"""Self-billing documents and their VAT, from the freeze to the bank and back, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from app.ledger.models import Figure
from app.payouts.approval import exclude_payout
from app.payouts.cancelling import cancel_run
from app.payouts.domain.invoice import DocumentState
from app.payouts.domain.state import PayoutState
from app.payouts.domain.vat import TaxStatus, VatAnswer
from app.payouts.runs import freeze_run
from tests.builders import NOW, at
from tests.db.documents_world import DE_VAT, TaxDay
from tests.db.payouts_world import FREEZER, camt, detail, entry, pain002

if TYPE_CHECKING:
    from app.kernel.db import Database


@pytest.fixture
def day(database: Database) -> TaxDay:
    return TaxDay.start(database)


def test_a_dutch_business_is_paid_121_for_100_and_a_refund_of_30_corrects_by_minus_36_30(day: TaxDay) -> None:
    day.business()
    order = day.earn("ada", 10000)
    run_id = day.submit()
    payout = day.payouts(run_id)["ada"]
    assert (payout.amount_minor, payout.vat_minor) == (12100, 2100)
    assert b">121.00<" in day.files(run_id)[0]
    assert day.shown() == [("389", "S", 10000, 2100)]
    assert day.balance().in_flight == 10000
    day.assert_sound()
    day.feed(camt(entry("121.00", detail(payout.end_to_end_id, "121.00"))))
    assert day.states(run_id) == {"ada": (12100, PayoutState.PAID)}
    assert (day.balance().paid, day.vat()) == (10000, {Figure.VAT_DOCUMENTED: 2100, Figure.VAT_PAID: 2100})

    day.refund(order, 3000, "2026-11-01")
    assert day.issue() == 1
    assert day.issue() == 0
    assert day.shown()[1:] == [("384", "S", -3000, -630)]
    first, second = day.documents()
    assert (second.corrects_id, second.facts["corrects"]["number"]) == (first.id, first.number)
    assert second.net_minor + second.vat_minor == -3630
    assert day.balance().available == -3000
    assert day.vat()[Figure.VAT_PAYABLE] == -630
    day.assert_sound()

    day.now = at("2026-12-05")
    day.earn("ada", 8000, paid="2026-11-10")
    run_id = day.submit("2026-11")
    assert day.shown()[2:] == [("389", "S", 8000, 1680)]
    paid = day.payouts(run_id)["ada"]
    assert (paid.amount_minor, paid.vat_minor) == (6050, 1050)
    assert paid.amount_minor == sum(each.net_minor + each.vat_minor for each in day.documents()[1:])
    day.assert_sound()


def test_who_is_paid_gets_the_document_of_their_case(day: TaxDay) -> None:
    day.join("cem", "dot")
    day.business("ada", status=TaxStatus.SMALL_BUSINESS, vat_id="", tax_number="123456782")
    day.business("bob", country="DE", vat_id=DE_VAT)
    day.business(
        "cem", status=TaxStatus.SMALL_BUSINESS, country="DE", vat_id=DE_VAT, tax_number="12/345/67890"
    )
    for name in ("ada", "bob", "cem", "dot"):
        day.earn(name, 5000)
    run_id = day.freeze()
    assert {name: each.amount_minor for name, each in day.payouts(run_id).items()} == dict.fromkeys(
        ("ada", "bob", "cem", "dot"), 5000
    )
    assert day.shown("ada") == [("389", "E", 5000, 0)]
    assert day.documents("ada")[0].facts["seller"]["own_id"] == "123456782"
    assert day.shown("bob") == [("389", "AE", 5000, 0)]
    assert day.shown("cem") == [("389", "AE", 5000, 0)]
    assert day.shown("dot") == []
    day.business(
        "cem",
        status=TaxStatus.SMALL_BUSINESS,
        country="DE",
        vat_id="",
        tax_number="12/345/67890",
        small_business_id="DE123456789-EX",
    )
    day.earn("cem", 5000)
    day.freeze(again=True)
    assert day.shown("cem")[1:] == [("389", "E", 5000, 0)]
    day.assert_sound()


def test_without_agreement_or_answer_of_vies_the_net_is_paid_and_the_vat_follows(day: TaxDay) -> None:
    day.business(agreed=False, checked=VatAnswer.UNAVAILABLE)
    day.earn("ada", 10000)
    run_id = day.submit()
    assert day.states(run_id) == {"ada": (10000, PayoutState.SUBMITTED)}
    assert day.shown() == []
    day.vies("ada", VatAnswer.VALID)
    assert day.issue() == 0
    day.business(checked=None)
    assert day.issue() == 1
    assert day.shown() == [("389", "S", 10000, 2100)]
    assert day.vat()[Figure.VAT_PAYABLE] == 2100
    day.now = at("2026-12-05")
    assert day.left_out(day.freeze("2026-11")) == {"ada": (0, "below_minimum")}
    day.earn("ada", 400, paid="2026-12-01")
    day.assert_sound()


def test_the_vat_alone_is_paid_where_it_reaches_the_minimum(database: Database) -> None:
    day = TaxDay.start(database, minimum_payout="0")
    day.business(agreed=False)
    day.earn("ada", 10000)
    day.submit()
    day.business()
    day.issue()
    day.now = at("2026-12-05")
    run_id = day.submit("2026-11")
    payout = day.payouts(run_id)["ada"]
    assert (payout.amount_minor, payout.vat_minor) == (2100, 2100)
    day.feed(camt(entry("21.00", detail(payout.end_to_end_id, "21.00"))))
    assert day.vat() == {Figure.VAT_DOCUMENTED: 2100, Figure.VAT_PAID: 2100}
    day.assert_sound()


def test_a_rejected_payout_is_paid_again_with_its_vat_and_without_a_second_document(day: TaxDay) -> None:
    day.business()
    day.earn("ada", 10000)
    run_id = day.submit()
    first = day.payouts(run_id)["ada"]
    day.feed(pain002((first.end_to_end_id, "MS03")))
    assert day.vat()[Figure.VAT_PAYABLE] == 2100
    day.now = at("2026-12-05")
    second = day.payouts(day.submit("2026-11"))["ada"]
    assert (second.amount_minor, second.vat_minor) == (12100, 2100)
    assert len(day.documents()) == 1
    day.feed(camt(entry("121.00", detail(second.end_to_end_id, "121.00"))))
    back = entry("121.00", detail(second.end_to_end_id, "121.00", reason="MS03"), credit=True, reference="B2")
    day.feed(camt(back, statement="S2"))
    assert (day.balance().available, day.vat()[Figure.VAT_PAYABLE]) == (10000, 2100)
    day.assert_sound()


def test_a_cancelled_or_excluded_payout_takes_its_document_back_and_the_next_run_writes_a_new_one(
    day: TaxDay,
) -> None:
    day.business()
    day.earn("ada", 10000)
    day.earn("bob", 5000)
    cancelled = day.freeze()
    cancel_run(day.deps, cancelled, by=FREEZER, now=NOW)
    assert day.shown() == [("389", "S", 10000, 2100), ("384", "S", -10000, -2100)]
    assert [each.state for each in day.documents()] == [DocumentState.VOID, DocumentState.ISSUED]
    assert day.vat() == {}
    run_id = day.freeze(again=True)
    with day.db.transaction() as session:
        exclude_payout(session, day.payouts(run_id)["ada"].id, "asked for it", by=FREEZER, now=NOW)
    assert day.left_out(run_id) == {"ada": (10000, "excluded")}
    day.freeze(again=True)
    assert [(each.number[-6:], each.net_minor) for each in day.documents()] == [
        ("000001", 10000),
        ("000002", -10000),
        ("000003", 10000),
        ("000004", -10000),
        ("000005", 10000),
    ]
    assert day.payouts()["ada"].amount_minor == 12100
    day.assert_sound()


def test_what_was_paid_to_a_private_person_is_never_invoiced_nor_corrected(day: TaxDay) -> None:
    order = day.earn("ada", 10000)
    day.submit()
    day.business()
    day.refund(order, 3000, "2026-11-01")
    assert day.issue() == 0
    day.now = at("2026-12-05")
    day.earn("ada", 8000, paid="2026-11-10")
    run_id = day.submit("2026-11")
    assert day.shown() == [("389", "S", 8000, 1680)]
    assert day.payouts(run_id)["ada"].amount_minor == 5000 + 1680
    day.assert_sound()


class Killed(Exception):
    """The process died here."""


@pytest.mark.parametrize("table", ["tax_documents", "document_lines", "ledger_balances"])
def test_a_freeze_that_dies_while_it_writes_documents_leaves_none_and_ends_the_same_when_run_again(
    day: TaxDay, table: str
) -> None:
    day.batch = 1
    day.business()
    day.business("bob", country="DE", vat_id=DE_VAT)
    for name in ("ada", "bob"):
        day.earn(name, 10000)
    run_id = day.draft()

    def die(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        if f"INSERT INTO {table}" in statement:
            raise Killed

    event.listen(day.db.engine, "before_cursor_execute", die)
    try:
        with pytest.raises(Killed):
            freeze_run(day.deps, run_id, by=FREEZER, now=day.now)
    finally:
        event.remove(day.db.engine, "before_cursor_execute", die)
    assert (day.documents("ada"), day.payouts(run_id), day.vat()) == ([], {}, {})
    freeze_run(day.deps, run_id, by=FREEZER, now=day.now)
    freeze_run(day.deps, run_id, by=FREEZER, now=day.now)
    assert day.shown("ada") == [("389", "S", 10000, 2100)]
    assert day.shown("bob") == [("389", "AE", 10000, 0)]
    assert [each.sequence for name in ("ada", "bob") for each in day.documents(name)] == [1, 1]
    day.assert_sound()
