"""The second opinion on a payout file: reads the finished bytes and compares them with what was owed.

It adds up by itself and takes no total and no text from the writer: the schema alone accepts a wrong control sum, a
wrong count, three decimals and names that banks refuse. Every element of the file has to be the one that belongs in
its place, with the text that belongs in it; nothing may be added, left out or said twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Final, TypeAlias

from lxml import etree

from app.kernel.errors import Conflict
from app.kernel.target_days import is_target_day
from app.payouts.domain.iban import EEA
from app.payouts.domain.sepa_text import sepa_name, sepa_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

SCHEMA: Final = Path(__file__).parent.parent / "schemas" / "pain.001.001.09.xsd"

_NS: Final = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
_TRANSFER: Final = f"{_NS}CdtTrfTxInf"
_NAME: Final = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]{1,70}", re.ASCII)
_ID: Final = re.compile(r"(?!/)[A-Za-z0-9/\-?:().,'+ ]{1,35}(?<!/)", re.ASCII)
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_LETTERS: Final = {ord(letter): str(number) for number, letter in enumerate(ascii_uppercase, start=10)}
_AMOUNT: Final = re.compile(r"([0-9]{1,9})\.([0-9]{2})", re.ASCII)
_AMOUNT_AT: Final = 4
"""Where a payment's amount stands among its elements."""
_WORDS: Final = {
    "BICFI": "bank",
    "CtrlSum": "control sum",
    "Dt": "execution date",
    "EndToEndId": "end-to-end id",
    "IBAN": "account",
    "InstdAmt": "amount",
    "NbOfTxs": "count",
    "Nm": "name",
}

_Part: TypeAlias = tuple[str, str | None]
"""An element's tag and its text; ``None`` where it holds other elements."""


class FileNotVerified(Conflict):
    """The bytes are not a file that pays what is owed. They are not stored and nothing is sent."""

    title = "Payout file refused"


@dataclass(frozen=True, slots=True)
class ExpectedPayment:
    """One payment that is owed, from the database. ``name`` is as the account holder wrote it; ``address`` is street,
    building, postcode, town and country, and counts outside the EEA alone.
    """

    end_to_end_id: str
    iban: str
    name: str
    amount_minor: int
    bic: str | None = None
    address: tuple[str | None, str | None, str | None, str, str] | None = None


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """What the file must say of itself and of every payment in it."""

    message_id: str
    created_at: datetime
    """In UTC."""
    execution_on: date
    debtor_name: str
    debtor_iban: str
    debtor_bic: str | None
    remittance: str
    batch_booking: bool
    instant: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """What the verifier counted by itself."""

    count: int
    control_sum_minor: int


def verify_pain001(content: bytes, head: ExpectedFile, payments: Iterable[ExpectedPayment]) -> Verified:
    """Check ``content`` against the XSD and against what is owed, in the order it is owed.

    Raises :class:`FileNotVerified` with the first difference: schema, control sums and counts at both
    levels, ids and their uniqueness, IBANs and their check digits, names, addresses, amounts, currency,
    debtor, execution date, the way of booking, the reference.
    """
    if not is_target_day(head.execution_on):
        raise FileNotVerified(f"the execution date {head.execution_on} is not a TARGET day")
    expected, seen = iter(payments), set[str]()
    remittance = (f"{_NS}Ustrd", sepa_text(head.remittance, 140))
    count = total = 0
    found: dict[str, list[_Part]] = {}
    for element in _elements(content):
        if element.tag == _TRANSFER:
            total += _check_payment(element, next(expected, None), remittance, seen)
            count += 1
            _forget(element)
        elif element.tag in found:
            raise FileNotVerified("the file has more than one block of payments")
        else:
            found[str(element.tag)] = [(str(each.tag), each.text) for each in element.iter()]
    missing = next(expected, None)
    if missing is not None:
        raise FileNotVerified(f"{missing.end_to_end_id} is owed and not in the file")
    verified = Verified(count, total)
    _compare("group header", found[f"{_NS}GrpHdr"], _owed_head(head, verified))
    _compare("payment information", found[f"{_NS}PmtInf"], _owed_block(head, verified))
    _require_iban(head.debtor_iban)
    return verified


def _elements(content: bytes) -> Iterator[etree._Element]:
    """The parts that are checked, as the parser completes them, validated by the XSD on the way."""
    if b"<!" in content or content.count(b"<?") != 1:
        raise FileNotVerified(
            "a payout file has no document type, no comment and no instruction to a program"
        )
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
    next(element.iterancestors()).remove(element)


def _check_payment(
    element: etree._Element, expected: ExpectedPayment | None, remittance: _Part, seen: set[str]
) -> int:
    """One payment against the one that is owed; the amount in its bytes, in minor units."""
    parts = list(element.iter())
    found = [(str(part.tag), part.text) for part in parts]
    end_to_end_id = next((text for tag, text in found if tag == f"{_NS}EndToEndId"), None) or ""
    if _ID.fullmatch(end_to_end_id) is None or "//" in end_to_end_id or end_to_end_id in seen:
        raise FileNotVerified(f"the end-to-end id {end_to_end_id!r} is malformed or repeated")
    seen.add(end_to_end_id)
    if expected is None:
        raise FileNotVerified(f"{end_to_end_id} is in the file and not owed")
    _compare(end_to_end_id, found, _owed_payment(expected, remittance))
    _require_iban(expected.iban)
    if parts[_AMOUNT_AT].get("Ccy") != "EUR":
        raise FileNotVerified(f"{end_to_end_id} is not in euros")
    return _minor(parts[_AMOUNT_AT].text or "")


_OPENING: Final[list[_Part]] = [(_TRANSFER, None), (f"{_NS}PmtId", None)]
_AMOUNT_TAG: Final[_Part] = (f"{_NS}Amt", None)
_AGENT: Final[list[_Part]] = [(f"{_NS}CdtrAgt", None), (f"{_NS}FinInstnId", None)]
_PAYEE: Final[_Part] = (f"{_NS}Cdtr", None)
_ACCOUNT: Final[list[_Part]] = [(f"{_NS}CdtrAcct", None), (f"{_NS}Id", None)]
_REFERENCE: Final[_Part] = (f"{_NS}RmtInf", None)


def _owed_payment(expected: ExpectedPayment, remittance: _Part) -> list[_Part]:
    """The elements of the payment that is owed, in the order of the standard."""
    name = sepa_name(expected.name)
    if _NAME.fullmatch(name) is None:
        raise FileNotVerified(f"the name of {expected.end_to_end_id} cannot be written in SEPA characters")
    agent = [*_AGENT, (f"{_NS}BICFI", expected.bic)] if expected.bic else ()
    return [
        *_OPENING,
        (f"{_NS}EndToEndId", expected.end_to_end_id),
        _AMOUNT_TAG,
        (f"{_NS}InstdAmt", _decimal(expected.amount_minor)),
        *agent,
        _PAYEE,
        (f"{_NS}Nm", name),
        *(() if expected.iban[:2] in EEA else _owed_address(expected)),
        *_ACCOUNT,
        (f"{_NS}IBAN", expected.iban),
        _REFERENCE,
        remittance,
    ]


def _owed_address(expected: ExpectedPayment) -> list[_Part]:
    street, building, postcode, town, country = expected.address or (None, None, None, "", "")
    lines = (
        ("StrtNm", sepa_text(street or "", 70)),
        ("BldgNb", sepa_text(building or "", 16)),
        ("PstCd", sepa_text(postcode or "", 16)),
        ("TwnNm", sepa_text(town, 35)),
        ("Ctry", country),
    )
    if not (lines[-2][1] and country):
        raise FileNotVerified(f"{expected.end_to_end_id} lacks the structured address that its account needs")
    return [(f"{_NS}PstlAdr", None), *((f"{_NS}{name}", text) for name, text in lines if text)]


def _owed_head(head: ExpectedFile, verified: Verified) -> list[_Part]:
    return _parts(
        ("GrpHdr", None),
        ("MsgId", head.message_id),
        ("CreDtTm", f"{head.created_at:%Y-%m-%dT%H:%M:%SZ}"),
        ("NbOfTxs", str(verified.count)),
        ("CtrlSum", _decimal(verified.control_sum_minor)),
        ("InitgPty", None),
        ("Nm", sepa_name(head.debtor_name)),
    )


def _owed_block(head: ExpectedFile, verified: Verified) -> list[_Part]:
    instant = (("LclInstrm", None), ("Cd", "INST")) if head.instant else ()
    bank = (("BICFI", head.debtor_bic),) if head.debtor_bic else (("Othr", None), ("Id", "NOTPROVIDED"))
    return _parts(
        ("PmtInf", None),
        ("PmtInfId", head.message_id),
        ("PmtMtd", "TRF"),
        ("BtchBookg", str(head.batch_booking).lower()),
        ("NbOfTxs", str(verified.count)),
        ("CtrlSum", _decimal(verified.control_sum_minor)),
        *(("PmtTpInf", None), ("SvcLvl", None), ("Cd", "SEPA")),
        *instant,
        *(("ReqdExctnDt", None), ("Dt", head.execution_on.isoformat())),
        *(("Dbtr", None), ("Nm", sepa_name(head.debtor_name))),
        *(("DbtrAcct", None), ("Id", None), ("IBAN", head.debtor_iban), ("Ccy", "EUR")),
        *(("DbtrAgt", None), ("FinInstnId", None)),
        *bank,
        ("ChrgBr", "SLEV"),
    )


def _parts(*parts: _Part) -> list[_Part]:
    return [(f"{_NS}{name}", text) for name, text in parts]


def _compare(what: str, found: list[_Part], owed: list[_Part]) -> None:
    """Nothing where they are equal; else the first difference, without quoting what is private."""
    if found == owed:
        return
    for (tag, text), (owed_tag, owed_text) in zip(found, owed, strict=False):
        name, owed_name = tag.removeprefix(_NS), owed_tag.removeprefix(_NS)
        if name != owed_name:
            raise FileNotVerified(f"{what}: {name} stands where {owed_name} belongs")
        if text != owed_text:
            raise FileNotVerified(f"{what}: the {_WORDS.get(name, name)} is not what it must be")
    raise FileNotVerified(f"{what}: more or fewer elements than belong there")


def _require_iban(iban: str) -> None:
    """Its check digits (ISO 7064 MOD 97-10) are reckoned anew, from the bytes that go to the bank."""
    if _IBAN.fullmatch(iban) is None:
        raise FileNotVerified("an IBAN in the file is not in its plain form")
    remainder = int((iban[4:] + iban[:2] + "00").translate(_LETTERS)) % 97
    if iban[2:4] != f"{98 - remainder:02d}":
        raise FileNotVerified("an IBAN in the file has wrong check digits")


def _decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _minor(text: str) -> int:
    match = _AMOUNT.fullmatch(text)
    minor = int(match[1]) * 100 + int(match[2]) if match else 0
    if minor <= 0:
        raise FileNotVerified(f"{text!r} is not an amount with two decimals")
    return minor
