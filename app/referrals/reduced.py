"""Facts whose retention is over: the row stays, so that a repetition is still recognised, and its body goes.

A replay skips them (docs/adr/0016): an order that was nobody's earned nothing. Only that its customer was there
already is still told, since a later click must not take an old customer for a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.referrals.words import FactKind

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK: Final = "reduced"

_STAYS: Final[Mapping[FactKind, tuple[str, ...]]] = {FactKind.ORDER: ("order_id", "customer_id", "placed_at")}
"""What stays of a body: who, and when they were seen. Of every other kind nothing does."""

BARE_SIGNUP: Final = ("customer_id", "signed_up_at")
"""What stays of a signup: a signup still, of somebody who brought nothing. A replay tells it like any other."""


def reduced_body(kind: FactKind, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body that is left of a fact; of a reduced one the same again."""
    return {name: body[name] for name in _STAYS.get(kind, ()) if name in body} | {MARK: True}


def is_reduced(body: Mapping[str, Any]) -> bool:
    """Whether a fact's body was reduced, so that it says no more than that the customer was there."""
    return MARK in body
