"""The overview's totals: the night's reckoning says what the facts say, and what came since is counted besides."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

import pytest

from app.finance.basis import as_known
from app.finance.owed import liability
from app.jobs import perform
from app.jobs.registry import RECKON_OVERVIEWS
from app.jobs.schedule import TICKS
from app.kernel import clock
from app.overview.brought import Brought
from app.overview.owed import owed_now
from app.overview.periods import Compared, Days, Span, compared
from app.overview.reckoning import reckon_overviews
from app.overview.totals import Totals, totals
from app.referrals.models import Program
from tests.builders import World, at, line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.finance.owed import Owed
    from app.services import Services

NIGHT = at("2026-11-22 01:00")
TODAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with clock.frozen(at("2026-11-22 12:00")):
        yield


class Trade:
    """A programme whose orders of two months belong to ada and bob."""

    def __init__(self, services: Services) -> None:
        self.services = services
        with services.db.transaction() as session:
            world = World.build(session)
            self.program_id = world.program.id
            world.bind("ada", "c1", "2026-10-05")
            world.bind("bob", "c2", "2026-11-02")
            world.signup("c3", when="2026-11-03")
            # 100.00 and 50.00 net; the second does not take part but was brought all the same.
            world.order(
                "o1",
                line("l1"),
                line("l2", "mail", 5_000),
                customer="c1",
                placed="2026-10-06",
                paid="2026-10-06",
            )
            world.order("o2", line("l1"), customer="c1", placed="2026-11-04", paid="2026-11-04")
            world.order("o3", line("l1"), customer="c2", placed="2026-11-20", paid="2026-11-20")
            world.order("o4", line("l1"), customer="c3", placed="2026-11-20", paid="2026-11-20")
            world.refund("r1", "o3", l1=4_000, when="2026-11-21")

    @contextmanager
    def world(self) -> Iterator[World]:
        with self.services.db.transaction() as session:
            world = World(session, session.get_one(Program, self.program_id), self.services.referrals)
            yield world

    def totals(self, span: Span = Span.MONTH) -> Totals:
        with self.services.db.reading() as session:
            program = session.get_one(Program, self.program_id)
            return totals(session, program, compared(span, TODAY), top=5)

    def owed(self) -> tuple[Owed, Owed]:
        """As the overview has it, and as the books have it from the entries."""
        with self.services.db.reading() as session:
            program = session.get_one(Program, self.program_id)
            books = liability(session, as_known(program, at("2026-12-31")))
            return owed_now(session, self.program_id, date(2026, 12, 31)), books


def test_what_referrers_brought_is_the_same_before_and_after_the_nightly_reckoning(
    services: Services,
) -> None:
    trade = Trade(services)
    live = trade.totals()
    assert live.until is None
    # The order of the customer without a referrer is nobody's; a refund lowers the day of its order.
    assert live.now == Brought(1, 1, 1, 2, 16_000, 1_600)
    assert live.before == Brought(1, 1, 1, 1, 15_000, 1_000)
    assert [(each.code, each.brought.revenue_minor) for each in live.top] == [
        ("ada-hosting", 10_000),
        ("bob-hosting", 6_000),
    ]
    assert RECKON_OVERVIEWS in {tick.name for tick in TICKS}
    perform(services, RECKON_OVERVIEWS, [])
    reckoned = trade.totals()
    assert reckoned.until == date(2026, 11, 21)
    assert (reckoned.now, reckoned.before, reckoned.top) == (live.now, live.before, live.top)
    assert reckon_overviews(services.db, NIGHT) == 0
    year = trade.totals(Span.YEAR)
    assert year.now == Brought(2, 2, 2, 3, 31_000, 2_600)
    assert [each.brought.revenue_minor for each in year.top] == [25_000, 6_000]
    assert trade.totals(Span.LAST_MONTH).now == live.before


def test_what_comes_after_the_reckoning_is_counted_at_once_and_a_refund_of_earlier_the_next_night(
    services: Services,
) -> None:
    trade = Trade(services)
    reckon_overviews(services.db, NIGHT)
    with trade.world() as world:
        world.order("o5", line("l1"), customer="c2", placed="2026-11-22 09:00", paid="2026-11-22 09:00")
        world.refund("r2", "o2", l1=10_000, when="2026-11-22")
    seen = trade.totals()
    assert seen.now == Brought(1, 1, 1, 3, 26_000, 2_600)
    assert [(each.code, each.brought.revenue_minor) for each in seen.top] == [
        ("bob-hosting", 16_000),
        ("ada-hosting", 10_000),
    ]
    assert trade.owed()[0] == trade.owed()[1]
    reckon_overviews(services.db, at("2026-11-23 01:00"))
    assert trade.totals().now == Brought(1, 1, 1, 3, 16_000, 1_600)
    assert trade.owed()[0] == trade.owed()[1]


def test_what_is_owed_is_the_ledgers_sum_whatever_was_carried_forward(services: Services) -> None:
    trade = Trade(services)
    ours, books = trade.owed()
    assert ours == books
    assert ours.total == 2_600
    reckon_overviews(services.db, NIGHT)
    assert trade.owed()[0] == books


def test_a_period_is_held_against_the_same_days_before_it() -> None:
    spring = date(2026, 3, 31)
    assert compared(Span.MONTH, spring) == Compared(
        Days(date(2026, 3, 1), spring), Days(date(2026, 2, 1), date(2026, 2, 28))
    )
    assert compared(Span.LAST_MONTH, spring).before == Days(date(2026, 1, 1), date(2026, 1, 31))
    year = compared(Span.YEAR, spring)
    assert year.now == Days(date(2025, 4, 1), spring)
    assert year.before == Days(date(2024, 4, 1), date(2025, 3, 31))
