"""A link as a QR code: on the page, and as files for print."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from flask import url_for
from markupsafe import Markup

from app.dashboard.components import NavItem
from app.dashboard.i18n import _

if TYPE_CHECKING:
    import segno

PNG_PIXELS: Final = 1_200
"""A PNG is at least this wide and high: 10 cm at 300 dots per inch."""

_DPI: Final = 300
_BORDER: Final = 4
"""Modules of white around it; scanners need them (ISO/IEC 18004)."""

MIMETYPES: Final = {"svg": "image/svg+xml", "png": "image/png"}


def qr_svg(url: str) -> Markup:
    """Inline SVG of presentation attributes alone, so the strict CSP lets it be."""
    svg = _code(url).svg_inline(
        scale=1, border=_BORDER, dark="#000", omitsize=True, svgclass=None, lineclass=None
    )
    label = Markup('<svg role="img" aria-label="{}" shape-rendering="crispEdges" ').format(_("QR code"))
    return Markup(svg.replace("<svg ", label, 1))  # noqa: S704 - made here, from a URL of our own


def qr_file(url: str, suffix: str) -> bytes:
    """The bytes of an SVG or a PNG, black on white."""
    code = _code(url)
    out = BytesIO()
    if suffix == "svg":
        code.save(out, kind="svg", scale=10, border=_BORDER, dark="#000", light="#fff")
    else:
        width = code.symbol_size(border=_BORDER)[0]
        code.save(out, kind="png", scale=-(-PNG_PIXELS // width), border=_BORDER, dpi=_DPI)
    return out.getvalue()


def downloads(link_id: int | None) -> tuple[NavItem, ...]:
    """The files of the plain link, or of one of the referrer's own."""
    return tuple(
        NavItem(suffix.upper(), url_for("home.qr_code", suffix=suffix, link_id=link_id))
        for suffix in MIMETYPES
    )


def _code(url: str) -> segno.QRCode:
    import segno  # noqa: PLC0415 - megabytes that a process which draws no code does not need

    return segno.make(url, error="m", micro=False)
