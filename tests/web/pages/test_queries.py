"""No page asks more than twelve questions of the database, and none of them reads a whole table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from app.directory import keeping
from app.directory.domain.states import ReportedPart
from app.directory.reports import report_rating
from app.identity.roles import Role
from app.kernel import clock
from app.promo.assets import NewAsset, add_text
from app.referrals.models import Commission, Order
from tests.builders import ACTOR, line
from tests.web.pages.test_directory import publish, rated

if TYPE_CHECKING:
    from tests.builders import World
    from tests.web.pages.conftest import Site

MOST = 12
LARGE = {
    "orders",
    "order_lines",
    "commissions",
    "customers",
    "bindings",
    "decisions",
    "leads",
    "contests",
    "assignments",
    "click_uses",
    "signups",
    "refunds",
    "holds",
    "facts",
    "clicks",
    "partner_profiles",
    "partner_listings",
    "listing_terms",
    "ratings",
    "rating_reports",
    "click_totals",
    "banner_views",
    "click_quality",
    "referrers",
    "users",
    "user_sessions",
    "payouts",
    "payout_destinations",
    "payout_omissions",
    "bank_events",
    "ledger_entries",
    "ledger_transactions",
    "ledger_balances",
    "audit_events",
}
"""Tables that grow with the business."""

NEWEST_FIRST = {"audit_events", "bank_files", "bank_events"}
"""Read backwards along their key up to a page's length: SQLite calls that a scan, too."""


DIRECTORY = (
    "",
    "?q=letters&expertise=1&language=nl&country=NL&price=low&sort=name&after=eve-1",
    "?language=nl&after=eve-1",
    "/zoe-1",
    "/zoe-1?after=ff-1",
    "/zoe-1/message",
)


def fill_directory(world: World) -> None:
    """Two partners, what customers said, and work for staff."""
    now = clock.now()
    keeping.set_directory(world.session, world.program, is_open=True, actor=ACTOR, now=now)
    for name in ("zoe", "eve"):
        publish(world, name)
    rating = rated(world, "r1", 4)
    part = ReportedPart.RATING
    report_rating(world.session, world.referrers["zoe"], rating.rating_id, part, "Untrue", now=now)


def fill(site: Site) -> tuple[int, int]:
    with site.world() as world:
        new = NewAsset("en", "A line for a newsletter")
        add_text(world.session, world.program, new, "Look: {link}", actor=ACTOR, now=clock.now())
        for number in range(30):
            when = (clock.now() - timedelta(days=number + 1)).strftime("%Y-%m-%d %H:%M")
            world.bind("zoe", f"c{number}", when)
            world.order(
                f"o{number}", line("l1"), line("l2", "mail"), customer=f"c{number}", placed=when, paid=when
            )
        commission = world.session.scalars(select(Commission.id).limit(1)).one()
        fill_directory(world)
        order = world.session.scalars(select(Order.id).limit(1)).one()
    site.account("zoe")
    return commission, order


def pages(commission: int, order: int) -> list[tuple[str, str]]:
    mine = [
        "/dashboard",
        "/dashboard?days=365",
        "/dashboard?days=365&by=week",
        "/dashboard/news",
        "/dashboard/commissions",
        "/dashboard/commissions?after=ff-1",
        f"/dashboard/commissions/{commission}",
        "/dashboard/orders",
        f"/dashboard/orders/{order}",
        "/dashboard/payouts",
        "/dashboard/profile",
        "/dashboard/profile/preview",
        "/dashboard/ratings",
        "/dashboard/links",
        "/dashboard/leads",
        "/dashboard/security",
        "/dashboard/team",
        "/account/authenticator/new",
        "/dashboard/promo",
        "/dashboard/why?q=o1",
        "/dashboard/bank-account",
    ]
    staff = [
        "/staff",
        "/staff?period=year",
        "/staff/products",
        "/staff/clicks",
        "/staff/products/versions?sku=web",
        "/staff/rates/new?sku=web",
        "/staff/bonus/new",
        "/staff/what-if",
        "/staff/what-if?rate=12%25&kinds=new&duration=lifetime&window_days=60&from=2026-06-01&to=2026-11-30",
        "/staff/settings",
        "/staff/look",
        "/staff/settings/review",
        "/staff/settings/payments",
        "/staff/settings/books",
        "/staff/settings/api-keys",
        "/staff/settings/people",
        "/staff/search?q=zo",
        "/staff/search?q=zoe@example.org",
        "/staff/referrers",
        "/staff/referrers?q=zoe",
        "/staff/referrers?q=zoe@example.org&sort=-name",
        "/staff/referrers?state=active&from=2026-01-01&sort=code",
        "/staff/referrers/zoe-1",
        "/staff/orders",
        "/staff/orders?q=o1",
        "/staff/orders?referrer=zoe-1",
        "/staff/orders?state=paid&from=2026-01-01&sort=order",
        "/staff/commissions",
        "/staff/commissions?sort=-amount&state=pending",
        "/staff/customers",
        "/staff/customers?referrer=zoe-1&sort=customer",
        "/staff/customers?q=c1",
        "/staff/orders/waiting",
        "/staff/facts",
        f"/staff/orders/{order}",
        "/staff/customers/1",
        "/staff/review",
        "/staff/contests",
        "/staff/directory",
        "/staff/directory/partners/zoe-1",
        "/staff/directory/settings",
        "/staff/promo",
        "/staff/payouts",
        "/staff/bank",
        "/staff/bank/records",
        "/staff/documents",
        "/staff/audit",
        "/staff/audit?what=list.exported&from=2026-01-01",
    ]
    return [
        *(("", path) for path in ("/", "/programs/hosting", "/join", "/login")),
        *(("", f"/programs/hosting/partners{path}") for path in DIRECTORY),
        *(("zoe@example.org", path) for path in mine),
        *(("owner@example.org", path) for path in staff),
    ]


def test_a_page_asks_at_most_twelve_questions(site: Site) -> None:
    site.person("owner@example.org", Role.OWNER)
    for who, path in pages(*fill(site)):
        browser = site.browser(who or None)
        browser.get(path)
        with site.statements() as seen:
            assert browser.get(path).status_code == 200, path
        asked = [
            statement for statement, _ in seen if statement.lstrip().upper().startswith(("SELECT", "WITH"))
        ]
        assert len(asked) <= MOST, (path, len(asked), asked)
        writes = [
            statement for statement, _ in seen if statement.lstrip().upper().startswith(("INSERT", "UPDATE"))
        ]
        assert writes == [], path


def test_no_page_reads_a_whole_table(quick_site: Site) -> None:
    quick_site.person("owner@example.org", Role.OWNER)
    scans: set[tuple[str, str]] = set()
    for who, path in pages(*fill(quick_site)):
        browser = quick_site.browser(who or None)
        with quick_site.statements() as seen:
            browser.get(path)
        with quick_site.services.db.engine.connect() as connection:
            for statement, parameters in seen:
                if not statement.lstrip().upper().startswith(("SELECT", "WITH")):
                    continue
                plan = connection.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                for *_ids, detail in plan.fetchall():
                    words = detail.split()
                    if words[0] == "SCAN" and words[1] in LARGE and "USING INDEX" not in detail:
                        scans.add((path, words[1]))
    assert {scan for scan in scans if scan[1] not in NEWEST_FIRST} == set()


def test_the_database_of_the_plan_test_can_see_a_scan(quick_site: Site) -> None:
    with quick_site.services.db.engine.connect() as connection:
        plan = connection.execute(text("EXPLAIN QUERY PLAN SELECT * FROM orders WHERE method = 'x'")).all()
    assert "SCAN orders" in str(plan)
