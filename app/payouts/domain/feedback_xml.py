"""Reading XML that somebody else wrote: as a stream, without document types, entities or network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from lxml import etree

from app.kernel.errors import InvalidInput
from app.kernel.money import MAX_MINOR, UnknownCurrency, exponent
from app.payouts.words import BankFileKind

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES: Final = 128 * 2**20
"""The largest file that is read."""

_CHUNK: Final = 64 * 2**10
_MAX_RECORD: Final = 8 * 2**20
"""How far a file may go on without completing a record; bounds the memory that a hostile file can take."""

_MAX_TEXT: Final = 64
_DOCUMENT_TYPE: Final = "the file has a document type declaration (DTD), which bank files never have"
_OTHER: Final = "the file is not a pain.002, camt.053 or camt.054"
_NAMESPACE: Final = re.compile(
    r"urn:iso:std:iso:20022:tech:xsd:"
    r"(?:(pain\.002)\.001\.(?:0[3-9]|10)|(camt\.053)\.001\.0[2-8]|(camt\.054)\.001\.0[2-8])"
)
_RECORDS: Final = frozenset({"Ntry", "TxDtls", "TxInfAndSts"})
_WATCHED: Final = ("Document", "OrgnlGrpInfAndSts", "OrgnlPmtInfAndSts", "Stmt", "Ntfctn", *sorted(_RECORDS))


class BadBankFile(InvalidInput):
    """Bytes that are not a readable pain.002, camt.053 or camt.054. Nothing of them is applied."""

    title = "Not a readable bank file"


Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml's own name for its elements


@dataclass(frozen=True, slots=True)
class Part:
    """A watched element: complete, or (``opened``) only begun."""

    name: str
    element: Element
    opened: bool


@dataclass(frozen=True, slots=True)
class Stream:
    """An opened bank file."""

    kind: BankFileKind
    parts: Iterator[Part]


def open_stream(source: IO[bytes]) -> Stream:
    """Read as far as the root. Raises :class:`BadBankFile`.

    Parts come in the file's order; a part is freed once the next one is asked for.
    """
    parts = _parts(source)
    root = next(parts, None)
    if root is None or root.name != "Document":
        raise BadBankFile(_OTHER)
    namespace = etree.QName(root.element).namespace or ""
    match = _NAMESPACE.fullmatch(namespace)
    if match is None:
        raise BadBankFile(
            f"{namespace[:80]!r} is not the namespace of pain.002 (.03 to .10), camt.053 or .054 (.02 to .08)"
        )
    return Stream(BankFileKind(match[1] or match[2] or match[3]), parts)


def _parts(source: IO[bytes]) -> Iterator[Part]:
    parser = etree.XMLPullParser(
        events=("start", "end"),
        tag=[f"{{*}}{name}" for name in _WATCHED],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    total = since_record = 0
    begun = False
    while chunk := source.read(_CHUNK):
        total += len(chunk)
        since_record += len(chunk)
        if not begun:
            _refuse_document_type(chunk)
        if total > MAX_BYTES:
            raise BadBankFile(f"the file is larger than {MAX_BYTES // 2**20} MiB")
        _feed(parser, chunk, total)
        for part in _events(parser):
            begun = True
            yield part
            if not part.opened and part.name in _RECORDS:
                _free(part.element)
                since_record = 0
        if not begun:
            raise BadBankFile(_OTHER)
        if since_record > _MAX_RECORD:
            raise BadBankFile(f"no bank record in the {since_record} bytes before byte {total}")
    _finish(parser, total)


def _refuse_document_type(chunk: bytes) -> None:
    """A bank file has none; entity bombs and fetches of other files need one."""
    if b"<!DOCTYPE" in chunk.replace(b"\0", b""):
        raise BadBankFile(_DOCUMENT_TYPE)


def _feed(parser: etree.XMLPullParser, chunk: bytes, total: int) -> None:
    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as error:
        raise _broken(error, total) from error


def _finish(parser: etree.XMLPullParser, total: int) -> None:
    if total == 0:
        raise BadBankFile("the file is empty")
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        raise BadBankFile(f"the file ends in the middle (truncated after {total} bytes)") from error


def _broken(error: etree.XMLSyntaxError, total: int) -> BadBankFile:
    if error.lineno is None or (total <= _CHUNK and error.lineno == 1 and "Start tag expected" in error.msg):
        return BadBankFile("the file is not XML")
    return BadBankFile(f"the file is not well-formed XML at line {error.lineno}: {error.msg[:120]}")


def _events(parser: etree.XMLPullParser) -> Iterator[Part]:
    for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
        if element.getroottree().docinfo.internalDTD is not None:
            raise BadBankFile(_DOCUMENT_TYPE)
        yield Part(etree.QName(element).localname, element, opened=event == "start")


def _free(element: Element) -> None:
    next(element.iterancestors()).remove(element)


def text(element: Element, path: str) -> str | None:
    """The stripped text at a path of local names ("Refs/EndToEndId"), or ``None``; at most 64 characters
    count.
    """
    found = element.findtext("/".join("{*}" + name for name in path.split("/")))
    if found is None or not found.strip():
        return None
    return found.strip()[:_MAX_TEXT]


def child(element: Element, path: str) -> Element | None:
    """The first element at a path of local names."""
    return element.find("/".join("{*}" + name for name in path.split("/")))


def money(element: Element | None) -> tuple[int, str] | None:
    """Minor units and currency of an ``Amt`` element. Raises :class:`BadBankFile` for what is not money."""
    if element is None:
        return None
    currency, number = element.get("Ccy") or "", (element.text or "").strip()
    try:
        minor = Decimal(number).scaleb(exponent(currency))
        whole = int(minor)
    except (InvalidOperation, UnknownCurrency, ValueError, OverflowError) as error:
        raise BadBankFile(f"{number[:40]!r} {currency[:8]!r} is not an amount") from error
    if whole != minor or not 0 <= whole <= MAX_MINOR:
        raise BadBankFile(f"{number[:40]!r} {currency} is not a whole number of its smallest unit")
    return whole, currency


def day(element: Element | None) -> date | None:
    """The date of a choice of ``Dt`` and ``DtTm``; the bank's own calendar day."""
    if element is None:
        return None
    written = text(element, "Dt") or text(element, "DtTm")
    if written is None:
        return None
    try:
        return (
            date.fromisoformat(written)
            if len(written) == len("2026-01-01")
            else datetime.fromisoformat(written).date()
        )
    except ValueError as error:
        raise BadBankFile(f"{written[:40]!r} is not a date") from error
