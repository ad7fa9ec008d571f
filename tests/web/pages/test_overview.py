"""The staff's overview: a period beside the one before, what is owed, and what a person should look at."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.identity.roles import Role
from app.kernel import clock, heartbeat
from app.overview.reckoning import reckon_overviews
from tests.builders import at, line

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

MOST = 12


def trade(site: Site) -> None:
    """Zoe brought 100.00 in October and 200.00 in November; a refund came before its order."""
    site.person("owner@example.org", Role.OWNER)
    with site.world() as world:
        world.bind("zoe", "c1", "2026-10-05")
        world.bind("zoe", "c2", "2026-11-02")
        world.order("o1", line("l1"), customer="c1", placed="2026-10-06", paid="2026-10-06")
        world.order("o2", line("l1"), customer="c1", placed="2026-11-04", paid="2026-11-04")
        world.order("o3", line("l1"), customer="c2", placed="2026-11-05", paid="2026-11-05")
        world.refund("r1", "unknown-order", full=True)


def test_the_overview_compares_a_period_and_links_each_figure_to_its_source(site: Site) -> None:
    with clock.frozen(at("2026-11-22 12:00")):
        trade(site)
        owner = site.browser("owner@example.org")
        for _again in (False, True):
            page = owner.text("/staff")
            assert (
                "1 November 2026 to 22 November 2026, compared with 1 October 2026 to 22 October 2026" in page
            )
            assert "Revenue by referrers €200.00 +100% from €100.00" in page
            assert "Commissions on it €20.00 10% of the revenue; +100% from €10.00" in page
            assert "Owed to referrers now €30.00" in page
            assert "New paying customers 1 100% of the step before; as before" in page
            assert "Facts that wait for another one 1" in page
            reckon_overviews(site.services.db, clock.now())
        page = owner.text("/staff")
        assert "Counted anew every night" in page
        html = owner.get("/staff?period=year").text
        assert "€300.00" in html
        for href in (
            "/staff/orders",
            "/staff/finance",
            "/staff/clicks",
            "/staff/referrers/zoe-1",
            "/staff/facts",
        ):
            assert f'href="{href}"' in html
        with site.statements() as seen:
            owner.get("/staff?period=last-month")
        assert len([each for each, _ in seen if each.lstrip().upper().startswith(("SELECT", "WITH"))]) <= MOST


def test_a_scheduler_that_is_silent_is_something_to_look_at(quick_site: Site) -> None:
    quick_site.person("help@example.org", Role.SUPPORT)
    helper, redis = quick_site.browser("help@example.org"), quick_site.services.queue.redis
    heartbeat.beat(redis, heartbeat.SCHEDULER, clock.now() - timedelta(minutes=3))
    assert "The scheduler does not run" in helper.text("/staff")
    heartbeat.beat(redis, heartbeat.SCHEDULER, clock.now())
    page = helper.get("/staff").text
    assert "The scheduler does not run" not in page
    assert "Nothing to look at" in page
    # Support may not open the books, so the figure leads nowhere.
    assert "Owed to referrers now" in page
    assert "/staff/finance" not in page
