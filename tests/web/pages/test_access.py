"""Who may open what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from flask import url_for
from sqlalchemy import select

from app.dashboard.access import ACCESS, OWN
from app.identity.roles import PERMISSIONS, STAFF, Action, Role
from app.referrals.models import Referrer
from tests.web.pages.conftest import PASSWORD, Browser

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

ELSEWHERE = {
    "healthz": "public: liveness",
    "readyz": "public: readiness",
    "metrics": "loopback or a token",
}
"""Routes of other edges that are not the API, with who may call them."""

NUMBERS: dict[str, Any] = {
    "commission_id": 1,
    "order_id": 1,
    "payout_id": 1,
    "hold_id": 1,
    "customer_id": 1,
    "contest_id": "con_x",
    "rating_id": "rat_x",
    "report_id": "rep_x",
    "key": 1,
    "asset_id": 1,
    "digest": "0" * 64,
    "file_id": 1,
    "document_id": 1,
    "period": "2026-09",
    "kind": "journal",
    "year": 2026,
    "event_id": 1,
    "code": "zoe-1",
    "name": "hosting:2026-10:EUR:1",
    "slug": "hosting",
    "token": "x",
    "session_id": 1,
    "passkey_id": "psk_x",
    "invitation": "inv_x",
    "person": "usr_x",
    "prefix": "rfl_x",
    "public_id": "usr_x",
    "link_id": 1,
    "suffix": "svg",
}


def routes(site: Site, *, public: bool = False) -> list[tuple[str, str, str]]:
    """(endpoint, method, path) of the pages that are public, or of those that are not."""
    found: list[tuple[str, str, str]] = []
    with site.app.test_request_context():
        for rule in site.app.url_map.iter_rules():
            if rule.endpoint not in ACCESS or rule.endpoint == "static":
                continue
            if (ACCESS[rule.endpoint] is None) is public:
                path = url_for(rule.endpoint, **{name: NUMBERS[name] for name in rule.arguments})
                found.extend(
                    (rule.endpoint, method, path)
                    for method in sorted((rule.methods or set()) & {"GET", "POST"})
                )
    return found


def test_every_route_says_who_may_use_it(quick_site: Site) -> None:
    unclassified = {
        rule.endpoint
        for rule in quick_site.app.url_map.iter_rules()
        if rule.endpoint not in ACCESS
        and rule.endpoint not in ELSEWHERE
        and not rule.endpoint.startswith(("api.", "dev_mail.", "dev_components."))
    }
    assert unclassified == set()


def test_the_table_names_no_route_that_is_gone(quick_site: Site) -> None:
    assert set(ACCESS) - {rule.endpoint for rule in quick_site.app.url_map.iter_rules()} == set()


def test_a_stranger_is_sent_to_the_login_page(quick_site: Site) -> None:
    browser = quick_site.browser()
    for endpoint, method, path in routes(quick_site):
        answer = browser.get(path) if method == "GET" else browser.post(path)
        assert (answer.status_code, answer.headers.get("Location", "")[:6]) == (302, "/login"), endpoint


def test_a_referrer_finds_no_staff_page(quick_site: Site) -> None:
    browser = quick_site.browser("zoe@example.org")
    for endpoint, method, path in routes(quick_site):
        if ACCESS[endpoint] not in OWN | {Action.CHANGE_ACCOUNT}:
            answer = browser.get(path) if method == "GET" else browser.post(path, start="/dashboard")
            assert answer.status_code == 404, endpoint


@pytest.mark.parametrize("role", sorted(STAFF))
def test_staff_are_refused_what_their_role_does_not_allow(quick_site: Site, role: Role) -> None:
    quick_site.person("staff@example.org", role)
    browser = quick_site.browser("staff@example.org")
    for endpoint, method, path in routes(quick_site):
        action = ACCESS[endpoint]
        if action in PERMISSIONS[role] or action in OWN:
            continue
        answer = browser.get(path) if method == "GET" else browser.post(path, start="/staff")
        assert answer.status_code == 403, endpoint


def test_the_auditor_changes_nothing(quick_site: Site) -> None:
    quick_site.person("audit@example.org", Role.AUDITOR)
    browser = quick_site.browser("audit@example.org")
    for endpoint, method, path in routes(quick_site):
        if method == "POST" and ACCESS[endpoint] is not Action.CHANGE_ACCOUNT:
            assert browser.post(path, start="/staff").status_code in {403, 404}, endpoint


def test_every_form_needs_its_token(quick_site: Site) -> None:
    quick_site.person("owner@example.org", Role.OWNER)
    people = {True: quick_site.browser("zoe@example.org"), False: quick_site.browser("owner@example.org")}
    for endpoint, method, path in [*routes(quick_site), *routes(quick_site, public=True)]:
        # Mail programmes press that button (RFC 8058); the signed address is what they bring.
        if method == "POST" and endpoint != "accounts.unsubscribe":
            browser = people[ACCESS[endpoint] in OWN]
            assert browser.client.post(path, data={"reason": "x"}).status_code == 400, endpoint
    with quick_site.world() as world:
        assert {row.status.value for row in world.session.scalars(select(Referrer))} == {"active"}


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/a\\b", "x"]
)
def test_logging_in_never_leads_to_another_site(quick_site: Site, target: str) -> None:
    form = {"email": "zoe@example.org", "password": PASSWORD}
    answer = quick_site.browser().client.get("/login")
    browser = Browser(quick_site.app.test_client())
    assert answer.status_code == 200
    sent = browser.post(f"/login?next={target}", form)
    assert (sent.status_code, sent.headers["Location"]) == (302, "/dashboard")


def test_logging_in_goes_on_to_the_page_that_was_asked_for(quick_site: Site) -> None:
    form = {"email": "zoe@example.org", "password": PASSWORD}
    sent = quick_site.browser().post("/login?next=/dashboard/payouts", form)
    assert sent.headers["Location"] == "/dashboard/payouts"


def test_ten_wrong_passwords_from_one_place_are_enough(quick_site: Site) -> None:
    browser = quick_site.browser()
    wrong = {"email": "zoe@example.org", "password": "not the password"}
    assert [browser.post("/login", wrong).status_code for _ in range(11)] == [*[422] * 10, 429]
    assert browser.post("/login", {**wrong, "password": PASSWORD}).status_code == 429
    assert browser.post("/login", {"email": "eve@example.org", "password": PASSWORD}).status_code == 302


def test_pages_carry_a_strict_policy_and_obey_it(quick_site: Site) -> None:
    quick_site.person("owner@example.org", Role.OWNER)
    for who, paths in (
        (None, ["/", "/login", "/join", "/programs/hosting", "/nowhere"]),
        ("zoe@example.org", ["/dashboard", "/dashboard/links", "/dashboard/bank-account"]),
        (
            "owner@example.org",
            [
                "/staff",
                "/staff/products",
                "/staff/what-if",
                "/staff/what-if?hold_days=3&from=2026-09-01&to=2026-09-30&kinds=new&duration=lifetime",
                "/staff/settings",
                "/staff/payouts",
                "/staff/bank",
            ],
        ),
    ):
        browser = quick_site.browser(who)
        for path in paths:
            answer = browser.get(path)
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
            assert nonce is not None
            assert re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", answer.text) is None, path
            assert set(re.findall(r"<script[^>]*nonce=\"([^\"]*)\"", answer.text)) <= {nonce[1]}
            assert "<script>" not in answer.text
            assert re.findall(r"(?:src|action)=\"(?:https?:)?//", answer.text) == [], path
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_error_page_tells_nothing_of_the_inside(quick_site: Site) -> None:
    quick_site.app.testing = False
    quick_site.app.config["PROPAGATE_EXCEPTIONS"] = False

    def broken() -> str:
        raise RuntimeError("secret detail")

    quick_site.app.view_functions["public.index"] = broken
    answer = quick_site.browser().get("/")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    assert "went wrong" in answer.text


def test_an_unknown_page_is_told_in_the_readers_language(quick_site: Site) -> None:
    answer = quick_site.browser().get("/nowhere", headers={"Accept-Language": "de"})
    assert answer.status_code == 404
    assert "Hier ist nichts" in answer.text


def test_a_foreign_host_name_gets_one_plain_line(quick_site: Site) -> None:
    answer = quick_site.browser().get("/login", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")
    assert "evil" not in answer.text
