"""Six months of the hosting programme: links, signups, orders, a coupon, an own purchase, a suspension."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.demo.cast import HOSTING, Person, referrers
from app.demo.events import FollowLink, Join, MakeCoupon, SetRate, SignUp, Suspend
from app.demo.scenes.clicks import LinkFollower, campaign_links
from app.demo.scenes.orders import Goods, Till

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.demo.events import Event
    from app.demo.scenes.dice import Dice

DAY = timedelta(days=1)
GOODS = {
    Goods("web-start", 6_000): 30,
    Goods("web-pro", 18_000): 22,
    Goods("vps-4", 2_400, monthly=True): 20,
    Goods("mailbox", 2_400): 14,
}
ALONG = (Goods("domain", 900), Goods("domain", 900), Goods("migration", 9_500))
SIGNUP_SHARE = 0.045
SUSPENDED_AFTER = 0.7
USUAL_CAST = 34


def hosting_events(dice: Dice, start: datetime, now: datetime, count: int) -> list[Event]:
    """Everything that happens in the hosting programme until ``now``, scene by scene, not yet in order of time."""
    return list(_Hosting(dice, start, now, referrers(count)).events())


class _Hosting:
    def __init__(self, dice: Dice, start: datetime, now: datetime, people: list[Person]) -> None:
        self._dice, self._start, self._now, self._people = dice, start, now, people
        self._links, self._till = LinkFollower(dice, HOSTING), Till(dice, HOSTING, "KH")
        self._customers = 10_000

    def events(self) -> Iterator[Event]:
        """Referrer by referrer, then what concerns nobody's link."""
        for position, person in enumerate(self._people):
            joined = self._joined(position)
            yield Join(joined, HOSTING, person.code, person.name, person.email, person.locale, person.iban)
            yield from self._traffic(person, joined, position)
        yield from self._extras()
        for _ in range(self._share_of(15)):
            yield from self._customer(self._dice.within(self._start, self._now - self._start))

    def _share_of(self, usual: int) -> int:
        """``usual`` of the demo with 34 referrers, in proportion for a smaller or larger cast; at least one."""
        return max(1, usual * len(self._people) // USUAL_CAST)

    def _joined(self, position: int) -> datetime:
        """The first ones join on the first day, the others over the first two thirds of the time."""
        if position < 5:  # noqa: PLR2004 - who is there from the beginning
            return self._start + timedelta(minutes=10 + position)
        return self._dice.within(self._start, (self._now - self._start) * 2 / 3)

    def _traffic(self, person: Person, joined: datetime, position: int) -> Iterator[Event]:
        """Days with visits: many for the first referrers, few for most, none for some."""
        visits_a_day = 0.0 if position % 11 == 10 else 2.6 / (1 + position / 4)  # noqa: PLR2004
        day = joined.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        while day < self._now:
            for _ in range(self._dice.how_many(visits_a_day)):
                yield from self._visit(person, self._dice.daytime(day))
            day += DAY

    def _visit(self, person: Person, at: datetime) -> Iterator[Event]:
        clicks = list(self._links.visit(person.code, at))
        yield from clicks
        first = clicks[0]
        if "bot" not in first.agent and self._dice.chance(SIGNUP_SHARE):
            signs_up = self._dice.within(
                at + timedelta(minutes=1), self._dice.pick((DAY / 24, DAY / 24, 20 * DAY))
            )
            yield from self._customer(signs_up, clicks=(first,))

    def _customer(
        self,
        at: datetime,
        *,
        clicks: tuple[FollowLink, ...] = (),
        coupon: str | None = None,
        code: str | None = None,
        email: str | None = None,
    ) -> Iterator[Event]:
        """A signup, a first order soon after, and renewals of what is paid monthly."""
        self._customers += 1
        number = self._customers
        keys = tuple(click.key for click in clicks)
        yield SignUp(at, HOSTING, f"K{number}", email or f"kunde{number}@example.net", keys, coupon, code)
        goods = list(dict.fromkeys(self._dice.some(GOODS) for _ in range(self._dice.number(1, 2))))
        if self._dice.chance(0.5):
            goods.append(self._dice.pick(ALONG))
        ordered = self._dice.within(at + timedelta(minutes=2), timedelta(hours=6))
        yield from self._till.sell(f"K{number}", ordered, goods)
        yield from self._till.renew(f"K{number}", ordered, self._now, goods)

    def _extras(self) -> Iterator[Event]:
        span = self._now - self._start
        anna, bram = self._people[0], self._people[min(1, len(self._people) - 1)]
        yield MakeCoupon(self._start + DAY, HOSTING, anna.code, "ANNA10")
        yield from campaign_links(HOSTING, anna.code, self._start + DAY)
        for _ in range(self._share_of(6)):
            yield from self._customer(
                self._dice.within(self._start + 2 * DAY, span - 3 * DAY), coupon="ANNA10"
            )
        for _ in range(self._share_of(4)):
            yield from self._customer(
                self._dice.within(self._start + 2 * DAY, span - 3 * DAY), code=bram.code
            )
        # Anna buys through her own link under a tagged address: taken under review.
        own = next(iter(self._links.visit(anna.code, self._now - 9 * DAY)))
        yield own
        yield from self._customer(
            own.at + timedelta(minutes=5), clicks=(own,), email=anna.email.replace("@", "+shop@")
        )
        yield SetRate(self._start + span / 2, HOSTING, "18%", sku="web-pro")
        yield SetRate(self._start + span / 3, HOSTING, "12.5%", sku="vps-4", code=bram.code)
        if len(self._people) > 3:  # noqa: PLR2004 - a small cast keeps everybody
            reason = "Bought advertisements on our own name, against the terms"
            yield Suspend(self._start + span * SUSPENDED_AFTER, HOSTING, self._people[3].code, reason)
