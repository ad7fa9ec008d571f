"""The payout file: fixed bytes, any payments, and a verifier that catches every planted fault."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from sepaxml import SepaTransfer

from app.payouts.domain.pain001 import (
    Address,
    BadPaymentId,
    CreditTransfer,
    Debtor,
    FileHead,
    TotalsDiffer,
    is_payment_id,
    render_pain001,
)
from app.payouts.domain.sepa_text import sepa_name
from app.payouts.domain.verify import (
    ExpectedFile,
    ExpectedPayment,
    FileNotVerified,
    Verified,
    verify_pain001,
)
from tests.support.examples import examples

GOLDEN = Path(__file__).parent.parent / "golden"
DEBTOR = Debtor("Acme Höst B.V.", "NL02ABNA0123456789", "ABNANL2A")
GERMAN = CreditTransfer("PO" + "A" * 30, 12345, "Jörg & Söhne_", "DE89370400440532013000")
SWISS = CreditTransfer(
    "PO" + "B" * 30,
    1,
    "Zoë Müller",
    "CH9300762011623852957",
    "POFICHBEXXX",
    Address(town="Zürich", country="CH", street="Bahnhofstraße", building="1a", postcode="8001"),
)
DUTCH = CreditTransfer("PO" + "C" * 30, 99_999_999_999, "N" * 90, "NL91ABNA0417164300", "ABNANL2A")


def head_of(*transfers: CreditTransfer, debtor: Debtor = DEBTOR) -> FileHead:
    return FileHead(
        message_id="R12-01",
        created_at=datetime(2026, 11, 1, 9, 30, 59, 999, tzinfo=UTC),
        execution_on=date(2026, 11, 2),
        debtor=debtor,
        count=len(transfers),
        control_sum_minor=sum(transfer.amount_minor for transfer in transfers),
        remittance="Höst partner programme 2026-10",
    )


def render(*transfers: CreditTransfer, debtor: Debtor = DEBTOR) -> bytes:
    sink = BytesIO()
    render_pain001(sink, head_of(*transfers, debtor=debtor), transfers)
    return sink.getvalue()


def verify(content: bytes, *transfers: CreditTransfer, debtor: Debtor = DEBTOR, **file: Any) -> Verified:
    head = expected_file(debtor)
    return verify_pain001(content, replace(head, **file), map(expected, transfers))


def expected_file(debtor: Debtor = DEBTOR) -> ExpectedFile:
    return ExpectedFile(
        message_id="R12-01",
        created_at=datetime(2026, 11, 1, 9, 30, 59, 999, tzinfo=UTC),
        execution_on=date(2026, 11, 2),
        debtor_name=debtor.name,
        debtor_iban=debtor.iban,
        debtor_bic=debtor.bic,
        remittance="Höst partner programme 2026-10",
        batch_booking=True,
        instant=False,
    )


def expected(transfer: CreditTransfer) -> ExpectedPayment:
    home = transfer.address
    return ExpectedPayment(
        transfer.end_to_end_id,
        transfer.iban,
        transfer.name,
        transfer.amount_minor,
        transfer.bic,
        (home.street, home.building, home.postcode, home.town, home.country) if home else None,
    )


def test_the_same_payments_give_the_bytes_on_record() -> None:
    content = render(GERMAN, SWISS, DUTCH)
    assert content == render(GERMAN, SWISS, DUTCH)
    assert content == (GOLDEN / "pain001_three_countries.xml").read_bytes()
    assert verify(content, GERMAN, SWISS, DUTCH) == Verified(3, 12345 + 1 + 99_999_999_999)


def test_a_payee_in_germany_has_neither_address_nor_agent() -> None:
    content = render(replace(GERMAN, address=Address(town="Köln", country="DE")))
    assert b"PstlAdr" not in content
    assert b"CdtrAgt" not in content
    assert b"<Nm>Joerg + Soehne-</Nm>" in content


def test_a_swiss_payee_has_a_structured_address_and_no_address_lines() -> None:
    content = render(replace(SWISS, address=Address(town="Zürich", country="CH")))
    assert b"<PstlAdr><TwnNm>Zuerich</TwnNm><Ctry>CH</Ctry></PstlAdr>" in content
    assert b"AdrLine" not in content


def test_a_debtor_without_a_bic_is_not_provided() -> None:
    debtor = Debtor("Acme", "NL02ABNA0123456789")
    content = render(GERMAN, debtor=debtor)
    assert b"<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>" in content
    assert verify(content, GERMAN, debtor=debtor).count == 1


def test_an_instant_file_says_so() -> None:
    sink = BytesIO()
    render_pain001(sink, replace(head_of(GERMAN), instant=True, batch_booking=False), [GERMAN])
    assert b"<LclInstrm><Cd>INST</Cd></LclInstrm>" in sink.getvalue()
    assert b"<BtchBookg>false</BtchBookg>" in sink.getvalue()
    assert verify(sink.getvalue(), GERMAN, instant=True, batch_booking=False).count == 1
    for instant, batch in ((True, True), (False, False)):
        with pytest.raises(FileNotVerified, match="payment information"):
            verify(sink.getvalue(), GERMAN, instant=instant, batch_booking=batch)


@pytest.mark.parametrize("good", ["R1-01", "a", "A" * 35, "a/b", "+?-:().,'"])
def test_ids_of_35_sepa_characters_are_taken(good: str) -> None:
    assert is_payment_id(good)


@pytest.mark.parametrize("bad", ["", "A" * 36, "/a", "a/", "a//b", "a_b", "ä", "a\n"])
def test_other_ids_are_never_written(bad: str) -> None:
    assert not is_payment_id(bad)
    with pytest.raises(BadPaymentId):
        render(replace(GERMAN, end_to_end_id=bad))


def test_a_writer_that_is_handed_other_payments_than_announced_fails() -> None:
    for handed in ([GERMAN], [GERMAN, SWISS, DUTCH], [GERMAN, replace(SWISS, amount_minor=2)]):
        with pytest.raises(TotalsDiffer):
            render_pain001(BytesIO(), head_of(GERMAN, SWISS), handed)


@pytest.mark.parametrize("amount", [0, -1, 100_000_000_000])
def test_an_amount_that_no_bank_takes_is_never_written(amount: int) -> None:
    with pytest.raises(TotalsDiffer):
        render(replace(GERMAN, amount_minor=amount))


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        (b"1000000123.45</CtrlSum><InitgPty>", b"1000000123.46</CtrlSum><InitgPty>", "group header: the control sum"),
        (b"1000000123.45</CtrlSum><PmtTpInf>", b"1000000123.46</CtrlSum><PmtTpInf>", "information: the control"),
        (b"1000000123.45</CtrlSum><PmtTpInf>", b"1000000123.450</CtrlSum><PmtTpInf>", "control sum"),
        (b"Z</CreDtTm><NbOfTxs>3", b"Z</CreDtTm><NbOfTxs>4", "group header: the count"),
        (b"</BtchBookg><NbOfTxs>3", b"</BtchBookg><NbOfTxs>2", "payment information: the count"),
        (b">123.45<", b">123.46<", "PO.*: the amount"),
        (b">123.45<", b">123.450<", "the amount"),
        (b'Ccy="EUR">123.45', b'Ccy="USD">123.45', "not in euros"),
        (b"<Ccy>EUR", b"<Ccy>USD", "Ccy"),
        (b"Joerg + Soehne-", b"Mallory", "PO.*: the name"),
        (b"Joerg + Soehne-", "Jörg".encode(), "PO.*: the name"),
        (b"N" * 70, b"N" * 71, "the name"),
        (b"DE89370400440532013000", b"DE88370400440532013000", "PO.*: the account"),
        (b"DE89370400440532013000", b"NL91ABNA0417164300", "PO.*: the account"),
        (b"DE89370400440532013000", b"DE8937040044053201300", "account|schema"),
        (b"NL02ABNA0123456789", b"NL91ABNA0417164300", "payment information: the account"),
        (b"NL91ABNA0417164300", b"NL91abna0417164300", "account|schema"),
        (b"<Dbtr><Nm>Acme", b"<Dbtr><Nm>Acne", "payment information: the name"),
        (b"<InitgPty><Nm>Acme", b"<InitgPty><Nm>Acne", "group header: the name"),
        (b"2026-11-02", b"2026-11-03", "execution date"),
        (b"2026-11-01T09:30:59Z", b"2026-11-01T09:31:59Z", "CreDtTm"),
        (b"<MsgId>R12-01", b"<MsgId>R12-02", "MsgId"),
        (b"<PmtInfId>R12-01", b"<PmtInfId>R12-02", "PmtInfId"),
        (b"<PmtMtd>TRF", b"<PmtMtd>CHK", "PmtMtd"),
        (b"<BtchBookg>true", b"<BtchBookg>false", "BtchBookg"),
        (b"<Cd>SEPA", b"<Cd>URGP", "Cd"),
        (b"<PmtTpInf>", b"<PmtTpInf><InstrPrty>HIGH</InstrPrty>", "InstrPrty stands where SvcLvl"),
        (b"<ChrgBr>SLEV", b"<ChrgBr>DEBT", "ChrgBr"),
        (b"<BICFI>ABNANL2A</BICFI></FinInstnId></DbtrAgt>", b"<BICFI>INGBNL2A</BICFI></FinInstnId></DbtrAgt>", "bank"),
        (b"<BICFI>POFICHBEXXX", b"<BICFI>UBSWCHZH80A", "PO.*: the bank"),
        (b"partner programme 2026-10", b"partner programme 2026-11", "Ustrd"),
        (b"PO" + b"B" * 30, b"PO" + b"A" * 30, "repeated"),
        (b"PO" + b"B" * 30, b"PO" + b"D" * 30, "end-to-end id"),
        (b"PO" + b"B" * 30, b"PO_" + b"D" * 29, "malformed"),
        (b"PO" + b"B" * 30, b"PO//" + b"D" * 28, "malformed"),
        (b"<TwnNm>Zuerich</TwnNm>", b"", "Ctry stands where TwnNm"),
        (b"<StrtNm>Bahnhofstrasse", b"<StrtNm>Bahnhofplatz", "StrtNm"),
        (b"Joerg + Soehne-</Nm>", b"Joerg + Soehne-</Nm><PstlAdr><Ctry>DE</Ctry></PstlAdr>", "PstlAdr stands where"),
        (b"</RmtInf></CdtTrfTxInf>", b"<Ustrd>x</Ustrd></RmtInf></CdtTrfTxInf>", "more or fewer"),
        (b"<CdtrAcct>", b"<!-- a comment --><CdtrAcct>", "no comment"),
        (b"<CdtrAcct>", b"<?run it?><CdtrAcct>", "no comment"),
        (b"<InitgPty>", b"<Other/><InitgPty>", "schema"),
        (b"xsd:pain.001.001.09", b"xsd:pain.001.001.03", "schema"),
        (b"</Document>", b"", "schema"),
        (b"<Document", b"<!DOCTYPE x><Document", "document type"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_refused(old: bytes, new: bytes, refusal: str) -> None:
    content = render(GERMAN, SWISS, DUTCH)
    altered = content.replace(old, new, 1)
    assert altered != content
    with pytest.raises(FileNotVerified, match=refusal):
        verify(altered, GERMAN, SWISS, DUTCH)


def test_a_payment_that_is_owed_wrongly_is_refused_too() -> None:
    """What the database says is not trusted either: these bytes are what was owed, and no bank would take them."""
    wrong = "DE88370400440532013000"
    with pytest.raises(FileNotVerified, match="check digits"):
        verify(render(replace(GERMAN, iban=wrong)), replace(GERMAN, iban=wrong))
    spaced = "DE89 3704 0044 0532 0130 00"
    with pytest.raises(FileNotVerified, match=r"plain form|schema"):
        verify(render(replace(GERMAN, iban=spaced)), replace(GERMAN, iban=spaced))
    with pytest.raises(FileNotVerified, match="lacks the structured address"):
        verify(render(replace(SWISS, address=None)), replace(SWISS, address=None))
    nothing = render(GERMAN).replace(b">123.45<", b">0.00<")
    with pytest.raises(FileNotVerified, match="not an amount"):
        verify(nothing, replace(GERMAN, amount_minor=0))
    with pytest.raises(FileNotVerified, match="cannot be written"):
        verify(render(replace(GERMAN, name="?")), replace(GERMAN, name=" "))


def test_a_second_block_of_payments_is_refused() -> None:
    content = render(GERMAN)
    block = content[content.index(b"<PmtInf>") : content.index(b"</CstmrCdtTrfInitn>")]
    other = block.replace(GERMAN.end_to_end_id.encode(), DUTCH.end_to_end_id.encode())
    twice = content.replace(b"</CstmrCdtTrfInitn>", other + b"</CstmrCdtTrfInitn>")
    with pytest.raises(FileNotVerified, match="more than one block"):
        verify(twice, GERMAN, replace(GERMAN, end_to_end_id=DUTCH.end_to_end_id))


def test_a_payment_too_many_or_too_few_is_refused() -> None:
    with pytest.raises(FileNotVerified, match="in the file and not owed"):
        verify(render(GERMAN, SWISS), GERMAN)
    with pytest.raises(FileNotVerified, match="owed and not in the file"):
        verify(render(GERMAN), GERMAN, SWISS)


def test_an_execution_date_on_a_day_of_rest_is_refused() -> None:
    head = replace(head_of(GERMAN), execution_on=date(2026, 12, 25))
    sink = BytesIO()
    render_pain001(sink, head, [GERMAN])
    with pytest.raises(FileNotVerified, match="not a TARGET day"):
        verify(sink.getvalue(), GERMAN, execution_on=date(2026, 12, 25))


IBANS = ["NL91ABNA0417164300", "DE89370400440532013000", "CH9300762011623852957", "GB29NWBK60161331926819"]

transfers = st.builds(
    CreditTransfer,
    end_to_end_id=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=30, max_size=30).map("PO{}".format),
    amount_minor=st.integers(1, 99_999_999_999),
    name=st.text(min_size=1, max_size=140).map("A{}".format),
    iban=st.sampled_from(IBANS),
    bic=st.sampled_from([None, "ABNANL2A", "DEUTDEFF500"]),
    address=st.builds(
        Address,
        town=st.text("aäß Z", min_size=1, max_size=40).map("T{}".format),
        country=st.sampled_from(["NL", "CH", "GB"]),
        street=st.none() | st.text("aä", min_size=1, max_size=90),
    ),
)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(transfers, min_size=1, max_size=12, unique_by=lambda each: each.end_to_end_id))
def test_whatever_the_writer_writes_the_verifier_reads_back(payments: list[CreditTransfer]) -> None:
    content = render(*payments)
    assert verify(content, *payments) == Verified(len(payments), sum(each.amount_minor for each in payments))


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(transfers, min_size=1, max_size=6, unique_by=lambda each: each.end_to_end_id))
def test_sepaxml_writes_the_same_payments_and_the_same_sums(payments: list[CreditTransfer]) -> None:
    """A second opinion: another library's file carries the same ids, amounts, names and accounts, and adds up alike."""
    config = {"name": "Acme", "IBAN": DEBTOR.iban, "BIC": "ABNANL2A", "batch": True, "currency": "EUR"}
    other = SepaTransfer(config, schema="pain.001.001.09", clean=False)
    for each in payments:
        other.add_payment(
            {
                "name": sepa_name(each.name),
                "IBAN": each.iban,
                "amount": each.amount_minor,
                "execution_date": date(2026, 11, 2),
                "description": "x",
                "endtoend_id": each.end_to_end_id,
            }
        )
    ours, theirs = (etree.fromstring(content) for content in (render(*payments), other.export()))
    assert _essentials(ours) == _essentials(theirs)
    for name in ("NbOfTxs", "CtrlSum"):
        assert [each.text for each in ours.iter(f"{{*}}{name}")] == [
            each.text for each in theirs.iter(f"{{*}}{name}")
        ]


def _essentials(root: etree._Element) -> list[tuple[str | None, ...]]:
    paths = ("PmtId/{*}EndToEndId", "Amt/{*}InstdAmt", "Cdtr/{*}Nm", "CdtrAcct/{*}Id/{*}IBAN")
    return [
        tuple(payment.findtext("{*}" + path) for path in paths) for payment in root.iter("{*}CdtTrfTxInf")
    ]


def test_ten_thousand_payments_are_verified() -> None:
    many = [replace(GERMAN, end_to_end_id=f"PO{number:030d}") for number in range(10_000)]
    content = render(*many)
    assert verify(content, *many) == Verified(10_000, 10_000 * 12345)
    assert hashlib.sha256(content).hexdigest() == hashlib.sha256(render(*many)).hexdigest()
