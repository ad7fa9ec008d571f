"""What happened, made up from a seed. Pure: no database, no clock; the same arguments give the same history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.demo.scenes.dice import Dice
from app.demo.scenes.directory import directory_events
from app.demo.scenes.hosting import hosting_events

if TYPE_CHECKING:
    from datetime import datetime

    from app.demo.events import Event

PARTNER_SHARE = 6


def history(start: datetime, now: datetime, *, referrers: int, seed: int) -> list[Event]:
    """Everything that happened from ``start`` until ``now`` (exclusive), in order of time.

    Of ``referrers`` people one in six, at most six and at least one, is a partner of the directory.
    """
    partners = max(1, min(PARTNER_SHARE, referrers // PARTNER_SHARE))
    events = hosting_events(Dice(f"{seed}:hosting"), start, now, referrers - partners)
    events += directory_events(Dice(f"{seed}:directory"), start, now, partners)
    happened = [event for event in events if event.at < now]
    # Sorting is stable: what a scene made first at the same instant stays first.
    return sorted(happened, key=lambda event: event.at)
