"""The bank of the demo: what it pays, refuses and sends back, and that its statements add up."""

from __future__ import annotations

import itertools
from datetime import date
from typing import TYPE_CHECKING

import pytest
from lxml import etree
from sepaxml import SepaTransfer

from examples.bank.__main__ import main
from examples.bank.answering import AlreadyAnswered, BankFile, answer
from examples.bank.books import Books
from examples.bank.calendar import is_target_day, target_day_after
from examples.bank.instruction import UnreadableInstruction, read_instruction
from examples.bank.rulings import Shares

if TYPE_CHECKING:
    from pathlib import Path

NOTHING_FAILS = Shares(reject=0, returned=0)


def payment_file(amounts: list[int], *, on: date = date(2026, 12, 1), batch: bool = True) -> bytes:
    """A pain.001.001.09 written and checked against its XSD by another library."""
    config = {"name": "Hosting B.V.", "IBAN": "NL91ABNA0417164300", "batch": batch, "currency": "EUR"}
    transfer = SepaTransfer(config, schema="pain.001.001.09", clean=True)
    for number, amount in enumerate(amounts):
        transfer.add_payment(
            {
                "name": f"Referrer {number}",
                "IBAN": "DE89370400440532013000",
                "amount": amount,
                "execution_date": on,
                "description": "Commission",
                "endtoend_id": f"PO{number:030d}",
            }
        )
    exported = transfer.export(validate=True)
    assert isinstance(exported, bytes)
    return exported


def texts(file: BankFile, name: str) -> list[str | None]:
    """The texts of all elements with this local name, in document order."""
    return [node.text for node in etree.fromstring(file.data).iterfind(f".//{{*}}{name}")]


def test_a_batch_is_booked_as_one_debit_with_its_payments() -> None:
    report, statement = answer(read_instruction(payment_file([1000, 2550])), Books(), NOTHING_FAILS)

    assert texts(report, "GrpSts") == ["ACCP"]
    assert len(texts(statement, "NtryRef")) == 1
    assert texts(statement, "Amt")[:3] == ["1000000.00", "999964.50", "35.50"]
    assert texts(statement, "EndToEndId") == [f"PO{0:030d}", f"PO{1:030d}"]
    assert texts(statement, "NbOfTxs") == ["2"]


def test_a_rejected_payment_is_reported_with_its_reason_and_never_debited() -> None:
    files = answer(read_instruction(payment_file([1000, 2550])), Books(), Shares(reject=1, returned=0))

    assert len(files) == 1
    assert texts(files[0], "TxSts") == ["RJCT", "RJCT"]
    assert all(code in {"AC01", "AC04", "AC06", "AG01"} for code in texts(files[0], "Cd"))


def test_a_return_comes_back_three_target_days_after_its_debit() -> None:
    instruction = read_instruction(payment_file([1000], on=date(2026, 12, 24)))
    books = Books()

    _, debit, returned = answer(instruction, books, Shares(reject=0, returned=1))

    assert "2026-12-24" in debit.name
    assert "2026-12-30" in returned.name
    assert texts(returned, "RvslInd") == ["true"]
    assert texts(returned, "CdtDbtInd")[2:] == ["CRDT", "CRDT"]
    assert books.account("NL91ABNA0417164300").balance_minor == Books().account("x").balance_minor


def test_statements_of_successive_files_are_continuous() -> None:
    books = Books()
    statements = []
    for month, amount in ((10, 1000), (11, 2000), (12, 3000)):
        data = payment_file([amount, amount], on=date(2026, month, 1))
        instruction = read_instruction(data.replace(b"<MsgId>", b"<MsgId>%d" % month))
        statements += answer(instruction, books, Shares(reject=0, returned=0.5))[1:]

    for earlier, later in itertools.pairwise(statements):
        assert texts(earlier, "Amt")[1] == texts(later, "Amt")[0]
    assert [texts(statement, "ElctrncSeqNb") for statement in statements] == [
        [str(number)] for number in range(1, len(statements) + 1)
    ]


def test_without_batch_booking_every_payment_is_its_own_entry() -> None:
    _, statement = answer(read_instruction(payment_file([1000, 2550], batch=False)), Books(), NOTHING_FAILS)

    assert len(texts(statement, "NtryRef")) == 2
    assert texts(statement, "Btch") == []


def test_a_file_whose_control_sum_is_wrong_is_refused_as_a_whole() -> None:
    data = payment_file([1000, 2550]).replace(b"<CtrlSum>35.50</CtrlSum>", b"<CtrlSum>35.51</CtrlSum>")

    (report,) = answer(read_instruction(data), Books(), NOTHING_FAILS)

    assert texts(report, "GrpSts") == ["RJCT"]
    assert texts(report, "Cd") == ["AM10"]


def test_an_iban_with_wrong_check_digits_is_rejected() -> None:
    data = payment_file([1000]).replace(b"DE89370400440532013000", b"DE88370400440532013000")

    (report,) = answer(read_instruction(data), Books(), NOTHING_FAILS)

    assert texts(report, "Cd") == ["AC01"]


def test_a_message_id_that_comes_twice_is_not_paid_twice() -> None:
    instruction, books = read_instruction(payment_file([1000])), Books()
    answer(instruction, books, NOTHING_FAILS)

    with pytest.raises(AlreadyAnswered):
        answer(instruction, books, NOTHING_FAILS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"<Document/>",
        b'<!DOCTYPE x [<!ENTITY e "boom">]><Document>&e;</Document>',
        payment_file([1000]).replace(b"</EndToEndId>", b"").replace(b"<EndToEndId>", b"<EndToEndId/>"),
        payment_file([1000]).replace(b">10.00<", b">10.001<"),
    ],
)
def test_what_is_not_a_payment_file_is_refused_with_one_line(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "payments.xml"
    file.write_bytes(data)

    assert main(["answer", str(file), "--out", str(tmp_path / "bank")]) == 1
    with pytest.raises(UnreadableInstruction):
        read_instruction(data)
    assert not (tmp_path / "bank" / "books.json").exists()


def test_the_command_writes_messages_and_keeps_the_books(tmp_path: Path) -> None:
    file = tmp_path / "payments.xml"
    file.write_bytes(payment_file([1000]))
    command = [
        "answer",
        str(file),
        "--out",
        str(tmp_path / "bank"),
        "--reject-share",
        "0",
        "--return-share",
        "0",
    ]

    assert main(command) == 0
    assert main(command) == 1
    assert len(list((tmp_path / "bank").glob("*.xml"))) == 2


def test_of_several_files_a_broken_one_does_not_stop_the_others(tmp_path: Path) -> None:
    broken, whole = tmp_path / "broken.xml", tmp_path / "whole.xml"
    broken.write_text("nothing")
    whole.write_bytes(payment_file([1000]))

    assert main(["answer", str(broken), str(whole), "--out", str(tmp_path / "bank")]) == 1
    assert list((tmp_path / "bank").glob("*pain002.xml"))


def test_target_days_skip_weekends_and_the_six_holidays() -> None:
    closed = [date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 12, 25)]

    assert not any(is_target_day(day) for day in closed)
    assert target_day_after(date(2026, 12, 25), 0) == date(2026, 12, 28)
    assert target_day_after(date(2026, 12, 24), 3) == date(2026, 12, 30)
