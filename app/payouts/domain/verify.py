"""The second opinion on a payout file: reads the finished bytes and compares them with what was owed.

It adds up by itself and takes no total from the writer: the schema alone accepts a wrong control sum, a
wrong count, three decimals and names that banks refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Final

from lxml import etree

from app.kernel.errors import Conflict
from app.kernel.target_days import is_target_day
from app.payouts.domain.iban import EEA
from app.payouts.domain.sepa_text import sepa_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

SCHEMA: Final = Path(__file__).parent.parent / "schemas" / "pain.001.001.09.xsd"

_NS: Final = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
_NAME: Final = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]{1,70}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]{1,35}", re.ASCII)
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_LETTERS: Final = {ord(letter): str(number) for number, letter in enumerate(ascii_uppercase, start=10)}
_AMOUNT: Final = re.compile(r"([0-9]{1,9})\.([0-9]{2})", re.ASCII)
_SUM: Final = re.compile(r"([0-9]{1,16})\.([0-9]{2})", re.ASCII)


class FileNotVerified(Conflict):
    """The bytes are not a file that pays what is owed. They are not stored and nothing is sent."""

    title = "Payout file refused"


@dataclass(frozen=True, slots=True)
class ExpectedPayment:
    """One payment that is owed, from the database. ``name`` is as the account holder wrote it."""

    end_to_end_id: str
    iban: str
    name: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """What the head must say."""

    message_id: str
    debtor_name: str
    debtor_iban: str
    execution_on: date


@dataclass(frozen=True, slots=True)
class Verified:
    """What the verifier counted by itself."""

    count: int
    control_sum_minor: int


@dataclass(slots=True)
class _Tally:
    count: int = 0
    total_minor: int = 0
    blocks: int = 0


def verify_pain001(content: bytes, head: ExpectedFile, payments: Iterable[ExpectedPayment]) -> Verified:
    """Check ``content`` against the XSD and against what is owed, in the order it is owed.

    Raises :class:`FileNotVerified` with the first difference: schema, control sums and counts at both
    levels, ids and their uniqueness, IBANs and their check digits, names, amounts, currency, debtor,
    execution date.
    """
    expected = iter(payments)
    whole, block, seen = _Tally(), _Tally(), set[str]()
    group: dict[str, str] = {}
    for element in _elements(content):
        match etree.QName(element).localname:
            case "GrpHdr":
                group = _group(element, head)
            case "CdtTrfTxInf":
                amount = _check_payment(element, next(expected, None), seen)
                for tally in (whole, block):
                    tally.count += 1
                    tally.total_minor += amount
            case _:
                _check_block(element, head, block)
                block, whole.blocks = _Tally(), whole.blocks + 1
        _forget(element)
    missing = next(expected, None)
    if missing is not None:
        raise FileNotVerified(f"{missing.end_to_end_id} is owed and not in the file")
    _check_totals("group header", group.get("NbOfTxs"), group.get("CtrlSum"), whole)
    return Verified(whole.count, whole.total_minor)


def _elements(content: bytes) -> Iterator[etree._Element]:
    """The parts that are checked, as the parser completes them, validated by the XSD on the way."""
    if b"<!DOCTYPE" in content:
        raise FileNotVerified("a payout file has no document type")
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    tags = [f"{_NS}{name}" for name in ("GrpHdr", "CdtTrfTxInf", "PmtInf")]
    try:
        # Not with resolve_entities=False: together with a schema lxml 6.1 then swallows the syntax error of a
        # truncated file. Without a document type there are no entities to resolve.
        for _, element in etree.iterparse(
            BytesIO(content), events=("end",), tag=tags, schema=schema, no_network=True
        ):
            yield element
    except etree.XMLSyntaxError as error:
        raise FileNotVerified(f"the file breaks the schema pain.001.001.09: {error.msg}") from error


def _forget(element: etree._Element) -> None:
    """Free what was checked, so that memory does not grow with the file."""
    parent = element.getparent()
    if etree.QName(element).localname == "CdtTrfTxInf" and parent is not None:
        parent.remove(element)


def _text(element: etree._Element, path: str) -> str:
    """The text at a path of local names; empty where there is none."""
    return element.findtext("/".join(_NS + name for name in path.split("/"))) or ""


def _group(element: etree._Element, head: ExpectedFile) -> dict[str, str]:
    _equal("message id", _text(element, "MsgId"), head.message_id)
    return {name: _text(element, name) for name in ("NbOfTxs", "CtrlSum")}


def _check_block(element: etree._Element, head: ExpectedFile, tally: _Tally) -> None:
    _equal("payment information id", _text(element, "PmtInfId"), head.message_id)
    _equal("payment method", _text(element, "PmtMtd"), "TRF")
    _equal("service level", _text(element, "PmtTpInf/SvcLvl/Cd"), "SEPA")
    _equal("charge bearer", _text(element, "ChrgBr"), "SLEV")
    _equal("debtor", _text(element, "Dbtr/Nm"), sepa_name(head.debtor_name))
    _equal("debtor account", _iban(_text(element, "DbtrAcct/Id/IBAN")), head.debtor_iban)
    _equal("execution date", _text(element, "ReqdExctnDt/Dt"), head.execution_on.isoformat())
    if not is_target_day(head.execution_on):
        raise FileNotVerified(f"the execution date {head.execution_on} is not a TARGET day")
    _check_totals("payment information", _text(element, "NbOfTxs"), _text(element, "CtrlSum"), tally)


def _check_totals(where: str, count: str | None, control_sum: str | None, tally: _Tally) -> None:
    if count != str(tally.count):
        raise FileNotVerified(f"the {where} says {count} payments, the file has {tally.count}")
    if _minor(control_sum or "", _SUM) != tally.total_minor:
        raise FileNotVerified(f"the control sum of the {where} is not the sum of the payments")


def _check_payment(element: etree._Element, expected: ExpectedPayment | None, seen: set[str]) -> int:
    """One payment against the one that is owed; its amount in minor units."""
    end_to_end_id = _text(element, "PmtId/EndToEndId")
    if _ID.fullmatch(end_to_end_id) is None or end_to_end_id in seen:
        raise FileNotVerified(f"the end-to-end id {end_to_end_id!r} is malformed or repeated")
    seen.add(end_to_end_id)
    if expected is None:
        raise FileNotVerified(f"{end_to_end_id} is in the file and not owed")
    _equal("end-to-end id", end_to_end_id, expected.end_to_end_id)
    _equal(f"IBAN of {end_to_end_id}", _iban(_text(element, "CdtrAcct/Id/IBAN")), expected.iban)
    name = _text(element, "Cdtr/Nm")
    if _NAME.fullmatch(name) is None or name != sepa_name(expected.name):
        raise FileNotVerified(f"the name of {end_to_end_id} is not the account holder's in SEPA characters")
    _check_address(element, end_to_end_id, expected.iban)
    amount = element.find(f"{_NS}Amt/{_NS}InstdAmt")
    if amount is None or amount.get("Ccy") != "EUR":
        raise FileNotVerified(f"{end_to_end_id} is not in euros")
    minor = _minor(amount.text or "", _AMOUNT)
    if minor != expected.amount_minor or minor <= 0:
        raise FileNotVerified(f"the amount of {end_to_end_id} is not what is owed")
    return minor


def _check_address(element: etree._Element, end_to_end_id: str, iban: str) -> None:
    address = element.find(f"{_NS}Cdtr/{_NS}PstlAdr")
    if iban[:2] in EEA:
        if address is not None:
            raise FileNotVerified(f"{end_to_end_id} carries an address that its account does not need")
    elif address is None or not _text(address, "TwnNm") or not _text(address, "Ctry"):
        raise FileNotVerified(f"{end_to_end_id} lacks the structured address that its account needs")


def _iban(text: str) -> str:
    """The IBAN, once its check digits (ISO 7064 MOD 97-10) are reckoned anew."""
    if _IBAN.fullmatch(text) is None:
        raise FileNotVerified("an IBAN in the file is not in its plain form")
    remainder = int((text[4:] + text[:2] + "00").translate(_LETTERS)) % 97
    if text[2:4] != f"{98 - remainder:02d}":
        raise FileNotVerified("an IBAN in the file has wrong check digits")
    return text


def _minor(text: str, form: re.Pattern[str]) -> int:
    match = form.fullmatch(text)
    if match is None:
        raise FileNotVerified(f"{text!r} is not an amount with two decimals")
    return int(match[1]) * 100 + int(match[2])


def _equal(what: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise FileNotVerified(f"the {what} in the file is not the one that was approved")
