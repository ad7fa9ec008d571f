"""The machine-readable half of a document: UN/CEFACT Cross Industry Invoice, profile EN 16931 (Factur-X 1.0).

The numbers in comments are those of EN 16931's business terms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree

from app.kernel.money import Money
from app.payouts.domain.vat import VatCategory

if TYPE_CHECKING:
    from datetime import date

    from app.payouts.domain.invoice import Invoice, Line, Party

GUIDELINE: Final = "urn:cen.eu:en16931:2017"
_NAMESPACES: Final = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
_PPM_A_PERCENT: Final = 10_000
_UNIT: Final = "C62"
_REVERSE_CHARGE: Final = "VATEX-EU-AE"


def render_cii(invoice: Invoice, *, exemption: str, terms: str, note: str = "") -> bytes:
    """The document as UTF-8 XML; the same invoice gives the same bytes.

    ``exemption`` says why there is no VAT (BT-120; unused in category S), ``terms`` how it is paid (BT-20), ``note``
    why it corrects another (BT-22).
    """
    root = etree.Element(_name("rsm:CrossIndustryInvoice"), nsmap=_NAMESPACES)
    context = _add(root, "rsm:ExchangedDocumentContext")
    _add(_add(context, "ram:GuidelineSpecifiedDocumentContextParameter"), "ram:ID", GUIDELINE)  # BT-24
    head = _add(root, "rsm:ExchangedDocument")
    _add(head, "ram:ID", invoice.number)  # BT-1
    _add(head, "ram:TypeCode", invoice.type.value)  # BT-3
    _day(_add(head, "ram:IssueDateTime"), invoice.issued_on)  # BT-2
    if note:
        _add(_add(head, "ram:IncludedNote"), "ram:Content", note)  # BT-22
    trade = _add(root, "rsm:SupplyChainTradeTransaction")
    for number, line in enumerate(invoice.lines, start=1):
        _line(trade, number, line, invoice)
    agreement = _add(trade, "ram:ApplicableHeaderTradeAgreement")
    _party(_add(agreement, "ram:SellerTradeParty"), invoice.seller)
    _party(_add(agreement, "ram:BuyerTradeParty"), invoice.buyer)
    delivered = _add(_add(trade, "ram:ApplicableHeaderTradeDelivery"), "ram:ActualDeliverySupplyChainEvent")
    _day(_add(delivered, "ram:OccurrenceDateTime"), invoice.until_on)  # BT-72
    _settlement(trade, invoice, exemption, terms)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _line(trade: etree._Element, number: int, line: Line, invoice: Invoice) -> None:
    """A price is never negative (BR-27): what is taken back has a negative quantity."""
    item = _add(trade, "ram:IncludedSupplyChainTradeLineItem")
    _add(_add(item, "ram:AssociatedDocumentLineDocument"), "ram:LineID", str(number))  # BT-126
    _add(_add(item, "ram:SpecifiedTradeProduct"), "ram:Name", line.label)  # BT-153
    price = _add(_add(item, "ram:SpecifiedLineTradeAgreement"), "ram:NetPriceProductTradePrice")
    _add(price, "ram:ChargeAmount", _amount(abs(line.net_minor), invoice))  # BT-146
    delivery = _add(item, "ram:SpecifiedLineTradeDelivery")
    _add(delivery, "ram:BilledQuantity", "1" if line.net_minor > 0 else "-1", unitCode=_UNIT)  # BT-129
    settlement = _add(item, "ram:SpecifiedLineTradeSettlement")
    tax = _add(settlement, "ram:ApplicableTradeTax")
    _add(tax, "ram:TypeCode", "VAT")
    _add(tax, "ram:CategoryCode", invoice.category.value)  # BT-151
    _add(tax, "ram:RateApplicablePercent", _percent(invoice.rate_ppm))  # BT-152
    total = _add(settlement, "ram:SpecifiedTradeSettlementLineMonetarySummation")
    _add(total, "ram:LineTotalAmount", _amount(line.net_minor, invoice))  # BT-131


def _party(node: etree._Element, party: Party) -> None:
    if party.own_id is not None:
        _add(node, "ram:ID", party.own_id)  # BT-29
    _add(node, "ram:Name", party.name)  # BT-27, BT-44
    address = _add(node, "ram:PostalTradeAddress")
    _add(address, "ram:PostcodeCode", party.postcode)
    _add(address, "ram:LineOne", party.street)
    _add(address, "ram:CityName", party.town)
    _add(address, "ram:CountryID", party.country)
    for scheme, number in (("VA", party.vat_id), ("FC", party.tax_number)):  # BT-31 or BT-48, BT-32
        if number is not None:
            _add(_add(node, "ram:SpecifiedTaxRegistration"), "ram:ID", number, schemeID=scheme)


def _settlement(trade: etree._Element, invoice: Invoice, exemption: str, terms: str) -> None:
    node = _add(trade, "ram:ApplicableHeaderTradeSettlement")
    _add(node, "ram:InvoiceCurrencyCode", invoice.currency)  # BT-5
    tax = _add(node, "ram:ApplicableTradeTax")
    _add(tax, "ram:CalculatedAmount", _amount(invoice.vat_minor, invoice))  # BT-117
    _add(tax, "ram:TypeCode", "VAT")
    if invoice.category is not VatCategory.STANDARD:
        _add(tax, "ram:ExemptionReason", exemption)  # BT-120
    _add(tax, "ram:BasisAmount", _amount(invoice.net_minor, invoice))  # BT-116
    _add(tax, "ram:CategoryCode", invoice.category.value)  # BT-118
    if invoice.category is VatCategory.REVERSE_CHARGE:
        _add(tax, "ram:ExemptionReasonCode", _REVERSE_CHARGE)  # BT-121
    _add(tax, "ram:RateApplicablePercent", _percent(invoice.rate_ppm))  # BT-119
    period = _add(node, "ram:BillingSpecifiedPeriod")
    _day(_add(period, "ram:StartDateTime"), invoice.from_on)  # BT-73
    _day(_add(period, "ram:EndDateTime"), invoice.until_on)  # BT-74
    _add(_add(node, "ram:SpecifiedTradePaymentTerms"), "ram:Description", terms)  # BT-20
    total = _add(node, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    net, gross = _amount(invoice.net_minor, invoice), _amount(invoice.gross_minor, invoice)
    _add(total, "ram:LineTotalAmount", net)  # BT-106
    _add(total, "ram:TaxBasisTotalAmount", net)  # BT-109
    _add(
        total, "ram:TaxTotalAmount", _amount(invoice.vat_minor, invoice), currencyID=invoice.currency
    )  # BT-110
    _add(total, "ram:GrandTotalAmount", gross)  # BT-112
    _add(total, "ram:DuePayableAmount", gross)  # BT-115
    if invoice.corrects is not None:
        document = _add(node, "ram:InvoiceReferencedDocument")
        _add(document, "ram:IssuerAssignedID", invoice.corrects.number)  # BT-25
        issued = _add(document, "ram:FormattedIssueDateTime")  # BT-26
        text = etree.SubElement(issued, f"{{{_QDT}}}DateTimeString", format="102", nsmap={"qdt": _QDT})
        text.text = f"{invoice.corrects.issued_on:%Y%m%d}"


_QDT: Final = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"


def _name(tag: str) -> str:
    prefix, _colon, local = tag.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


def _add(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    node = etree.SubElement(parent, _name(tag), attributes)
    node.text = text
    return node


def _day(parent: etree._Element, on: date) -> None:
    _add(parent, "udt:DateTimeString", f"{on:%Y%m%d}", format="102")


def _amount(minor: int, invoice: Invoice) -> str:
    return Money(minor, invoice.currency).decimal_string()


def _percent(rate_ppm: int) -> str:
    whole, rest = divmod(rate_ppm, _PPM_A_PERCENT)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".") if rest else str(whole)
