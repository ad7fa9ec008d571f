"""A page that asks before something is ended: what it is about, what follows, and one button."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.dashboard.components import Fact


@dataclass(frozen=True, slots=True)
class Confirm:
    """What is asked. ``back`` is where the page before was, ``section`` its name."""

    title: str
    text: str
    button: str
    back: str
    section: str
    facts: tuple[Fact, ...] = ()
