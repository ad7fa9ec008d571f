"""Six months of the partner directory: customers of the marketing software choose who helps them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.demo.cast import DIRECTORY, Person, partners
from app.demo.events import Join, Report, SignUp
from app.demo.scenes.businesses import business_events
from app.demo.scenes.clicks import LinkFollower
from app.demo.scenes.orders import Goods, Till
from app.referrals.facts import PartnerChoiceFact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.demo.events import Event
    from app.demo.scenes.dice import Dice

DAY = timedelta(days=1)
GOODS = {Goods("studio-s", 2_900, monthly=True): 3, Goods("studio-l", 9_900, monthly=True): 2}
CUSTOMERS_EACH = 9


def directory_events(dice: Dice, start: datetime, now: datetime, count: int) -> list[Event]:
    """Everything that happens in the directory until ``now``, not yet in order of time."""
    return list(_Directory(dice, start, now, partners(count)).events())


class _Directory:
    def __init__(self, dice: Dice, start: datetime, now: datetime, people: list[Person]) -> None:
        self._dice, self._start, self._now, self._people = dice, start, now, people
        self._links, self._till = LinkFollower(dice, DIRECTORY), Till(dice, DIRECTORY, "KS")
        self._customers = 20_000

    def events(self) -> Iterator[Event]:
        """Everyone joins, then every customer's story."""
        for position, person in enumerate(self._people):
            joined = self._start + timedelta(hours=1, minutes=position)
            yield Join(joined, DIRECTORY, person.code, person.name, person.email, person.locale, person.iban)
        yield from business_events(self._start, self._people)
        for _ in range(CUSTOMERS_EACH * len(self._people)):
            yield from self._customer()

    def _customer(self) -> Iterator[Event]:
        """Signs up (sometimes by a partner's link), pays every month, chooses a partner, perhaps ends it."""
        self._customers += 1
        customer_id = f"S{self._customers}"
        at = self._dice.within(self._start + DAY, (self._now - self._start) * 3 / 4)
        keys: tuple[int, ...] = ()
        if self._dice.chance(0.3):
            clicks = list(self._links.visit(self._partner().code, at - timedelta(minutes=30)))
            yield from clicks
            keys = (clicks[0].key,)
        yield SignUp(at, DIRECTORY, customer_id, f"team{self._customers}@example.net", keys)
        goods = [self._dice.some(GOODS)]
        first = at + timedelta(minutes=self._dice.number(3, 200))
        yield from self._till.sell(customer_id, first, goods)
        yield from self._till.renew(customer_id, first, self._now, goods)
        yield from self._choices(customer_id, at)

    def _choices(self, customer_id: str, signed_up: datetime) -> Iterator[Event]:
        if self._dice.chance(0.2):
            return
        chosen = self._dice.within(signed_up + timedelta(hours=1), 20 * DAY)
        yield Report(chosen, DIRECTORY, PartnerChoiceFact(customer_id, self._partner().code, chosen))
        if self._dice.chance(0.08):
            ended = self._dice.within(chosen + 10 * DAY, 60 * DAY)
            yield Report(ended, DIRECTORY, PartnerChoiceFact(customer_id, None, ended))

    def _partner(self) -> Person:
        return self._dice.pick(tuple(self._people))
