"""A programme's look, as the form and its preview show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import url_for
from flask_babel import format_decimal
from markupsafe import Markup

from app.dashboard.i18n import _
from app.shopfront.contrast import GROUNDS, Accent, accent_of, contrast

if TYPE_CHECKING:
    from app.shopfront.models import Look

_HOUSE = {"light": "#0e5a3e", "dark": "#6ccba1"}
"""The house's own accents (``static/css/tokens.css``)."""

_SHEETS = {
    "light": "--sheet:#ffffff;--ink:#191c1a;--ink-2:#575e59;--line:#e2e3dd",
    "dark": "--sheet:#181c1a;--ink:#e7eae7;--ink-2:#a5ada8;--line:#2a302d",
}


@dataclass(frozen=True, slots=True)
class Swatch:
    """The look on one ground: a small piece of page, and how well it can be read."""

    mode: str
    label: str
    contrast: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The piece of page that the look is tried on."""

    brand: str
    logo_href: str | None
    style: Markup
    swatches: tuple[Swatch, ...]


def filled(look: Look) -> dict[str, Any]:
    """What stands in the form."""
    return {
        "brand": look.brand or "",
        "accent_light": look.accent_light or "",
        "accent_dark": look.accent_dark or "",
        "mail_name": look.mail_name or "",
        "mail_from": look.mail_from or "",
        "mail_reply_to": look.mail_reply_to or "",
        "frame_hosts": "\n".join(each.removeprefix("https://") for each in look.frame_origins),
    }


def preview(look: Look, name: str) -> Preview:
    """The look as it is kept, on both grounds at once."""
    colours = {"light": look.accent_light, "dark": look.accent_dark}
    accents = {mode: accent_of(colour or _HOUSE[mode], mode) for mode, colour in colours.items()}
    rules = "".join(
        f".swatch-page.{mode}{{{_SHEETS[mode]};{_properties(each)}}}" for mode, each in accents.items()
    )
    return Preview(
        look.brand or name,
        url_for("public.logo", digest=look.logo_hash) if look.logo_hash else None,
        # Colours of ours, and the programme's, which were checked to be six hexadecimal digits.
        Markup(rules),  # noqa: S704
        tuple(
            Swatch(mode, word, _readable(accents[mode], mode))
            for mode, word in (("light", _("On a light ground")), ("dark", _("On a dark ground")))
        ),
    )


def ratio(value: float) -> str:
    """A contrast in the language's form: "4,5"."""
    return str(format_decimal(value, format="0.0#"))


def _readable(accent: Accent, mode: str) -> str:
    least = min(contrast(accent.colour, ground) for ground in GROUNDS[mode])
    return _("%(colour)s, contrast %(ratio)s : 1", colour=accent.colour, ratio=ratio(int(least * 100) / 100))


def _properties(accent: Accent) -> str:
    return f"--accent:{accent.colour};--accent-strong:{accent.strong};--on-accent:{accent.on}"
