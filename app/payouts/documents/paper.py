"""A sheet as PDF/A-3b: embedded fonts, an output intent, metadata, and for invoices the XML inside (Factur-X 1.0).

The same sheet gives the same bytes. fpdf2 is imported when the first sheet is rendered: it brings fontTools and Pillow,
which a web process that renders nothing need not load.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from fpdf import FPDF

    from app.payouts.documents.sheets import Block, Column, Section, Sheet, Total

FONTS: Final = Path(__file__).parent / "fonts"
XML_NAME: Final = "factur-x.xml"
_FONT: Final = "Inter"
_MARGIN: Final = 20.0
_TEXT: Final = 9.0
_SMALL: Final = 8.0
_TITLE: Final = 16.0
_LINE: Final = 4.6
_ROW: Final = 5.6
_INK: Final = (28, 31, 29)
_FAINT: Final = (96, 102, 98)
_HAIR: Final = (205, 209, 205)
_UNKNOWN: Final = "\ufffd"
_ELLIPSIS: Final = "\u2026"


@dataclass(frozen=True, slots=True)
class Attachment:
    """The XML that travels inside of an invoice."""

    content: bytes
    description: str


def render_sheet(sheet: Sheet, page_word: str, attachment: Attachment | None = None) -> bytes:
    """The sheet on A4 pages. ``page_word`` is written before the page's number ("Page")."""
    from app.payouts.documents.pages import Pages  # noqa: PLC0415 - see above

    pdf = Pages(f"{sheet.title} {sheet.subtitle}".strip(), page_word)
    pdf.set_creation_date(sheet.made_at)
    pdf.set_lang(sheet.language)
    pdf.set_title(sheet.title)
    pdf.set_xmp_metadata(_metadata(sheet, with_xml=attachment is not None))
    for style, name in (("", "Regular"), ("B", "SemiBold")):
        pdf.add_font(_FONT, style, FONTS / f"Inter-{name}.ttf")
    for font in pdf.fonts.values():
        # A font says when it was changed; without this the same sheet would give other bytes every second.
        font.ttfont.recalcTimestamp = False  # type: ignore[union-attr]
    pdf.set_margin(_MARGIN)
    pdf.c_margin = 0
    pdf.set_auto_page_break(auto=True, margin=_MARGIN + 4)
    pdf.add_page()
    _write(pdf, sheet)
    if attachment is not None:
        pdf.embed_file(
            bytes=attachment.content,
            basename=XML_NAME,
            mime_type="text/xml",
            associated_file_relationship="Alternative",
            creation_date=sheet.made_at,
            modification_date=sheet.made_at,
            desc=attachment.description,
            compress=True,
        )
    return bytes(pdf.output())


def _write(pdf: FPDF, sheet: Sheet) -> None:
    _text(pdf, sheet.title, _TITLE, strong=True)
    if sheet.subtitle:
        _text(pdf, sheet.subtitle, _TEXT, color=_FAINT)
    pdf.ln(5)
    if sheet.blocks:
        _blocks(pdf, sheet.blocks)
    for label, value in sheet.facts:
        pdf.set_font(_FONT, "", _TEXT)
        pdf.set_text_color(*_FAINT)
        pdf.cell(42, _LINE, _known(label))
        pdf.set_text_color(*_INK)
        pdf.multi_cell(0, _LINE, _known(value), align="L", new_x="LMARGIN", new_y="NEXT")
    if sheet.facts:
        pdf.ln(4)
    _totals(pdf, sheet.totals_first)
    for section in sheet.sections:
        _section(pdf, section)
    _totals(pdf, sheet.totals)
    for note in sheet.notes:
        pdf.ln(1)
        pdf.set_font(_FONT, "", _SMALL)
        pdf.set_text_color(*_INK)
        pdf.multi_cell(0, _LINE, _known(note), align="L", new_x="LMARGIN", new_y="NEXT")


def _text(
    pdf: FPDF, text: str, size: float, *, strong: bool = False, color: tuple[int, int, int] = _INK
) -> None:
    pdf.set_font(_FONT, "B" if strong else "", size)
    pdf.set_text_color(*color)
    pdf.multi_cell(0, size * 0.5, _known(text), align="L", new_x="LMARGIN", new_y="NEXT")


def _blocks(pdf: FPDF, blocks: Sequence[Block]) -> None:
    """Beside each other, each in its share of the width."""
    top, width, lowest = pdf.get_y(), pdf.epw / len(blocks), pdf.get_y()
    for number, block in enumerate(blocks):
        left = pdf.l_margin + number * width
        pdf.set_xy(left, top)
        pdf.set_font(_FONT, "", _SMALL)
        pdf.set_text_color(*_FAINT)
        pdf.cell(width, _LINE, _known(block.title), new_x="LEFT", new_y="NEXT")
        pdf.set_font(_FONT, "", _TEXT)
        pdf.set_text_color(*_INK)
        for line in block.lines:
            pdf.set_x(left)
            pdf.multi_cell(width - 4, _LINE, _known(line), align="L", new_x="LEFT", new_y="NEXT")
        lowest = max(lowest, pdf.get_y())
    pdf.set_xy(pdf.l_margin, lowest + 5)


def _section(pdf: FPDF, section: Section) -> None:
    if section.title:
        pdf.ln(2)
        _text(pdf, section.title, 10.5, strong=True)
        pdf.ln(1)
    _head(pdf, section.columns)
    for row in section.rows:
        if pdf.will_page_break(_ROW):
            pdf.add_page()
            _head(pdf, section.columns)
        _row(pdf, section.columns, row)
    if section.total:
        empty = ("",) * (len(section.columns) - 1)
        _row(pdf, section.columns, (*empty, section.total), strong=True)
    if section.note:
        pdf.ln(1)
        _text(pdf, section.note, _SMALL, color=_FAINT)
    pdf.ln(4)


def _widths(pdf: FPDF, columns: Sequence[Column]) -> list[float]:
    total = sum(column.weight for column in columns)
    return [pdf.epw * column.weight / total for column in columns]


def _head(pdf: FPDF, columns: Sequence[Column]) -> None:
    pdf.set_font(_FONT, "", _SMALL)
    pdf.set_text_color(*_FAINT)
    for column, width in zip(columns, _widths(pdf, columns), strict=True):
        pdf.cell(width, _ROW, _fitting(pdf, column.label, width), align="R" if column.numeric else "L")
    pdf.ln(_ROW)
    _rule(pdf)


def _row(pdf: FPDF, columns: Sequence[Column], row: Sequence[str], *, strong: bool = False) -> None:
    pdf.set_font(_FONT, "B" if strong else "", _SMALL)
    pdf.set_text_color(*_INK)
    for column, width, text in zip(columns, _widths(pdf, columns), row, strict=True):
        pdf.cell(width, _ROW, _fitting(pdf, text, width), align="R" if column.numeric else "L")
    pdf.ln(_ROW)
    _rule(pdf)


def _rule(pdf: FPDF) -> None:
    pdf.set_draw_color(*_HAIR)
    pdf.set_line_width(0.15)
    pdf.line(pdf.l_margin, pdf.get_y(), pdf.l_margin + pdf.epw, pdf.get_y())


def _totals(pdf: FPDF, totals: Sequence[Total]) -> None:
    for total in totals:
        pdf.set_font(_FONT, "B" if total.strong else "", _TEXT)
        pdf.set_text_color(*_INK)
        pdf.cell(pdf.epw - 45, _ROW, _known(total.label), align="R")
        pdf.cell(45, _ROW, _known(total.value), align="R", new_x="LMARGIN", new_y="NEXT")
    if totals:
        pdf.ln(3)


def _fitting(pdf: FPDF, text: str, width: float) -> str:
    """The text, cut where it would run into the next column."""
    shown, room = _known(text), width - 2
    if pdf.get_string_width(shown) <= room:
        return shown
    while shown and pdf.get_string_width(shown + _ELLIPSIS) > room:
        shown = shown[: max(len(shown) * 9 // 10, 1)] if len(shown) > 1 else ""
    return shown + _ELLIPSIS


def _known(text: str) -> str:
    """The text with a sign in place of what the font has no letter for (emoji): PDF/A allows no undefined glyph."""
    letters = _letters()
    return "".join(each if ord(each) in letters else _stand_in(each) for each in text)


def _stand_in(letter: str) -> str:
    if letter.isspace():
        return " "
    return _UNKNOWN if ord(_UNKNOWN) in _letters() else "?"


@cache
def _letters() -> frozenset[int]:
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - see above

    with TTFont(FONTS / "Inter-Regular.ttf") as font:
        return frozenset(font.getBestCmap())


def _metadata(sheet: Sheet, *, with_xml: bool) -> str:
    """XMP: the title and dates of the document information, the part of PDF/A, and what Factur-X asks for."""
    at = _instant(sheet.made_at)
    title = escape(f"{sheet.title} {sheet.subtitle}".strip())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" rdf:about="">'
        "<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description>"
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" rdf:about="">'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>'
        f"<dc:creator><rdf:Seq><rdf:li>{escape(sheet.author)}</rdf:li></rdf:Seq></dc:creator></rdf:Description>"
        '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" rdf:about="">'
        f"<xmp:CreatorTool>Refledger</xmp:CreatorTool><xmp:CreateDate>{at}</xmp:CreateDate>"
        f"<xmp:ModifyDate>{at}</xmp:ModifyDate></rdf:Description>"
        f"{_FACTUR_X if with_xml else ''}</rdf:RDF></x:xmpmeta>"
    )


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _property(name: str, description: str) -> str:
    return (
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{description}</pdfaProperty:description></rdf:li>"
    )


_FX: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_FACTUR_X: Final = (
    '<rdf:Description xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" '
    'xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" '
    'xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" rdf:about="">'
    '<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
    "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
    f"<pdfaSchema:namespaceURI>{_FX}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
    "<pdfaSchema:property><rdf:Seq>"
    + _property("DocumentFileName", "name of the embedded XML invoice file")
    + _property("DocumentType", "INVOICE")
    + _property("Version", "The actual version of the Factur-X XML schema")
    + _property("ConformanceLevel", "The conformance level of the embedded Factur-X data")
    + "</rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
    f'<rdf:Description xmlns:fx="{_FX}" rdf:about=""><fx:DocumentType>INVOICE</fx:DocumentType>'
    f"<fx:DocumentFileName>{XML_NAME}</fx:DocumentFileName><fx:Version>1.0</fx:Version>"
    "<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>"
)
