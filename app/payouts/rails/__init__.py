"""The ways a payout can leave the house. A further rail is one module here and one line below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.payouts.errors import UnknownRail
from app.payouts.rails.csv import CsvRail
from app.payouts.rails.sepa import SepaRail

if TYPE_CHECKING:
    from app.payouts.rails.base import Rail

_RAILS: Final[dict[str, Rail]] = {rail.name: rail for rail in (SepaRail(), CsvRail())}

RAIL_NAMES: Final = tuple(_RAILS)
"""What a programme's ``rail`` may be."""


def rail_named(name: str) -> Rail:
    """The rail of that name. Raises :class:`UnknownRail`."""
    if name not in _RAILS:
        raise UnknownRail(name)
    return _RAILS[name]
