"""Staff compare how the clicks of each referrer were labelled; a referrer sees what was brought along."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.identity.roles import Role
from app.kernel import clock
from app.kernel.clock import local_day
from app.ledger.journal import Entry, Posting, post
from app.ledger.models import LedgerAccount, TransactionKind
from app.referrals.click_record import ClickRecord
from app.referrals.click_report import make_reports
from app.referrals.click_rows import write_clicks
from app.referrals.domain.click_id import milliseconds
from app.referrals.queries.click_quality import PAGE

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site


def clicked(site: Site, name: str, **labels: int) -> None:
    """Clicks of a referrer, yesterday at noon."""
    when = clock.day_start(local_day(clock.now(), "Europe/Amsterdam"), "Europe/Amsterdam") - timedelta(
        hours=12
    )
    with site.world() as world:
        records = [
            ClickRecord(
                event_id=f"{name}-{label}-{number}",
                at_ms=milliseconds(when),
                program_id=world.program.id,
                referrer_id=world.referrers[name].id,
                campaign="",
                visitor="",
                agent="",
                source_host="",
                label=label,
                click_id="",
            )
            for label, count in labels.items()
            for number in range(count)
        ]
        write_clicks(world.session, records)


def test_staff_see_the_most_suspicious_referrer_first(site: Site) -> None:
    site.person("sue@shop.example", Role.SUPPORT)
    browser = site.browser("sue@shop.example")
    assert "No report yet" in browser.text("/staff/clicks")
    clicked(site, "zoe", counted=90, duplicate=9, head=1)
    clicked(site, "eve", counted=10, bot=70, embedded=20)
    make_reports(site.services.db, clock.now())
    said = browser.text("/staff/clicks?days=1")
    assert said.index("Eve") < said.index("Zoe")
    assert "Eve eve-1 100 10 10% 0 70 20 0 0 0 75%" in said
    assert "Zoe zoe-1 100 90 90% 9 0 0 0 0 1 7%" in said
    assert "Clicks from" in browser.text("/staff/clicks?days=30")
    assert "Clicks from" in browser.text("/staff/clicks?days=7")


@pytest.mark.parametrize("after", ["", "x", "1-", "-1", "1-x", "9" * 30 + "-1", "1000000-1"])
def test_a_strange_cursor_is_no_error(quick_site: Site, after: str) -> None:
    quick_site.person("sue@shop.example", Role.SUPPORT)
    assert quick_site.browser("sue@shop.example").get(f"/staff/clicks?after={after}").status_code == 200


def test_a_long_report_goes_on_on_the_next_page(quick_site: Site) -> None:
    quick_site.person("sue@shop.example", Role.SUPPORT)
    for number in range(PAGE + 1):
        with quick_site.world() as world:
            world.join(f"p{number:02}")
        clicked(quick_site, f"p{number:02}", counted=1)
    make_reports(quick_site.services.db, clock.now())
    browser = quick_site.browser("sue@shop.example")
    first = browser.get("/staff/clicks").text
    more = first.partition('class="pager"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    rest = browser.text(more)
    shown = [f"p{number:02}-hosting" for number in range(PAGE + 1)]
    assert sum(code in first for code in shown) == PAGE
    assert [code for code in shown if code in rest] == [code for code in shown if code not in first]


@pytest.mark.parametrize(
    ("language", "word"), [("en", "Opening balance"), ("nl", "Beginsaldo"), ("de", "Anfangssaldo")]
)
def test_what_was_brought_along_stands_among_the_referrers_figures(
    quick_site: Site, language: str, word: str
) -> None:
    browser = quick_site.browser("zoe@example.org")
    headers = {"Accept-Language": language}
    assert word not in browser.get("/dashboard", headers=headers).text
    with quick_site.world() as world:
        sides = ((LedgerAccount.OPENING, 1_250), (LedgerAccount.PAYABLE, -1_250))
        on = local_day(world.now, world.program.timezone)
        zoe = world.referrers["zoe"].id
        entries = tuple(Entry(account, amount, on, referrer_id=zoe) for account, amount in sides)
        kind = TransactionKind.OPENING_BALANCE
        brought = Posting(world.program.id, "EUR", kind, "opening:zoe", entries, effective_on=on)
        post(world.session, brought, posted_at=world.now)
    for path in ("/dashboard", "/dashboard/payouts"):
        page = browser.get(path, headers=headers).text
        assert word in page
        figure = page.partition(word)[2].partition("</div>")[0]
        assert "12.50" in figure or "12,50" in figure
    quick_site.person("sue@shop.example", Role.SUPPORT)
    staff = quick_site.browser("sue@shop.example").get("/staff/referrers/zoe-1", headers=headers).text
    assert word in staff
