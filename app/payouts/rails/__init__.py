"""The ways a payout can leave the house. A further rail is one module here that says ``RAIL = ...``; it is found."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from app.payouts.errors import UnknownRail

if TYPE_CHECKING:
    from app.payouts.rails.base import Rail


@cache
def rails() -> dict[str, Rail]:
    """Every rail by its name, which is what a programme's ``rail`` may be."""
    modules = (module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")
    found: list[Rail] = [importlib.import_module(f"{__name__}.{name}").RAIL for name in modules]
    return {rail.name: rail for rail in found}


def rail_named(name: str) -> Rail:
    """The rail of that name. Raises :class:`UnknownRail`."""
    if name not in rails():
        raise UnknownRail(name)
    return rails()[name]
