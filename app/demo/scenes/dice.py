"""The demo's seeded chance."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random  # noqa: TID251 - seeded, so that the same demo comes out every time
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Chance that repeats: the same seed and the same questions give the same answers."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)  # noqa: S311 - not for secrets

    def chance(self, share: float) -> bool:
        """Whether something happens that happens in ``share`` of all cases."""
        return self._random.random() < share

    def pick(self, choices: tuple[T, ...]) -> T:
        """One of the choices."""
        return self._random.choice(choices)

    def some(self, weights: dict[T, int]) -> T:
        """One of the keys, as often as its weight says."""
        return self._random.choices(list(weights), list(weights.values()))[0]

    def number(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        return self._random.randint(low, high)

    def within(self, start: datetime, span: timedelta) -> datetime:
        """An instant in ``[start, start + span)``, to the millisecond."""
        return start + timedelta(milliseconds=int(self._random.random() * span / timedelta(milliseconds=1)))

    def daytime(self, day: datetime) -> datetime:
        """An instant of the day that begins at ``day``, when people are awake."""
        hours = min(23.9, max(0.0, self._random.gauss(14.0, 4.0)))
        return self.within(day + timedelta(hours=int(hours)), timedelta(hours=1))

    def how_many(self, mean: float) -> int:
        """A count that is ``mean`` on average (Poisson, by Knuth's method; for small means)."""
        limit, count, product = 2.718281828459045**-mean, 0, self._random.random()
        while product > limit:
            count += 1
            product *= self._random.random()
        return count
