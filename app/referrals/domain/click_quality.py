"""How suspicious a referrer's clicks look: the share of those that somebody may have made up.

A figure for people to look into, never a verdict: labels affect counts, not attribution, and nothing is held by this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.referrals.domain.click_label import ClickLabel

if TYPE_CHECKING:
    from collections.abc import Mapping

SUSPICIOUS: Final = (ClickLabel.BAD_TAG, ClickLabel.EMBEDDED, ClickLabel.BOT, ClickLabel.DUPLICATE)
"""Labels that a padded count would show. Browsers and messengers fetch ahead and ask for headers by themselves."""

VISITS: Final = (*SUSPICIOUS, ClickLabel.COUNTED)
"""Labels of which the share is taken."""

FEW: Final = 20
"""Reckoned as if so many honest visits had been made besides: two bots in two clicks are no news."""

SPANS: Final = (1, 30)
"""Days that a report covers: the last one, and the last thirty."""


def suspicion_ppm(counts: Mapping[ClickLabel, int]) -> int:
    """The suspicious share of the visits in parts per million, rounded down, with :data:`FEW` honest ones added."""
    suspicious = sum(counts.get(label, 0) for label in SUSPICIOUS)
    visits = sum(counts.get(label, 0) for label in VISITS)
    return suspicious * 1_000_000 // (visits + FEW)
