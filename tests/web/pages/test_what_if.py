"""Staff ask what past orders would have earned under other terms; the answer comes while it is reckoned."""

from __future__ import annotations

import csv
import re
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.dashboard.presenters.staff import what_if as presenter
from app.identity.roles import Role
from app.models import metadata
from app.referrals import whatif
from app.referrals.whatif import Shift
from tests.builders import at, line
from tests.web.pages.conftest import words_of

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site

KINDS = ("new", "renewal", "upgrade", "addon")
DAYS = {"from": "2026-09-01", "to": "2026-09-30"}
OWNER = "owner@shop.example"


def asking(path: str = "/staff/what-if", **given: object) -> str:
    """The address that the form leads to; what is not given was left empty."""
    empty = dict.fromkeys(
        ("rate", "sku", "referrer", "months", "window_days", "attribution", "hold_days"), ""
    )
    fields = {"program": "hosting", **empty, "duration": "lifetime", "kinds": KINDS, **DAYS, **given}
    return f"{path}?{urlencode({name.rstrip('_'): value for name, value in fields.items()}, doseq=True)}"


def sell(site: Site) -> None:
    """In September 100.00 by zoe's customer and 200.00 by eve's, at 10 %; the hold period is 21 days."""
    with site.world() as world:
        for name, customer, net in (("zoe", "c1", 10_000), ("eve", "c2", 20_000)):
            world.bind(name, customer)
            world.order(f"o{customer}", line("l1", "web", net), customer=customer)


def rows(site: Site) -> dict[str, int]:
    with site.services.db.reading() as session:
        return {
            name: session.scalars(select(func.count()).select_from(table)).one()
            for name, table in metadata.tables.items()
        }


@pytest.fixture
def owner(quick_site: Site) -> Browser:
    quick_site.person(OWNER, Role.OWNER)
    return quick_site.browser(OWNER)


def test_the_owner_sees_each_referrers_difference_and_nothing_is_posted(site: Site) -> None:
    site.person(OWNER, Role.OWNER)
    sell(site)
    browser = site.browser(OWNER)
    browser.get("/staff/what-if")
    before = rows(site)
    said = browser.text(asking(rate="12,5%", sku="web"))
    assert "Was €30.00 Would be €37.50 Difference +€7.50" in said
    assert said.index("Eve eve-1 €20.00 €25.00 +€5.00") < said.index("Zoe zoe-1 €10.00 €12.50 +€2.50")
    assert "Orders paid from 1 September 2026 to 30 September 2026." in said
    assert "Reckoned: 2 customers." in said
    assert rows(site) == before


SUPPOSITIONS: list[tuple[dict[str, Any], str]] = [
    ({"rate": "20%", "sku": "web", "referrer": "zoe-1"}, "Difference +€10.00"),
    ({"rate": "none", "sku": "web", "referrer": "EVE-1"}, "Difference \u2212€20.00"),
    ({"rate": "20%", "sku": "web", "kinds": ("renewal",)}, "Difference \u2212€30.00"),
    ({"rate": "5.00", "sku": "web", "duration": "months", "months": "1"}, "Difference \u2212€20.00"),
    # The product's own rate still wins over one for everything else.
    ({"rate": "20%"}, "Difference €0.00"),
    ({"hold_days": "0"}, "Payable by the end €30.00 was €0.00"),
    ({"rate": "20%", "sku": "web", "to": "2026-09-09"}, "Nobody is concerned"),
    ({"rate": "20%", "sku": "web", "from": "2026-09-10", "to": "2026-09-10"}, "Difference +€30.00"),
    ({"rate": "20%", "sku": "web", "from": "2026-09-11"}, "Nobody is concerned"),
    ({"attribution": "first_click", "window_days": "365"}, "Difference"),
    (
        {"rate": "10%", "sku": "web", "tiers": "2 = 20%"},
        "20% from customer number 2 of the calendar month on",
    ),
    # Each has one customer of the month, so no step is reached; the first step is 2.
    ({"rate": "10%", "sku": "web", "tiers": "2 = 20%", "tier_basis": "total"}, "Difference €0.00"),
    ({"rate": "10%", "sku": "web", "cap_order": "15"}, "Difference \u2212€5.00"),
    ({"rate": "10%", "sku": "web", "cap_customer": "5,00"}, "Difference \u2212€20.00"),
    ({"signup_bonus": "7.50"}, "Sign-up bonus €7.50"),
    ({"signup_bonus": "7.50"}, "Difference +€15.00"),
    ({"signup_bonus": "7.50", "referrer": "zoe-1"}, "Difference +€7.50"),
    ({"rate": "20%", "sku": "web", "signup_bonus": "1"}, "Difference +€32.00"),
]


def test_each_supposition_is_reckoned(quick_site: Site, owner: Browser) -> None:
    sell(quick_site)
    for given, said in SUPPOSITIONS:
        assert said in owner.text(asking(**given)), given


NONSENSE: list[tuple[dict[str, Any], str | None, str]] = [
    ({}, None, "Suppose at least one thing"),
    ({"rate": "a lot"}, "rate", "Write 10%, 5.00 or none."),
    ({"rate": "101%"}, "rate", "Write 10%, 5.00 or none."),
    ({"rate": "10%", "duration": "months"}, "months", "Please fill in the number of months."),
    ({"rate": "10%", "duration": "months", "months": "241"}, "months", "From 1 to 240 months."),
    ({"rate": "10%", "duration": "ever"}, "duration", "Not a valid choice"),
    ({"rate": "10%", "kinds": ()}, "kinds", "Choose at least one kind of order."),
    ({"rate": "10%", "kinds": ("gift",)}, "kinds", "not a valid choice"),
    ({"rate": "10%", "sku": "shoes"}, "sku", "There is no such product."),
    ({"rate": "10%", "referrer": "nobody"}, "referrer", "There is no referrer with this code."),
    ({"sku": "web", "hold_days": "3"}, "sku", "This goes with a rate, which is missing."),
    ({"referrer": "zoe-1", "hold_days": "3"}, "referrer", "This goes with a rate, which is missing."),
    ({"tiers": "3 = 12%", "hold_days": "3"}, "tiers", "This goes with a rate, which is missing."),
    ({"cap_order": "5", "signup_bonus": "3"}, "cap_order", "This goes with a rate, which is missing."),
    ({"signup_bonus": "10%"}, "signup_bonus", "Write an amount such as 10.00, or none."),
    ({"rate": "10%", "tiers": "3 = 9%"}, "tiers", "each rate must be higher than the one before"),
    ({"rate": "10%", "cap_customer": "0"}, "cap_customer", "Write an amount above 0"),
    ({"window_days": "0"}, "window_days", "From 1 to 365 days."),
    ({"window_days": "366"}, "window_days", "From 1 to 365 days."),
    ({"window_days": "many"}, "window_days", "Not a valid integer value"),
    ({"hold_days": "-1"}, "hold_days", "From 0 to 365 days."),
    ({"hold_days": "366"}, "hold_days", "From 0 to 365 days."),
    ({"attribution": "dice"}, "attribution", "Not a valid choice"),
    ({"hold_days": "3", "from": ""}, "from", "Please choose a day."),
    ({"hold_days": "3", "to": ""}, "to", "Please choose a day."),
    ({"hold_days": "3", "from": "soon"}, "from", "Not a valid date value"),
    ({"hold_days": "3", "from": "0001-01-01"}, "from", "Choose a day from 2000 to 2099."),
    ({"hold_days": "3", "to": "9999-12-31"}, "to", "Choose a day from 2000 to 2099."),
    ({"hold_days": "3", "to": "2026-08-31"}, "to", "The last day lies before the first."),
    ({"hold_days": "3", "to": "2028-09-01"}, "to", "At most 24 months."),
]


def test_what_makes_no_sense_is_said_beside_its_field(owner: Browser) -> None:
    for given, field, said in NONSENSE:
        answer = owner.get(asking(**given))
        assert answer.status_code == 422, given
        assert said in words_of(answer.text), given
        if field:
            error = re.search(rf'(?s)id="{field}-error">(.*?)</p>', answer.text)
            assert error is not None, given
            assert said in words_of(error[1]), given
        file = owner.get(asking("/staff/what-if.csv", **given))
        assert file.status_code == 302, given
        assert said in words_of(owner.get(file.headers["Location"]).text), given


def test_a_range_of_24_months_is_answered(owner: Browser) -> None:
    assert owner.get(asking(hold_days="3", to="2028-08-31")).status_code == 200


def test_the_page_says_how_far_it_is_while_it_reckons(
    quick_site: Site, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whatif, "_TOGETHER", 1)
    with quick_site.world() as world:
        for number in range(9):
            world.bind("zoe", f"c{number}")
            world.order(f"o{number}", line(), customer=f"c{number}")
    with quick_site.statements() as seen:
        answer = owner.get(asking(hold_days="3"), buffered=False)
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert "Content-Length" not in answer.headers
        at_step: list[int] = []
        whole = ""
        for piece in answer.iter_encoded():
            whole += piece.decode()
            if len(at_step) < whole.count("<progress") - 1:
                at_step.append(len(seen))
    assert len(at_step) == 9
    assert at_step == sorted(set(at_step))
    assert re.findall(r'value="(\d)"\s+max="9"', whole) == list("123456789")
    assert "3 of 9 customers" in whole
    # Read out: a quarter, a half, three quarters and the whole.
    assert re.findall(r'class="hidden-text">(\d) of', whole) == ["3", "5", "7", "9"]
    assert whole.index("9 of 9") < whole.index("Reckoned: 9 customers.") < whole.index("For each referrer")
    assert whole.rstrip().endswith("</html>")


def test_a_hundred_steps_are_enough() -> None:
    assert len(list(presenter.percents([1] * 5_000, 5_000))) == 100
    assert [done for done, _ in presenter.percents([300, 300], 400)] == [300, 400]
    assert list(presenter.percents([], 0)) == []


def test_a_database_that_gives_up_half_way_is_said_on_the_page(
    quick_site: Site, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell(quick_site)

    def gives_up(*_given: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(whatif, "look_at_bindings", gives_up)
    answer = owner.get(asking(hold_days="3"))
    assert "It was interrupted" in answer.text
    assert "For each referrer" not in answer.text
    assert "gone" not in answer.text
    assert answer.text.rstrip().endswith("</html>")


def test_the_file_says_the_same_of_everybody(quick_site: Site, owner: Browser) -> None:
    sell(quick_site)
    asked = {"rate": "5%", "sku": "web", "hold_days": "0"}
    page = owner.get(asking(**asked)).text
    link = re.search(r'href="(/staff/what-if\.csv\?[^"]+)"', page)
    assert link is not None
    file = owner.get(link[1].replace("&amp;", "&"))
    assert file.mimetype == "text/csv"
    assert file.headers["Content-Disposition"] == (
        "attachment; filename=what-if-hosting-2026-09-01-2026-09-30.csv"
    )
    assert file.headers["Cache-Control"] == "no-store"
    head, *body = csv.reader(StringIO(file.text, newline=""))
    assert head == [
        "referrer",
        "currency",
        "was",
        "would_be",
        "difference",
        "payable_was",
        "payable_would_be",
    ]
    assert body == [
        ["eve-1", "EUR", "20.00", "10.00", "-10.00", "0.00", "10.00"],
        ["zoe-1", "EUR", "10.00", "5.00", "-5.00", "0.00", "5.00"],
    ]


def test_no_spreadsheet_takes_a_code_for_a_formula() -> None:
    written = presenter.sheet_lines({"-1-2": Shift(was=1), "=cmd": Shift(), "abc": Shift()}, "EUR")
    assert [line.split(",")[0] for line in written] == ["'-1-2", "'=cmd", "abc"]


def test_the_page_shows_those_whom_it_concerns_most(quick_site: Site) -> None:
    found = {f"r{number:03}": Shift(would_be=number % 90) for number in range(300)}
    assert presenter.most_concerned(found)[:4] == ["r089", "r179", "r269", "r088"]
    with quick_site.app.test_request_context():
        answer = presenter.answer(
            found, {}, currency="EUR", customers=1, last=at("2026-09-30").date(), file_href="/x"
        )
    assert len(answer.table.rows) == presenter.MOST
    assert "the file has all 300" in answer.table.note


def test_who_may_change_rates_may_ask_and_nobody_else(quick_site: Site, owner: Browser) -> None:
    assert 'href="/staff/what-if"' in owner.get("/staff/products").text
    for role in (Role.SUPPORT, Role.FINANCE, Role.AUDITOR):
        quick_site.person(f"{role}@shop.example", role)
        other = quick_site.browser(f"{role}@shop.example")
        assert 'href="/staff/what-if"' not in other.get("/staff/products").text
        for path in ("/staff/what-if", "/staff/what-if.csv"):
            assert other.get(asking(path, hold_days="3")).status_code == 403
            assert quick_site.browser("zoe@example.org").get(path).status_code == 404


def test_the_answer_speaks_the_readers_language_to_its_end(quick_site: Site, owner: Browser) -> None:
    sell(quick_site)
    for language, said in (("nl", "Verschil +€ 3,00"), ("de", "Unterschied +3,00 €")):
        owner.post("/preferences", {"language": language}, start="/staff")
        assert said in owner.text(asking(rate="11%", sku="web"))


def test_asked_for_its_head_alone_it_reckons_nothing(quick_site: Site, owner: Browser) -> None:
    sell(quick_site)
    with quick_site.statements() as seen:
        assert owner.client.head(asking(hold_days="3")).status_code == 200
    assert not [statement for statement, _ in seen if "commissions" in statement]
