"""``flask clicks``: the way of clicks into the database."""

from __future__ import annotations

from app.cli.command import House, answer, json_option, parts
from app.referrals.clicks import drain

clicks = House("clicks", help="The click stream.")


@clicks.command("drain")
@json_option
def drain_(as_json: bool) -> None:
    """Write what stream and spool hold now; returns when they are empty."""
    written = drain(parts())
    answer(as_json, {"written": written}, f"{written} clicks written")
