"""The look of the programme that a page belongs to: its name, its colours, its logo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import g, url_for
from markupsafe import Markup

from app.dashboard.framing import frame, is_framed
from app.identity.login import who
from app.requests import session
from app.shopfront.dress import dress_of, style

if TYPE_CHECKING:
    from flask import Flask

    from app.referrals.models import Program
    from app.shopfront.dress import Dress

OWN_BRAND: Final = "Refledger"


def wear(program: Program) -> None:
    """Have this page look as the programme does. Asks the database here and not while a page is drawn: the page of an
    error must ask for nothing.
    """
    found = dress_of(session(), program)
    g.dress = found
    g.dressed_for = program.slug if found else None


def wear_frame() -> None:
    """A page in a frame looks as the frame's programme does, unless it says otherwise."""
    place = frame()
    if place is not None:
        wear(place.program)


def look_context() -> dict[str, Any]:
    """What the layout needs to look as a programme does; ``brand_slug`` keeps the look on the way to log in."""
    dress: Dress | None = g.get("dress")
    slug: str | None = g.get("dressed_for")
    return {
        "framed": is_framed(),
        "brand_slug": slug,
        "brand_href": url_for("public.program", slug=slug) if slug and who() is None else None,
        "brand": dress.brand if dress else OWN_BRAND,
        "brand_logo": url_for("public.logo", digest=dress.logo) if dress and dress.logo else None,
        # Safe by its making: six hexadecimal digits a colour, nothing else of it comes from a person.
        "brand_style": Markup(style(dress)) if dress else None,  # noqa: S704
    }


def register_look(app: Flask) -> None:
    """Give every template the look. Comes after the frames are let in."""
    app.before_request(wear_frame)
    app.context_processor(look_context)
