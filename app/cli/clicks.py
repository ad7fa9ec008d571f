"""``flask clicks``: the way of clicks into the database, and how they were labelled."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from app.cli.command import BadInput, House, answer, json_option, parts, program_of
from app.kernel import clock
from app.referrals.clicks import drain
from app.referrals.domain.click_label import ClickLabel
from app.referrals.queries.click_quality import PAGE, quality

if TYPE_CHECKING:
    from datetime import datetime

    from app.referrals.queries.click_quality import QualityRow

clicks = House("clicks", help="The click stream, and the labels of clicks.")

_PERCENT = 10_000
_FIRST_YEAR = 1990


@clicks.command("drain")
@json_option
def drain_(as_json: bool) -> None:
    """Write what stream and spool hold now; returns when they are empty."""
    written = drain(parts())
    answer(as_json, {"written": written}, f"{written} clicks written")


@clicks.command("report")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=30,
    show_default=True,
    help="How many days up to and including the last one.",
)
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="The last day. Default: yesterday."
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=PAGE, show_default=True, help="How many referrers."
)
@json_option
def report(slug: str, days: int, until: datetime | None, limit: int, as_json: bool) -> None:
    """Print how each referrer's clicks were labelled, the most suspicious first.

    Suspicion is the share of repeated, automatic, embedded and wrongly tagged visits, with 20 honest ones added, so
    that few clicks weigh little. The figures come from the daily totals, which outlive the clicks.
    """
    with parts().db.reading() as session:
        program = program_of(session, slug)
        yesterday = clock.local_day(clock.now(), program.timezone) - timedelta(days=1)
        last = until.date() if until else yesterday
        if last.year < _FIRST_YEAR:
            raise BadInput(f"--until: there were no clicks in the year {last.year}")
        rows = quality(session, program.id, last, days, limit)
    first = last - timedelta(days=days - 1)
    shown = {
        "program": program.slug,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "referrers": [_shown(row) for row in rows],
    }
    answer(as_json, shown, f"{program.slug}, {first} to {last}", *_table(rows))


def _shown(row: QualityRow) -> dict[str, Any]:
    return {
        "referrer": row.code,
        "clicks": row.clicks,
        "labels": {label.value: count for label, count in row.counts.items()},
        "counted_ppm": row.counted_ppm,
        "suspicion_ppm": row.suspicion_ppm,
    }


def _table(rows: list[QualityRow]) -> list[str]:
    if not rows:
        return ["no clicks"]
    labels = list(ClickLabel)
    lines = [f"{'referrer':<32}" + "".join(f"{label.value:>11}" for label in labels) + "  counted  suspicion"]
    for row in rows:
        counts = "".join(f"{row.counts[label]:>11}" for label in labels)
        shares = f"{row.counted_ppm // _PERCENT:>8}%{row.suspicion_ppm // _PERCENT:>10}%"
        lines.append(f"{row.code:<32}{counts}{shares}")
    return lines
