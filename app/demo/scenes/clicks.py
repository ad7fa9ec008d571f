"""How people, and a few programs, follow referral links."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.demo.events import FollowLink, MakeLink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.demo.scenes.dice import Dice

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/26.0 Safari/605.1.15"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6"
        " Mobile/15E148 Safari/604.1"
    ),
    (
        "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/142.0.0.0 Mobile Safari/537.36"
    ),
)
CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
)
CAMPAIGNS = ("", "", "", "blog", "newsletter", "talk")


def campaign_links(program: str, code: str, at: datetime) -> Iterator[MakeLink]:
    """The links that a referrer made for the campaigns by which visits come."""
    for number, (campaign, to) in enumerate(
        (("blog", ""), ("newsletter", "/products/web-pro"), ("talk", ""))
    ):
        yield MakeLink(at + timedelta(minutes=number), program, code, campaign, to)


class LinkFollower:
    """Makes clicks with keys of their own; ``program`` is a slug."""

    def __init__(self, dice: Dice, program: str) -> None:
        self._dice, self._program, self._made = dice, program, 0

    def visit(self, code: str, at: datetime) -> Iterator[FollowLink]:
        """One visit and what comes with it: now and then a crawler, a prefetch or a double click before it ends.

        The first one is the visit itself, unless it was a program's.
        """
        if self._dice.chance(0.06):
            yield self._click(code, at, agent=self._dice.pick(CRAWLERS))
            return
        visit = self._click(code, at, agent=self._dice.pick(BROWSERS))
        yield visit
        if self._dice.chance(0.05):
            again = at + timedelta(seconds=self._dice.number(1, 8))
            yield self._click(code, again, agent=visit.agent, visitor=visit.visitor, repeats=visit)
        if self._dice.chance(0.03):
            yield self._click(code, at - timedelta(seconds=2), agent=visit.agent, purpose="prefetch")
        if self._dice.chance(0.02):
            yield self._click(code, at - timedelta(minutes=4), agent="curl/8.17.0", method="HEAD")

    def _click(
        self,
        code: str,
        at: datetime,
        *,
        agent: str,
        method: str = "GET",
        purpose: str = "",
        visitor: int | None = None,
        repeats: FollowLink | None = None,
    ) -> FollowLink:
        self._made += 1
        return FollowLink(
            at=at,
            program=self._program,
            code=code,
            campaign=repeats.campaign if repeats else self._dice.pick(CAMPAIGNS),
            key=self._made,
            agent=agent,
            visitor=visitor or self._made,
            method=method,
            purpose=purpose,
            repeats=repeats.key if repeats else None,
        )
