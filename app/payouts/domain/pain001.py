"""The payout file: ISO 20022 pain.001.001.09 (CustomerCreditTransferInitiationV09), written as a stream.

The same payments give the same bytes. Memory does not grow with their number. The writer promises nothing
about its own correctness: :mod:`app.payouts.domain.verify` reads the finished bytes and compares them with
what was owed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from lxml import etree

from app.payouts.domain.iban import EEA, country_of
from app.payouts.domain.sepa_text import sepa_name, sepa_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from lxml.etree._serializer import _IncrementalFileWriter as Xml

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CURRENCY: Final = "EUR"
"""SEPA credit transfers are in euros only."""

MAX_MINOR: Final = 99_999_999_999
"""The largest amount of one SEPA credit transfer, 999,999,999.99."""

_ID: Final = re.compile(r"(?!/)[A-Za-z0-9+?/\-:().,' ]{1,35}(?<!/)", re.ASCII)
_REMITTANCE_LENGTH: Final = 140


class BadPaymentId(ValueError):
    """A message or end-to-end id that banks would refuse. Always a defect: ids are made by the service."""


class TotalsDiffer(ValueError):
    """More, fewer or other payments came than the head of the file announced. Always a defect of the
    caller.
    """


@dataclass(frozen=True, slots=True)
class Address:
    """A creditor's structured address; needed for accounts outside the EEA. ``town`` and ``country`` are
    required.
    """

    town: str
    country: str
    street: str | None = None
    building: str | None = None
    postcode: str | None = None


@dataclass(frozen=True, slots=True)
class Debtor:
    """The merchant whose account pays."""

    name: str
    iban: str
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class CreditTransfer:
    """One payment. ``iban`` is normalised; ``name`` is as the referrer wrote it; ``amount_minor`` is in
    cents.
    """

    end_to_end_id: str
    amount_minor: int
    name: str
    iban: str
    bic: str | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class FileHead:
    """What a file says before its first payment. ``count`` and ``control_sum_minor``
    announce the payments.
    """

    message_id: str
    created_at: datetime
    execution_on: date
    debtor: Debtor
    count: int
    control_sum_minor: int
    remittance: str
    batch_booking: bool = True
    instant: bool = False


def is_payment_id(text: str) -> bool:
    """1 to 35 characters of the SEPA set, no slash at either end, no two slashes in a row (EPC115-06)."""
    return _ID.fullmatch(text) is not None and "//" not in text


def render_pain001(sink: IO[bytes], head: FileHead, transfers: Iterable[CreditTransfer]) -> None:
    """Write the file to ``sink``. Raises :class:`BadPaymentId`, :class:`TotalsDiffer`."""
    _require_id(head.message_id)
    with etree.xmlfile(sink, encoding="UTF-8") as xml:
        xml.write_declaration()
        with xml.element("Document", nsmap={None: NAMESPACE}), xml.element("CstmrCdtTrfInitn"):
            _write_group_header(xml, head)
            with xml.element("PmtInf"):
                _write_payment_head(xml, head)
                _write_transfers(xml, head, transfers)


def _require_id(text: str) -> str:
    if not is_payment_id(text):
        raise BadPaymentId(text)
    return text


def _leaf(xml: Xml, name: str, text: str) -> None:
    with xml.element(name):
        xml.write(text)


def _amount(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _write_group_header(xml: Xml, head: FileHead) -> None:
    with xml.element("GrpHdr"):
        _leaf(xml, "MsgId", head.message_id)
        _leaf(xml, "CreDtTm", f"{head.created_at:%Y-%m-%dT%H:%M:%S}Z")
        _leaf(xml, "NbOfTxs", str(head.count))
        _leaf(xml, "CtrlSum", _amount(head.control_sum_minor))
        with xml.element("InitgPty"):
            _leaf(xml, "Nm", sepa_name(head.debtor.name))


def _write_payment_head(xml: Xml, head: FileHead) -> None:
    _leaf(xml, "PmtInfId", head.message_id)
    _leaf(xml, "PmtMtd", "TRF")
    _leaf(xml, "BtchBookg", "true" if head.batch_booking else "false")
    _leaf(xml, "NbOfTxs", str(head.count))
    _leaf(xml, "CtrlSum", _amount(head.control_sum_minor))
    with xml.element("PmtTpInf"):
        with xml.element("SvcLvl"):
            _leaf(xml, "Cd", "SEPA")
        if head.instant:
            with xml.element("LclInstrm"):
                _leaf(xml, "Cd", "INST")
    with xml.element("ReqdExctnDt"):
        _leaf(xml, "Dt", head.execution_on.isoformat())
    with xml.element("Dbtr"):
        _leaf(xml, "Nm", sepa_name(head.debtor.name))
    with xml.element("DbtrAcct"):
        with xml.element("Id"):
            _leaf(xml, "IBAN", head.debtor.iban)
        _leaf(xml, "Ccy", CURRENCY)
    with xml.element("DbtrAgt"), xml.element("FinInstnId"):
        if head.debtor.bic:
            _leaf(xml, "BICFI", head.debtor.bic)
        else:
            with xml.element("Othr"):
                _leaf(xml, "Id", "NOTPROVIDED")
    _leaf(xml, "ChrgBr", "SLEV")


def _write_transfers(xml: Xml, head: FileHead, transfers: Iterable[CreditTransfer]) -> None:
    count = total = 0
    remittance = sepa_text(head.remittance, _REMITTANCE_LENGTH)
    for transfer in transfers:
        _write_transfer(xml, transfer, remittance)
        count += 1
        total += transfer.amount_minor
    if (count, total) != (head.count, head.control_sum_minor):
        raise TotalsDiffer(f"{head.message_id}: announced {head.count} payments, wrote {count}")


def _write_transfer(xml: Xml, transfer: CreditTransfer, remittance: str) -> None:
    if not 1 <= transfer.amount_minor <= MAX_MINOR:
        raise TotalsDiffer(f"{transfer.end_to_end_id}: an amount that no bank file may carry")
    with xml.element("CdtTrfTxInf"):
        with xml.element("PmtId"):
            _leaf(xml, "EndToEndId", _require_id(transfer.end_to_end_id))
        with xml.element("Amt"), xml.element("InstdAmt", Ccy=CURRENCY):
            xml.write(_amount(transfer.amount_minor))
        if transfer.bic:
            with xml.element("CdtrAgt"), xml.element("FinInstnId"):
                _leaf(xml, "BICFI", transfer.bic)
        with xml.element("Cdtr"):
            _leaf(xml, "Nm", sepa_name(transfer.name))
            _write_address(xml, transfer)
        with xml.element("CdtrAcct"), xml.element("Id"):
            _leaf(xml, "IBAN", transfer.iban)
        with xml.element("RmtInf"):
            _leaf(xml, "Ustrd", remittance)


def _address_parts(address: Address) -> Iterator[tuple[str, str]]:
    yield "StrtNm", sepa_text(address.street or "", 70)
    yield "BldgNb", sepa_text(address.building or "", 16)
    yield "PstCd", sepa_text(address.postcode or "", 16)
    yield "TwnNm", sepa_text(address.town, 35)
    yield "Ctry", address.country


def _write_address(xml: Xml, transfer: CreditTransfer) -> None:
    """Nothing for accounts in the EEA; elsewhere the structured address, never address lines."""
    if country_of(transfer.iban) in EEA or transfer.address is None:
        return
    with xml.element("PstlAdr"):
        for name, text in _address_parts(transfer.address):
            if text:
                _leaf(xml, name, text)
