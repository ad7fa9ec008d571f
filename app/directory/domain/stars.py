"""What many ratings say together."""

from __future__ import annotations

from typing import Final

LEAST: Final = 1
MOST: Final = 5

_PRIOR: Final = 5
_PRIOR_HALVES: Final = 7
"""A partner is ranked as if five more customers had given three and a half stars: one rating of five does not overtake
fifty of 4.8, and one of one star does not bury a newcomer.
"""


def average_tenths(total: int, count: int) -> int:
    """The average in tenths of a star, half a tenth rounded up; 0 without a rating."""
    return (20 * total + count) // (2 * count) if count else 0


def rank(total: int, count: int) -> int:
    """What the directory is sorted by, in thousandths of a star, rounded down."""
    return 1000 * (2 * total + _PRIOR * _PRIOR_HALVES) // (2 * (count + _PRIOR))
