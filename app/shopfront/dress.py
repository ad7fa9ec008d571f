"""What a programme's look comes to on a page and in a mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.shopfront.contrast import Accent, accent_of
from app.shopfront.models import Look

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.referrals.models import Program


@dataclass(frozen=True, slots=True)
class Dress:
    """A programme's name and colours. ``light`` and ``dark`` are null where the house's own accent stays."""

    brand: str
    light: Accent | None = None
    dark: Accent | None = None
    logo: str | None = None
    """The name of the picture (its SHA-256), where there is one."""
    mail_name: str | None = None
    mail_from: str | None = None
    reply_to: str | None = None


def dress_of(session: Session, program: Program) -> Dress | None:
    """How the programme looks; ``None`` where nothing was said about it. One query."""
    look = session.get(Look, program.id)
    return worn(look, program.name) if look is not None else None


def worn(look: Look, name: str) -> Dress | None:
    """The same of a row that is at hand."""
    said = (look.brand, look.accent_light, look.accent_dark, look.logo_hash, look.mail_name, look.mail_from)
    if not any(said) and not look.mail_reply_to:
        return None
    return Dress(
        look.brand or name,
        accent_of(look.accent_light, "light") if look.accent_light else None,
        accent_of(look.accent_dark, "dark") if look.accent_dark else None,
        look.logo_hash,
        look.mail_name,
        look.mail_from,
        look.mail_reply_to,
    )


def style(dress: Dress) -> str:
    """The custom properties that the layout sets after ``tokens.css``, whose rules for the dark win over ``:root``.

    Nothing but colours, and each was checked to be six hexadecimal digits.
    """
    rules = []
    if dress.light:
        rules.append(f":root{{{_properties(dress.light)}}}")
    if dress.dark:
        own = _properties(dress.dark)
        rules.append(f'@media (prefers-color-scheme: dark){{:root:not([data-theme="light"]){{{own}}}}}')
        rules.append(f':root[data-theme="dark"]{{{own}}}')
    return "".join(rules)


def _properties(accent: Accent) -> str:
    return (
        f"--accent:{accent.colour};--accent-strong:{accent.strong};"
        f"--on-accent:{accent.on};--accent-wash:{accent.wash};--series-1:{accent.colour}"
    )
