"""The books on the staff pages: seen by finance, owner and auditor, closed by the first two, handed on as files."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from app.finance.settings import Wanted, change_settings
from app.identity.audit import Actor
from app.identity.roles import Role
from app.kernel import clock
from app.ledger.books import closings
from app.payouts.domain.calendar import Period
from tests.web.pages.test_staff import earn

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

BOOKS = "/staff/finance"


@pytest.fixture
def house(quick_site: Site) -> Site:
    """Zoe earned 100.00, 110 days ago; one person of each role is there."""
    earn(quick_site)
    for role in (Role.FINANCE, Role.AUDITOR, Role.SUPPORT):
        quick_site.person(f"{role.value}@example.org", role)
    return quick_site


def first_month() -> Period:
    return Period.of(clock.local_day(clock.now() - timedelta(days=110), "Europe/Amsterdam"))


def test_a_month_is_closed_by_finance_and_only_seen_by_an_auditor(house: Site) -> None:
    finance, auditor = house.browser("finance@example.org"), house.browser("auditor@example.org")
    assert house.browser("support@example.org").get(BOOKS).status_code == 403
    seen = auditor.text(BOOKS)
    assert "Owed to referrers €100.00" in seen
    assert "Close " not in seen
    month = first_month()
    assert auditor.post(f"{BOOKS}/close", {"period": str(month)}, start=BOOKS).status_code == 403
    now = str(Period.of(clock.local_day(clock.now(), "Europe/Amsterdam")))
    early = finance.post(f"{BOOKS}/close", {"period": now}, start=BOOKS)
    assert early.status_code == 302
    assert "is not over yet" in finance.text(BOOKS)
    assert finance.post(f"{BOOKS}/close", {"period": str(month)}, start=BOOKS).status_code == 302
    text = finance.text(BOOKS)
    assert f"{date(month.year, month.month, 1):%B %Y} is closed." in text
    assert "closed on" in text
    with house.services.db.reading() as session:
        assert [each.period for each in closings(session, 1)] == [str(month)]


def test_files_are_handed_out_whole_and_to_nobody_else(house: Site) -> None:
    finance, support = house.browser("finance@example.org"), house.browser("support@example.org")
    month = first_month()
    paths = {
        f"{BOOKS}/liability.csv": "liability-hosting.csv",
        f"{BOOKS}/months/{month}/journal": f"journal-hosting-{month}.csv",
        f"{BOOKS}/people/{month.year}": f"ubd-hosting-{month.year}.csv",
    }
    for path, name in paths.items():
        assert support.get(path).status_code == 403
        answer = finance.get(path)
        assert (answer.status_code, answer.mimetype) == (200, "text/csv")
        assert name in answer.headers["Content-Disposition"]
        assert answer.data  # a stream keeps its request until it is read
    journal = csv.DictReader(StringIO(finance.get(f"{BOOKS}/months/{month}/journal").text))
    assert [(row["ledger_account"], row["debit"], row["credit"]) for row in journal] == [
        ("commission_expense", "100.00", ""),
        ("payable", "", "100.00"),
    ]
    (owed,) = csv.DictReader(StringIO(finance.get(f"{BOOKS}/liability.csv").text))
    assert owed["total"] == "100.00"
    batch = f"{BOOKS}/months/{month}/datev"
    assert finance.get(batch).status_code == 302
    assert "DATEV needs the adviser" in finance.text(BOOKS)
    with house.world() as world:
        wanted = Wanted(adviser=29098, client=55003)
        change_settings(world.session, world.program, wanted, by=Actor.cli(), now=world.now)
    assert finance.get(batch).data.startswith(b'"EXTF";700;21;"Buchungsstapel";13;')
    for path in (f"{BOOKS}/months/2026-13/journal", f"{BOOKS}/months/{month}/pdf", f"{BOOKS}/people/1"):
        assert finance.get(path).status_code == 404
