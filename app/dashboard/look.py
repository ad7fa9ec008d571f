"""The look of the programme that a page belongs to: its name, its colours, its logo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import g

from app.dashboard.framing import is_framed

if TYPE_CHECKING:
    from flask import Flask

    from app.referrals.models import Program

OWN_BRAND: Final = "Refledger"


def wear(program: Program) -> None:
    """Have this page look as the programme does."""
    g.look_of = program


def look_context() -> dict[str, Any]:
    """What the layout needs to look as a programme does."""
    return {"brand": OWN_BRAND, "framed": is_framed()}


def register_look(app: Flask) -> None:
    """Give every template the look."""
    app.context_processor(look_context)
