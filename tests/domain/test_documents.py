"""VAT, what a document shows, its XML, and a statement's sums: the rules, without a database."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from app.payouts.domain.cii import render_cii
from app.payouts.domain.invoice import CorrectionReason, DocumentType, Invoice, Line, Party, Reference
from app.payouts.domain.invoicing import Source, plan_documents, shown_lines
from app.payouts.domain.statement import Movement, Owed, Statement, StatementDoesNotAddUp, StatementLine
from app.payouts.domain.vat import (
    EU,
    BadSmallBusinessNumber,
    OutsideTheUnion,
    Standing,
    TaxStatus,
    TaxWait,
    Treatment,
    VatCategory,
    require_small_business_number,
    standard_rate,
    treat,
    vat_of,
)

if TYPE_CHECKING:
    from typing import Any

TODAY = date(2026, 11, 22)


def test_the_standard_rate_is_that_of_the_day() -> None:
    assert len(EU) == 27
    assert (standard_rate("NL", TODAY), standard_rate("DE", TODAY)) == (210_000, 190_000)
    assert standard_rate("DE", date(2020, 6, 30)) == 190_000
    assert standard_rate("DE", date(2020, 7, 1)) == 160_000
    assert standard_rate("DE", date(2021, 1, 1)) == 190_000
    assert standard_rate("FI", TODAY) == 255_000
    with pytest.raises(OutsideTheUnion):
        standard_rate("CH", TODAY)
    with pytest.raises(ValueError, match="not known"):
        standard_rate("DE", date(1999, 1, 1))


@given(st.integers(-(10**12), 10**12), st.sampled_from([0, 160_000, 190_000, 210_000, 255_000]))
def test_vat_is_rounded_once_and_alike_for_what_is_given_and_taken_back(net: int, rate: int) -> None:
    assert vat_of(-net, rate) == -vat_of(net, rate)
    assert abs(vat_of(net, rate) * 1_000_000 - net * rate) <= 500_000


def standing(status: TaxStatus = TaxStatus.BUSINESS, country: str = "NL", **facts: Any) -> Standing:
    wanted = {"has_vat_id": True, "has_small_business_id": False, "agreed": True, "vat_id_valid": True}
    return Standing(status, country, **{**wanted, **facts})


SMALL = TaxStatus.SMALL_BUSINESS


@pytest.mark.parametrize(
    ("who", "buyer", "expected"),
    [
        (standing(), "NL", Treatment(VatCategory.STANDARD, 210_000)),
        (standing(country="DE"), "DE", Treatment(VatCategory.STANDARD, 190_000)),
        (standing(country="DE"), "NL", Treatment(VatCategory.REVERSE_CHARGE, 0)),
        (standing(SMALL, has_vat_id=False, vat_id_valid=None), "NL", Treatment(VatCategory.EXEMPT, 0)),
        (standing(SMALL, "DE"), "NL", Treatment(VatCategory.REVERSE_CHARGE, 0)),
        (standing(SMALL, "DE", has_small_business_id=True), "NL", Treatment(VatCategory.EXEMPT, 0)),
        (standing(SMALL, "DE", has_vat_id=False), "NL", TaxWait.VAT_ID_MISSING),
        (standing(TaxStatus.PRIVATE, agreed=False), None, None),
        (standing(), None, TaxWait.NO_MERCHANT),
        (standing(agreed=False), "NL", TaxWait.NO_AGREEMENT),
        (standing(SMALL, agreed=False), "NL", TaxWait.NO_AGREEMENT),
        (standing(vat_id_valid=None), "NL", TaxWait.VAT_ID_UNCHECKED),
        (standing(vat_id_valid=False), "NL", TaxWait.VAT_ID_INVALID),
    ],
)
def test_vat_depends_on_who_sells_and_who_buys(
    who: Standing, buyer: str | None, expected: Treatment | TaxWait | None
) -> None:
    assert treat(who, buyer, TODAY) == expected


def test_a_small_business_number_ends_in_ex() -> None:
    assert require_small_business_number(" de 123456789-ex ") == "DE123456789-EX"
    with pytest.raises(BadSmallBusinessNumber):
        require_small_business_number("DE123456789")


def test_what_was_taken_from_an_invoiced_commission_corrects_its_invoice_and_nothing_else() -> None:
    earned = Source(1, 8000, 10, "Web")
    taken = Source(2, -3000, 11, "Web")
    unknown = Source(3, -500, 12, "Web")
    even = (Source(4, 700, 13, "Mail"), Source(5, -700, 13, "Mail"))
    gift = Source(6, 200, None, "@adjustment")
    forgiven = Source(7, 900, None, "", pays_a_debt=True)
    plan = plan_documents([earned, taken, unknown, *even, gift, forgiven], {11: 77})
    assert (plan.invoice, plan.corrections, plan.waiting) == ((earned, gift), {77: (taken,)}, ())
    assert plan.net_minor == 8200


def test_what_does_not_come_to_more_than_zero_waits_for_a_later_invoice() -> None:
    less = Source(1, -8000, None, "@adjustment")
    earned = Source(2, 3000, 10, "Web")
    plan = plan_documents([less, earned], {})
    assert (plan.invoice, plan.waiting, plan.net_minor) == ((), (less, earned), 0)


def test_a_document_has_one_line_a_product() -> None:
    lines = shown_lines(
        [
            Source(1, 500, 1, "Web"),
            Source(2, 300, 2, "Mail"),
            Source(3, -500, 1, "Web"),
            Source(4, 1, 3, "Mail"),
        ]
    )
    assert [(line.label, line.count, line.net_minor) for line in lines] == [("Mail", 2, 301)]


SELLER = Party("Ada", "Gracht 2", "1012 CD", "Utrecht", "NL", tax_number="1", own_id="1")
BUYER = Party("Höst B.V.", "Kade 1", "1011 AB", "Amsterdam", "NL", "NL002342672B42")


def invoice(category: VatCategory = VatCategory.STANDARD, **more: Any) -> Invoice:
    facts: dict[str, Any] = {
        "number": "H-1",
        "type": DocumentType.SELF_BILLED,
        "language": "en",
        "issued_on": TODAY,
        "from_on": TODAY,
        "until_on": TODAY,
        "currency": "EUR",
        "seller": SELLER,
        "buyer": BUYER,
        "category": category,
        "rate_ppm": 255_000,
        "net_minor": 1000,
        "vat_minor": 255,
        "lines": (Line("Web", 1, 1000),),
        "program": "Hosting",
    }
    return Invoice(**{**facts, **more})


def test_a_document_that_does_not_add_up_or_corrects_nothing_is_refused() -> None:
    assert invoice().gross_minor == 1255
    with pytest.raises(ValueError, match="add up"):
        invoice(net_minor=999)
    with pytest.raises(ValueError, match="corrects"):
        invoice(type=DocumentType.CORRECTED)


@pytest.mark.parametrize("category", VatCategory)
def test_the_snapshot_reads_back_and_the_xml_says_what_it_says(category: VatCategory) -> None:
    correction = invoice(
        category,
        type=DocumentType.CORRECTED,
        net_minor=-1000,
        vat_minor=-255,
        lines=(Line("Web", 1, -1000),),
        corrects=Reference("H-0", TODAY),
        reason=CorrectionReason.REFUND,
    )
    assert Invoice.from_json(correction.as_json()) == correction
    assert Invoice.from_json(invoice(category).as_json()) == invoice(category)
    xml = etree.fromstring(render_cii(correction, exemption="because", terms="soon", note="why"))
    assert xml.findtext(".//{*}TypeCode") == "384"
    assert xml.findtext(".//{*}IncludedNote/{*}Content") == "why"
    assert xml.findtext(".//{*}RateApplicablePercent") == "25.5"
    assert xml.findtext(".//{*}BilledQuantity") == "-1"
    assert xml.findtext(".//{*}GrandTotalAmount") == "-12.55"
    assert xml.findtext(".//{*}InvoiceReferencedDocument/{*}IssuerAssignedID") == "H-0"
    assert (xml.findtext(".//{*}ExemptionReason") == "because") is (category is not VatCategory.STANDARD)
    plain = etree.fromstring(render_cii(invoice(category, rate_ppm=0), exemption="", terms="soon"))
    assert plain.findtext(".//{*}RateApplicablePercent") == "0"
    assert plain.find(".//{*}IncludedNote") is None


def test_a_statement_whose_movements_do_not_lead_to_its_closing_is_refused() -> None:
    def statement(closing: Owed) -> Statement:
        lines = (
            StatementLine(TODAY, Movement.COMMISSION, 500),
            StatementLine(TODAY, Movement.HELD, 200),
            StatementLine(TODAY, Movement.PAID, -300),
        )
        return Statement("Hosting", "Ada", "ada", "EUR", TODAY, TODAY, Owed(100), closing, lines)

    found = statement(Owed(payable_minor=50, held_minor=200, in_flight_minor=50))
    assert found.closing.total_minor == 300
    with pytest.raises(StatementDoesNotAddUp):
        statement(Owed(301))
