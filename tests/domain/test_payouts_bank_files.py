"""Reading what banks send: every version alike, hostile files refused, memory bounded."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import pytest

from app.payouts.domain.feedback import UPLOAD_BYTES, read_feedback
from app.payouts.domain.feedback_xml import BadBankFile
from app.payouts.domain.reasons import CONSEQUENCES, Consequence, consequence_of, payee_check_of
from app.payouts.domain.records import Booking, StatementBalances, Status, StatusLevel
from app.payouts.words import BankFileKind, BlockedReason, PayeeCheck

if TYPE_CHECKING:
    from app.payouts.domain.records import BankRecord

GOLDEN = Path(__file__).parent.parent / "golden"
NS = "urn:iso:std:iso:20022:tech:xsd:"


def read(content: bytes | str) -> list[BankRecord]:
    raw = content.encode() if isinstance(content, str) else content
    return list(read_feedback(BytesIO(raw)).records)


def statement(
    *entries: str, version: str = "camt.053.001.08", balances: str = "", account: str = "NL1"
) -> str:
    outer, inner = ("BkToCstmrStmt", "Stmt") if "053" in version else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    return (
        f'<?xml version="1.0"?><Document xmlns="{NS}{version}"><{outer}><{inner}><Id>S1</Id>'
        f"<Acct><Id><IBAN>{account}</IBAN></Id></Acct>{balances}{''.join(entries)}</{inner}></{outer}></Document>"
    )


def balance(kind: str, amount: str, sign: str = "CRDT", on: str = "2026-11-24") -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>"
    )


def entry(amount: str = "1.00", *, body: str = "", sign: str = "DBIT", status: str = "<Cd>BOOK</Cd>") -> str:
    return f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts>{status}</Sts>{body}</Ntry>'


def bookings(content: str) -> list[Booking]:
    return [record for record in read(content) if isinstance(record, Booking)]


def test_the_recorded_status_report_reads_as_recorded() -> None:
    feedback = read_feedback(BytesIO((GOLDEN / "pain002_two_rejections.xml").read_bytes()))
    assert feedback.kind is BankFileKind.PAIN_002
    assert list(feedback.records) == [
        Status(StatusLevel.GROUP, "PART", "R12-01"),
        Status(
            StatusLevel.TRANSACTION,
            "RJCT",
            "R12-01",
            "R12-01",
            "PO" + "B" * 30,
            "AC06",
            amount_minor=1,
            currency="EUR",
        ),
        Status(
            StatusLevel.TRANSACTION,
            "RJCT",
            "R12-01",
            "R12-01",
            "PO" + "C" * 30,
            "AC01",
            amount_minor=99_999_999_999,
            currency="EUR",
        ),
        Status(StatusLevel.PAYMENT, "PART", "R12-01", "R12-01"),
    ]


def test_the_recorded_statement_reads_as_recorded() -> None:
    feedback = read_feedback(BytesIO((GOLDEN / "camt053_one_debit.xml").read_bytes()))
    assert feedback.kind is BankFileKind.CAMT_053
    assert list(feedback.records) == [
        Booking(
            account="NL02ABNA0123456789",
            credit=False,
            booked=True,
            booked_on=date(2026, 11, 2),
            amount_minor=12345,
            currency="EUR",
            entry_ref="6789-2026-00001-0001",
            detail_ref="6789-2026-00001-0001.1",
            end_to_end_id="PO" + "A" * 30,
            message_id="R12-01",
            payment_information_id="R12-01",
            batch_count=1,
            is_return=False,
            reason_code=None,
        ),
        StatementBalances(
            account="NL02ABNA0123456789",
            currency="EUR",
            statement_id="6789-2026-00001",
            opening_minor=100_000_000,
            opening_on=date(2026, 11, 2),
            closing_minor=99_987_655,
            closing_on=date(2026, 11, 2),
        ),
    ]


@pytest.mark.parametrize(
    "version", ["camt.053.001.02", "camt.053.001.08", "camt.054.001.02", "camt.054.001.08"]
)
def test_old_and_new_versions_say_the_same(version: str) -> None:
    old = version.endswith("02")
    amount = (
        '<AmtDtls><TxAmt><Amt Ccy="EUR">1.00</Amt></TxAmt></AmtDtls>' if old else '<Amt Ccy="EUR">1.00</Amt>'
    )
    details = (
        "<BookgDt><Dt>2026-11-24</Dt></BookgDt><AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><TxDtls><Refs>"
        f"<EndToEndId>E1</EndToEndId></Refs>{amount}</TxDtls></NtryDtls>"
    )
    (booking,) = bookings(
        statement(entry(body=details, status="BOOK" if old else "<Cd>BOOK</Cd>"), version=version)
    )
    assert (booking.end_to_end_id, booking.amount_minor, booking.booked, booking.credit) == (
        "E1",
        100,
        True,
        False,
    )
    assert (booking.booked_on, booking.entry_ref, booking.account) == (date(2026, 11, 24), "B1", "NL1")


def test_parts_in_places_where_they_mean_nothing_are_passed_over() -> None:
    stray = statement(entry("1.00", body="<BookgDt/>"), balances="<Bal/>").replace(
        "</Document>", "<TxDtls/></Document>"
    )
    assert [each.booked_on for each in bookings(stray)] == [None]


def test_a_lone_detail_without_an_amount_has_its_entrys_and_two_of_them_have_none() -> None:
    lone = "<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs></TxDtls></NtryDtls>"
    assert [each.amount_minor for each in bookings(statement(entry("7.50", body=lone)))] == [750]
    two = lone.replace("</NtryDtls>", "<TxDtls><Refs><EndToEndId>E2</EndToEndId></Refs></TxDtls></NtryDtls>")
    found = bookings(statement(entry("7.50", body=two)))
    assert [(each.end_to_end_id, each.amount_minor) for each in found] == [("E1", None), ("E2", None)]


def test_an_entry_without_details_is_a_booking_of_its_batch() -> None:
    body = "<NtryDtls><Btch><MsgId>R1-01</MsgId><PmtInfId>R1-02</PmtInfId><NbOfTxs>12</NbOfTxs></Btch></NtryDtls>"
    (booking,) = bookings(statement(entry("7.50", body=body)))
    assert (booking.payment_information_id, booking.message_id, booking.batch_count) == ("R1-02", "R1-01", 12)
    assert (booking.amount_minor, booking.end_to_end_id) == (750, None)


def test_a_return_is_known_by_its_reason_its_family_or_as_a_reversal() -> None:
    reason = "<NtryDtls><TxDtls><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls>"
    own = "<NtryDtls><TxDtls><RtrInf><Rsn><Prtry>XX</Prtry></Rsn></RtrInf></TxDtls></NtryDtls>"
    family = (
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>"
    )
    bodies = (reason, own, family, "<RvslInd>true</RvslInd>", "")
    found = bookings(statement(*(entry(body=body, sign="CRDT") for body in bodies)))
    assert [(each.is_return, each.reason_code) for each in found] == [
        (True, "AC04"),
        (True, "XX"),
        (True, None),
        (True, None),
        (False, None),
    ]


def test_an_end_to_end_id_that_was_not_provided_is_none() -> None:
    body = "<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs></TxDtls></NtryDtls>"
    assert bookings(statement(entry(body=body)))[0].end_to_end_id is None


def test_a_detail_may_turn_its_entrys_sign_and_carry_a_time() -> None:
    body = (
        "<BookgDt><DtTm>2026-11-24T23:30:00+01:00</DtTm></BookgDt><NtryDtls><TxDtls><CdtDbtInd>CRDT</CdtDbtInd>"
        "</TxDtls></NtryDtls>"
    )
    (booking,) = bookings(statement(entry(body=body)))
    assert booking.credit
    assert booking.booked_on == date(2026, 11, 24)


def test_a_statement_adds_up_over_booked_entries_alone() -> None:
    pending = entry("99.00", status="<Cd>PDNG</Cd>")
    balances = balance("PRCD", "5.00", "DBIT") + balance("CLBD", "3.00", "DBIT")
    *_, closing = read(statement(entry("1.00"), entry("3.00", sign="CRDT"), pending, balances=balances))
    assert isinstance(closing, StatementBalances)
    assert (closing.opening_minor, closing.closing_minor) == (-500, -300)
    with pytest.raises(BadBankFile, match="does not add up"):
        read(statement(entry("1.00"), balances=balance("OPBD", "5.00") + balance("CLBD", "5.00")))


def test_a_statement_without_both_balances_is_read_without_them() -> None:
    records = read(statement(entry("1.00"), balances=balance("OPBD", "5.00")))
    assert [type(record) for record in records] == [Booking]


def summary(*totals: tuple[str, str, str]) -> str:
    return (
        "<TxsSummry>"
        + "".join(
            f"<{name}><NbOfNtries>{count}</NbOfNtries><Sum>{worth}</Sum></{name}>"
            for name, count, worth in totals
        )
        + "</TxsSummry>"
    )


def test_a_statement_holds_the_entries_that_its_own_summary_counts_and_adds_up() -> None:
    entries = (entry("1.00"), entry("2.50"), entry("4.00", sign="CRDT"))
    right = summary(
        ("TtlNtries", "3", "7.50"), ("TtlCdtNtries", "1", "4.00"), ("TtlDbtNtries", "0002", "3.5")
    )
    assert len(read(statement(*entries, balances=right))) == 3
    assert len(read(statement(balances=summary(("TtlNtries", "0", "0"))))) == 0
    for wrong, refusal in (
        (("TtlNtries", "4", "7.50"), "announces 4 entries"),
        (("TtlDbtNtries", "two", "3.50"), "announces two entries"),
        (("TtlDbtNtries", "2", "3.51"), "not worth 3.51"),
        (("TtlCdtNtries", "1", "much"), "not an amount"),
    ):
        with pytest.raises(BadBankFile, match=refusal):
            read(statement(*entries, balances=summary(wrong)))


def test_the_same_names_elsewhere_and_comments_mean_nothing() -> None:
    deeper = statement(entry("1.00", body="<!-- why --><Other><Ntry/><TxDtls><Refs/></TxDtls></Other>"))
    assert [each.amount_minor for each in bookings(deeper)] == [100]
    between = statement(entry("1.00"), "<Junk>y</Junk> <Junk/>", entry("2.00"), "<Junk/>")
    assert [each.amount_minor for each in bookings(between)] == [100, 200]
    blocks = (
        "<NtryDtls><Btch><PmtInfId>P</PmtInfId></Btch></NtryDtls>"
        "<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs></TxDtls></NtryDtls>"
    )
    (found,) = bookings(statement(entry("3.00", body=blocks)))
    assert (found.payment_information_id, found.end_to_end_id, found.amount_minor) == ("P", "E1", 300)
    assert [
        each.account
        for each in bookings(statement(entry()).replace("<Acct>", "<Acc>").replace("</Acct>", "</Acc>"))
    ] == [None]


def payee_report(*transactions: str, version: str = "10") -> str:
    return (
        f'<Document xmlns="{NS}pain.002.001.{version}"><CstmrPmtStsRpt><OrgnlGrpInfAndSts>'
        "<OrgnlMsgId>R1-01</OrgnlMsgId><GrpSts>RCVC</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>R1-01</OrgnlPmtInfId>"
        + "".join(
            f"<TxInfAndSts><OrgnlEndToEndId>E{number}</OrgnlEndToEndId>{each}</TxInfAndSts>"
            for number, each in enumerate(transactions)
        )
        + "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    )


@pytest.mark.parametrize("version", ["10", "14"])
def test_answers_about_the_payee_are_read_with_the_name_that_the_bank_proposes(version: str) -> None:
    long_name = "A" * 105, "B" * 45
    report = payee_report(
        "<TxSts>RCVC</TxSts>",
        "<TxSts>RVMC</TxSts><StsRsnInf><AddtlInf>Jane  Doe</AddtlInf></StsRsnInf>",
        f"<TxSts>RVMC</TxSts><StsRsnInf><AddtlInf>{long_name[0]}</AddtlInf><AddtlInf>{long_name[1]}</AddtlInf></StsRsnInf>",
        "<TxSts>RVNM</TxSts>",
        "<TxSts>PDNG</TxSts><StsRsnInf><Rsn><Prtry>RVNA</Prtry></Rsn></StsRsnInf>",
        "<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>closed</AddtlInf></StsRsnInf>",
        version=version,
    )
    found = [each for each in read(report) if isinstance(each, Status) and each.end_to_end_id]
    assert [payee_check_of(each.status, each.reason_code) for each in found] == [
        PayeeCheck.MATCH,
        PayeeCheck.CLOSE_MATCH,
        PayeeCheck.CLOSE_MATCH,
        PayeeCheck.NO_MATCH,
        PayeeCheck.NOT_POSSIBLE,
        None,
    ]
    assert [each.payee_name for each in found] == [None, "Jane Doe", "A" * 105 + "B" * 35, None, None, None]


def test_a_rejection_after_a_payee_check_is_a_rejection() -> None:
    assert payee_check_of("RJCT", "RVNM") is None
    assert payee_check_of("ACTC", "RVNM") is PayeeCheck.NO_MATCH
    assert payee_check_of(None, None) is None


def test_every_reason_leads_to_what_the_field_learned() -> None:
    by_consequence = {
        wanted: {code for code, found in CONSEQUENCES.items() if found is wanted} for wanted in Consequence
    }
    assert by_consequence == {
        Consequence.BLOCK_ACCOUNT: {"AC01", "AC04", "AC06", "AG01", "RC01", "RVNM"},
        Consequence.ASK: {"AM05"},
        Consequence.FREEZE_REFERRER: {"MD07"},
        Consequence.FIX_DATA: {"BE04", "RR01", "RR02", "RR03", "RR04"},
        Consequence.NONE: set(),
    }
    assert {reason.value for reason in BlockedReason} - {"staff"} == by_consequence[Consequence.BLOCK_ACCOUNT]
    assert consequence_of("MS03") is consequence_of(None) is Consequence.NONE


def test_group_and_block_reasons_hold_for_payments_without_their_own() -> None:
    report = (
        f'<Document xmlns="{NS}pain.002.001.03"><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>R1-01</OrgnlMsgId>'
        "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts>"
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts>"
        "<StsRsnInf><Rsn><Prtry>DT01</Prtry></Rsn></StsRsnInf>"
        "<TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts>"
        "<TxInfAndSts><OrgnlEndToEndId>E2</OrgnlEndToEndId></TxInfAndSts></OrgnlPmtInfAndSts>"
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>P2</OrgnlPmtInfId></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    )
    found = [record for record in read(report) if isinstance(record, Status)]
    assert [(each.level.value, each.reason_code, each.inherited) for each in found] == [
        ("group", "FF01", False),
        ("transaction", "DT01", True),
        ("payment", "DT01", False),
    ]


UTF_7 = (
    b"<?xml version='1.0' encoding='UTF-7'?>+ADw-+ACE-DOCTYPE+ACA-Document+AD4-"
    b"+ADw-Document+ACA-xmlns+AD0-+ACI-urn+ADo-x+ACI-+AC8-+AD4-"
)
"""A document type that no search for its bytes finds."""

BOMB = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", "empty"),
        (b"   ", "not a pain.002"),
        (b"MT940: :20:STARTUMS", "not XML"),
        (b"%PDF-1.7", "not XML"),
        (b"\x00\x01\x02", "not a pain.002|not XML"),
        (b"<html><body/></html>", "not a pain.002"),
        (b"<Stmt/>", "not a pain.002"),
        (UTF_7, "DTD"),
        (b"<Document/>", "namespace"),
        (b'<Document xmlns="urn:evil"/>', "urn:evil"),
        (f'<Document xmlns="{NS}pain.001.001.09"/>', "pain.001.001.09"),
        (f'<Document xmlns="{NS}camt.053.001.99"/>', "namespace"),
        (f'<Document xmlns="{NS}camt.053.001.08"/>', "no statement"),
        (f'<Document xmlns="{NS}pain.002.001.03"/>', "no status"),
        (statement(entry("1.00"))[:-30], "truncated"),
        (statement(entry("1.00")).replace("</Ntry>", "</Nrty>"), "line 1"),
        (BOMB + statement(entry("1.00")).partition("?>")[2], "DTD"),
        ((BOMB + f'<Document xmlns="{NS}camt.053.001.08">&b;</Document>').encode("utf-16"), "DTD|not XML"),
        (statement(entry("one")), "not an amount"),
        (statement(entry("1.005")), "smallest unit"),
        (statement(entry("1e99")), "smallest unit"),
        (statement(entry("NaN")), "not an amount"),
        (statement(entry("-1.00")), "smallest unit"),
        (statement(entry("1.00").replace("EUR", "EURO")), "not an amount"),
        (statement("<Ntry><CdtDbtInd>DBIT</CdtDbtInd></Ntry>"), "no amount"),
        (statement(entry(sign="BOTH")), "neither a debit"),
        (statement(entry(body="<BookgDt><Dt>yesterday</Dt></BookgDt>")), "not a date"),
    ],
)
def test_a_file_that_is_no_bank_file_is_refused_in_one_clear_line(content: bytes | str, refusal: str) -> None:
    with pytest.raises(BadBankFile, match=refusal) as caught:
        read(content)
    assert "\n" not in caught.value.detail
    assert len(caught.value.detail) < 250


class Endless:
    """A large file that is never in memory: its head, then the same again and again, then its tail."""

    def __init__(self, head: str, again: str, size: int, tail: str = "") -> None:
        self.left, self.again, self.buffer, self.tail = size, again.encode(), head.encode(), tail.encode()

    def read(self, count: int) -> bytes:
        while len(self.buffer) < count and self.left > 0:
            self.buffer += self.again
            self.left -= len(self.again)
        if self.left <= 0:
            self.buffer, self.tail = self.buffer + self.tail, b""
        chunk, self.buffer = self.buffer[:count], self.buffer[count:]
        return chunk


def consume(source: IO[bytes], limit: int | None = None) -> int:
    return sum(1 for _ in read_feedback(source, limit=limit).records)


@pytest.mark.parametrize("junk", ["<x>y</x>", "<Bal/>", "<!-- nothing -->", " ", "y"])
def test_a_gigabyte_of_junk_is_refused_at_once(junk: str) -> None:
    head = statement().partition("</Stmt>")[0]
    source = Endless(head, junk * 100, 2**30)
    with pytest.raises(BadBankFile, match=r"no bank record|not well-formed"):
        consume(cast("IO[bytes]", source))
    assert source.left > 2**30 - 2 * 2**20


def test_a_gigabyte_of_entries_is_refused_at_its_limit() -> None:
    with pytest.raises(BadBankFile, match="larger than 128 MiB"):
        consume(hostile_file("entries", 2**30), UPLOAD_BYTES)


MEASURED = """
import sys
from tests.domain.test_payouts_bank_files import consume, hostile_file, megabytes
before = megabytes("VmRSS")
for kind in sys.argv[1:]:
    print(consume(hostile_file(kind, 50 * 2**20)), megabytes("VmHWM") - before)
"""
"""In a process of its own, because the parser's memory is not Python's."""

KINDS = [
    "entries",
    "elements between entries",
    "elements between details",
    "text between entries",
    "statements",
]


def megabytes(line: str) -> int:
    """What the kernel says of this process's memory."""
    (found,) = (each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith(line))
    return int(found.split()[1]) // 1024


def hostile_file(kind: str, size: int) -> IO[bytes]:
    """A well-formed statement in which nothing but the reader's own care keeps memory bounded."""
    head, _, tail = statement().partition("</Stmt>")
    filling = "<x>" + "y" * 20_000 + "</x>"
    detail = "<NtryDtls><TxDtls><Refs><EndToEndId>E</EndToEndId></Refs></TxDtls></NtryDtls>"
    again = {
        "entries": entry("1.00", body=filling + detail),
        "elements between entries": filling + entry(),
        "elements between details": entry(body=f"<NtryDtls>{filling}<TxDtls/></NtryDtls>" * 9),
        "text between entries": "y" * 60_000 + entry(),
        "statements": f"</Stmt><Stmt><Id>S</Id>{filling}{entry()}",
    }[kind]
    return cast("IO[bytes]", Endless(head, again, size, f"</Stmt>{tail}"))


def test_fifty_megabytes_of_whatever_are_read_in_little_memory() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", MEASURED, *KINDS], check=False, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr[-600:]
    for kind, line in zip(KINDS, ended.stdout.splitlines(), strict=True):
        read, grown = map(int, line.split())
        assert read > 500, kind
        assert grown < 25, kind


def test_an_endless_text_is_refused() -> None:
    with pytest.raises(BadBankFile):
        consume(cast("IO[bytes]", Endless("<Document>", "y" * 1000, 2**30)))
