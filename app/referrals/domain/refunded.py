"""How much of each line was given back, pure: the same whatever the order in which refunds arrived."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.referrals.words import RefundKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One refund, chargeback or reversal. ``lines`` maps line id to net minor units; ``full`` means every line whole.

    A reversal names the chargeback it ``reverses``; without lines it reverses all of it. ``refunded_at`` dates it in
    the books and decides nothing here.
    """

    refund_id: str
    kind: RefundKind
    full: bool
    lines: Mapping[str, int] = field(default_factory=dict)
    reverses: str | None = None
    refunded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refunded:
    """What was given back in the end: by line, in minor units; ``all_of_it`` where one counted in full."""

    lines: Mapping[str, int]
    all_of_it: bool


def refunded(given_back: Iterable[GivenBack]) -> Refunded:
    """Sum up refunds and chargebacks less their reversals.

    A reversal whose chargeback is not known yet takes nothing back; it counts as soon as that comes.
    """
    everything = list(given_back)
    reversed_whole, reversed_lines = _reversals(everything)
    total: defaultdict[str, int] = defaultdict(int)
    all_of_it = False
    for entry in everything:
        if entry.kind is RefundKind.CHARGEBACK_REVERSAL or entry.refund_id in reversed_whole:
            continue
        all_of_it = all_of_it or entry.full
        for line_id, net in entry.lines.items():
            total[line_id] += max(0, net - reversed_lines[entry.refund_id].get(line_id, 0))
    return Refunded(dict(total), all_of_it)


def _reversals(everything: list[GivenBack]) -> tuple[set[str], dict[str, dict[str, int]]]:
    whole: set[str] = set()
    by_line: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for entry in everything:
        if entry.kind is not RefundKind.CHARGEBACK_REVERSAL or entry.reverses is None:
            continue
        if entry.full or not entry.lines:
            whole.add(entry.reverses)
        for line_id, net in entry.lines.items():
            by_line[entry.reverses][line_id] = by_line[entry.reverses].get(line_id, 0) + net
    return whole, by_line
