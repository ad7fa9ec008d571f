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

_CHUNK: Final = 64 * 2**10
_MAX_RECORD: Final = 2**19
"""How far a file may go on without completing a record. An empty element of four bytes takes thirty times that in
memory, so this bounds what a hostile file can take; a record of a bank has a few thousand bytes.
"""

_MAX_TEXT: Final = 64
_DOCUMENT_TYPE: Final = "the file has a document type declaration (DTD), which bank files never have"
_OTHER: Final = "the file is not a pain.002, camt.053 or camt.054"
_NAMESPACE: Final = re.compile(
    r"urn:iso:std:iso:20022:tech:xsd:"
    r"(?:(pain\.002)\.001\.(?:0[3-9]|1[0-4])|(camt\.053)\.001\.0[2-8]|(camt\.054)\.001\.0[2-8])"
)
_PLACES: Final = frozenset(
    {
        ("Document",),
        *(
            ("Document", message, *inner)
            for message, statement in (("BkToCstmrStmt", "Stmt"), ("BkToCstmrDbtCdtNtfctn", "Ntfctn"))
            for inner in (
                (statement,),
                (statement, "Ntry"),
                (statement, "Ntry", "NtryDtls"),
                (statement, "Ntry", "NtryDtls", "TxDtls"),
            )
        ),
        ("Document", "CstmrPmtStsRpt", "OrgnlGrpInfAndSts"),
        ("Document", "CstmrPmtStsRpt", "OrgnlPmtInfAndSts"),
        ("Document", "CstmrPmtStsRpt", "OrgnlPmtInfAndSts", "TxInfAndSts"),
    }
)
"""Where the elements stand that are read; the same names elsewhere mean nothing."""

_WATCHED: Final = sorted({place[-1] for place in _PLACES})
_OPENED: Final = frozenset({"Document", "Stmt", "Ntfctn"})
"""Of these the beginning is told too."""

_RECORDS: Final = frozenset({"Ntry", "TxDtls", "TxInfAndSts"})
_KEPT: Final = frozenset({"Document", "OrgnlGrpInfAndSts"})
"""These are not freed."""


class BadBankFile(InvalidInput):
    """Bytes that are not a readable pain.002, camt.053 or camt.054. Nothing of them is applied."""

    title = "Not a readable bank file"


Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml's own name for its elements
Fields: TypeAlias = dict[str, str]


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


def open_stream(source: IO[bytes], limit: int | None) -> Stream:
    """Read as far as the root. ``limit`` is the largest file that is read, in bytes. Raises :class:`BadBankFile`.

    Parts come in the file's order; a part is freed once the next one is asked for.
    """
    parts = _parts(source, limit)
    namespace = etree.QName(next(parts).element).namespace or ""
    match = _NAMESPACE.fullmatch(namespace)
    if match is None:
        raise BadBankFile(
            f"{namespace[:80]!r} is not the namespace of pain.002 (.03 to .14), camt.053 or .054 (.02 to .08)"
        )
    return Stream(BankFileKind(match[1] or match[2] or match[3]), parts)


def _parts(source: IO[bytes], limit: int | None) -> Iterator[Part]:
    parser = etree.XMLPullParser(
        events=("start", "end"),
        tag=[f"{{*}}{name}" for name in _WATCHED],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    broom = _Broom()
    total = since_record = 0
    begun = False
    while chunk := source.read(_CHUNK):
        total += len(chunk)
        since_record += len(chunk)
        if not begun:
            _refuse_document_type(chunk)
        if limit is not None and total > limit:
            raise BadBankFile(f"the file is larger than {limit // 2**20} MiB")
        _feed(parser, chunk, total)
        for part in _events(parser):
            begun = True
            yield part
            if not part.opened and part.name not in _KEPT:
                broom.sweep(part)
                since_record = 0 if part.name in _RECORDS else since_record
        if not begun:
            raise BadBankFile(_OTHER)
        if since_record > _MAX_RECORD:
            raise BadBankFile(f"no bank record in the {since_record} bytes before byte {total}")
    _finish(parser, total)


class _Broom:
    """Frees what was read, and whatever else came since the part before it, so that memory does not grow."""

    def __init__(self) -> None:
        self._anchors: dict[str, tuple[Element, Element | None]] = {}

    def sweep(self, part: Part) -> None:
        """Free the part. What stands before the first one of its kind in its parent stays: account, balances, totals;
        and of an entry the first block of details, which may sum up a batch.
        """
        element = part.element
        parent = next(element.iterancestors())
        known = self._anchors.get(part.name)
        if known is None or known[0] is not parent:
            first = part.name == "NtryDtls"
            self._anchors[part.name] = parent, element if first else element.getprevious()
            if first:
                return
        _, anchor = self._anchors[part.name]
        while (before := element.getprevious()) is not anchor and before is not None:
            parent.remove(before)
        parent.remove(element)


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
        name = _local(element)
        opened = event == "start"
        if opened and name not in _OPENED:
            continue
        if (*(_local(each) for each in reversed([*element.iterancestors()])), name) not in _PLACES:
            if element.getparent() is None:
                raise BadBankFile(_OTHER)
            continue
        if element.getparent() is None and element.getroottree().docinfo.internalDTD is not None:
            raise BadBankFile(_DOCUMENT_TYPE)
        yield Part(name, element, opened=opened)


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def fields(element: Element, *, without: str = "") -> Fields:
    """The texts inside an element by their path of local names ("Refs/EndToEndId"), stripped, the first of each, at
    most 64 characters; an amount's currency under its path and ``@``. Nothing of the elements named ``without``.

    One walk: looking each path up anew takes five times as long.
    """
    found: Fields = {}
    _collect(element, "", found, without)
    return found


def _collect(element: Element, prefix: str, found: Fields, without: str) -> None:
    for each in element:
        tag = each.tag
        if not isinstance(tag, str):
            continue  # a comment
        name = tag.rpartition("}")[2]
        if name == without:
            continue
        path = prefix + name
        if len(each):
            _collect(each, path + "/", found, without)
        elif (text := (each.text or "").strip()[:_MAX_TEXT]) and path not in found:
            found[path] = text
            if (currency := each.get("Ccy")) is not None:
                found[path + "@"] = currency


def money(found: Fields, path: str) -> tuple[int, str] | None:
    """Minor units and currency of the amount at a path. Raises :class:`BadBankFile` for what is not money."""
    if path not in found:
        return None
    currency = found.get(path + "@", "")
    return minor_of(found[path], currency), currency


def minor_of(number: str, currency: str) -> int:
    """The minor units of a decimal number. Raises :class:`BadBankFile` for what is not money."""
    try:
        minor = Decimal(number).scaleb(exponent(currency))
        whole = int(minor)
    except (InvalidOperation, UnknownCurrency, ValueError, OverflowError) as error:
        raise BadBankFile(f"{number[:40]!r} {currency[:8]!r} is not an amount") from error
    if whole != minor or not 0 <= whole <= MAX_MINOR:
        raise BadBankFile(f"{number[:40]!r} {currency} is not a whole number of its smallest unit")
    return whole


def day(found: Fields, path: str) -> date | None:
    """The date of a choice of ``Dt`` and ``DtTm``; the bank's own calendar day."""
    written = found.get(f"{path}/Dt") or found.get(f"{path}/DtTm")
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
