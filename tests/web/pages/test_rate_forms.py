"""What staff set of rates from the browser: tiers, caps, a referrer's own rate and the sign-up bonus; review rules."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.identity.models import AuditEvent
from app.identity.roles import Role
from app.kernel import clock
from app.referrals.domain.review import LEAST, LIMIT_NAMES, MOST, review_shown
from app.referrals.models import Program, RateVersion
from app.referrals.words import CommissionKind, TierBasis
from tests.builders import line
from tests.web.pages.conftest import words_of

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site

RATE = "/staff/rates/new?sku=web"
BONUS = "/staff/bonus/new"
RULES = "/staff/settings/review"


@pytest.fixture
def owner(quick_site: Site) -> Browser:
    quick_site.person("owner@example.org", Role.OWNER)
    return quick_site.browser("owner@example.org")


def rate_form(**given: Any) -> dict[str, Any]:
    kinds = ["new", "renewal", "upgrade", "addon"]
    empty = dict.fromkeys(("tiers", "cap_order", "cap_customer", "referrer", "valid_from", "months"), "")
    plain = {"rate": "10%", "duration": "lifetime", "scope": "all", "kinds": kinds, "tier_basis": "month"}
    return {**empty, **plain, **given}


def newest(site: Site) -> RateVersion:
    with site.services.db.reading() as session:
        return session.scalars(select(RateVersion).order_by(RateVersion.id.desc()).limit(1)).one()


def error_beside(page: str, field: str) -> str:
    found = re.search(rf'(?s)id="{field}-error">(.*?)</p>', page)
    assert found is not None, field
    return words_of(found[1])


def test_tiers_and_caps_are_set_as_on_the_command_line(quick_site: Site, owner: Browser) -> None:
    steps = "3 = 12 %\r\n\r\n 10: 12,5%"
    form = rate_form(tiers=steps, tier_basis="total", cap_order="50,00", cap_customer="200", referrer="ZOE-1")
    assert owner.post(RATE, form, start=RATE).headers["Location"] == "/staff/products"
    version = newest(quick_site)
    assert version.tiers == [{"from": 3, "amount": 120_000}, {"from": 10, "amount": 125_000}]
    assert (version.tier_basis, version.cap_order_minor, version.cap_customer_minor) == (
        TierBasis.TOTAL,
        5_000,
        20_000,
    )
    assert version.referrer_id is not None
    assert "12.5% from customer number 10 on" in owner.text("/staff/rate-table?referrer=zoe-1")
    with quick_site.services.db.reading() as session:
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert (event.action, event.details["tiers"], event.details["cap_order"]) == (
        "rate.set",
        "3=12%,10=12.5%",
        "50.00",
    )


REFUSED: list[tuple[dict[str, str], str, str]] = [
    (
        {"tiers": "three = 12%"},
        "tiers",
        "Write a number and a rate on each line, as 10 = 12%, not three = 12%.",
    ),
    ({"tiers": "3 = 12%\n4"}, "tiers", "not 4."),
    ({"tiers": "\n".join(f"{n} = {n}%" for n in range(11, 32))}, "tiers", "At most 20 lines."),
    ({"tiers": "1 = 12%"}, "tiers", "the numbers must rise, from 2 on"),
    ({"tiers": "3 = 12%\n3 = 13%"}, "tiers", "the numbers must rise, from 2 on"),
    ({"tiers": "3 = 10%"}, "tiers", "each rate must be higher than the one before"),
    ({"tiers": "3 = 5.00"}, "tiers", "percentages after a percentage"),
    ({"rate": "none", "tiers": "3 = 5.00"}, "tiers", "amounts after an amount"),
    ({"cap_order": "much"}, "cap_order", "Write an amount such as 25.00."),
    ({"cap_order": "0"}, "cap_order", "Write an amount above 0; a rate of none has no cap."),
    ({"cap_customer": "1.234"}, "cap_customer", "Write an amount above 0"),
    ({"rate": "none", "cap_order": "", "cap_customer": "5.00"}, "cap_customer", "a rate of none has no cap."),
    ({"referrer": "nobody"}, "referrer", "There is no referrer with this code."),
]


def test_what_is_wrong_with_a_rate_is_said_beside_its_field_and_the_input_stays(
    quick_site: Site, owner: Browser
) -> None:
    before = newest(quick_site).id
    for given, field, said in REFUSED:
        answer = owner.post(RATE, rate_form(**{"cap_order": "12.34", **given}), start=RATE)
        assert answer.status_code == 422, given
        assert said in error_beside(answer.text, field), given
        assert 'value="12.34"' in answer.text or "cap_order" in given
        assert "<details open>" in answer.text
    assert newest(quick_site).id == before


def test_the_sign_up_bonus_is_set_shown_and_ended(quick_site: Site, owner: Browser) -> None:
    assert "Sign-up bonus nothing there is none" in owner.text("/staff/products")
    for text, said in (("10,00", "Sign-up bonus €10.00 once"), ("none", "Sign-up bonus nothing")):
        sent = owner.post(BONUS, {"signup_bonus": text, "referrer": "", "valid_from": ""}, start=BONUS)
        assert sent.status_code == 302, text
        assert said in owner.text("/staff/products")
    assert newest(quick_site).pays is CommissionKind.BONUS
    for given, field in (
        (("10%", ""), "signup_bonus"),
        (("1.234", ""), "signup_bonus"),
        (("5", "x"), "referrer"),
    ):
        form = {"signup_bonus": given[0], "referrer": given[1], "valid_from": ""}
        answer = owner.post(BONUS, form, start=BONUS)
        assert answer.status_code == 422, given
        assert error_beside(answer.text, field)
        assert f'value="{given[0]}"' in answer.text


def rules(site: Site) -> dict[str, int | str]:
    with site.services.db.reading() as session:
        return review_shown(session.scalars(select(Program)).one().review)


def test_review_rules_and_limits_are_set_within_their_bounds_and_audited(
    quick_site: Site, owner: Browser
) -> None:
    shown = rules(quick_site)
    form = {name: str(value) for name, value in shown.items()}
    form |= {"shared_click": "hold", "same_network": "off", "fast_seconds": "20"}
    assert owner.post(RULES, form, start=RULES).headers["Location"] == RULES
    changed = {"shared_click": "hold", "same_network": "off", "fast_seconds": 20}
    assert rules(quick_site) == shown | changed
    with quick_site.services.db.reading() as session:
        stored = session.scalars(select(Program)).one().review
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    # What was not touched keeps following the defaults.
    assert stored == changed
    assert event.details["review"] == {name: str(value) for name, value in changed.items()}
    for name in LIMIT_NAMES:
        low, high = getattr(LEAST, name), getattr(MOST, name)
        for value in (low, high):
            assert owner.post(RULES, {**form, name: str(value)}, start=RULES).status_code == 302, (
                name,
                value,
            )
        for wrong in (str(low - 1), str(high + 1), "many", ""):
            answer = owner.post(RULES, {**form, name: wrong}, start=RULES)
            assert answer.status_code == 422, (name, wrong)
            assert error_beside(answer.text, name), (name, wrong)
            assert f'value="{wrong}"' in answer.text or wrong == ""
    assert owner.post(RULES, {**form, "late_click": "drop"}, start=RULES).status_code == 422


def test_who_may_not_change_the_rules_reads_them(quick_site: Site) -> None:
    quick_site.person("eyes@example.org", Role.AUDITOR)
    browser = quick_site.browser("eyes@example.org")
    page = browser.text(RULES)
    assert "Several customers came with the same click take aside until somebody decides" in page
    assert "From how many customers on one click: 3" in page
    assert "Save the review rules" not in page
    assert browser.post(RULES, {"shared_click": "hold"}, start="/staff").status_code == 403


def test_a_rate_is_looked_at_before_it_is_published(quick_site: Site, owner: Browser) -> None:
    with quick_site.world() as world:
        world.bind("zoe", "c1", "2026-10-01")
        day = clock.now() - timedelta(days=20)
        world.order("o1", line("l1"), customer="c1", placed=f"{day:%Y-%m-%d}", paid=f"{day:%Y-%m-%d}")
    preview, before = "/staff/rates/preview?sku=web", newest(quick_site).id
    form = rate_form(rate="4%")
    page = words_of(owner.post(preview, form, start=RATE).get_data(as_text=True))
    assert "Nothing is published yet." in page
    assert "1 customer gets it for orders paid from then on" in page
    assert "4 referrers" in page.partition("Who gets less")[2]
    assert "short notice" in page
    # Zoe's order of 100.00 would have brought 4.00 instead of 10.00.
    assert "Was €10.00 Would be €4.00 Difference \u2212€6.00" in page
    assert newest(quick_site).id == before
    edited = owner.post(preview, {**form, "edit": "1"}, start=RATE)
    assert 'value="4%"' in edited.text
    wrong = owner.post(preview, {**form, "referrer": "nobody-9"}, start=RATE)
    assert wrong.status_code == 422
    assert "There is no referrer with this code." in error_beside(wrong.text, "referrer")
    past = owner.post(preview, {**form, "valid_from": f"{day:%Y-%m-%d}"}, start=RATE)
    assert "Choose a later day." in words_of(past.text)
    assert owner.post(RATE, form, start=RATE).status_code == 302
    timeline = owner.text("/staff/products/versions?sku=web")
    assert timeline.index("10%, of the paid amount") < timeline.index("4%, of the paid amount")
    assert "followed by the next" in timeline
    assert "For every order paid from then on. Set by owner@example.org." in timeline
    bonus = owner.post(
        "/staff/bonus/preview", {"signup_bonus": "5.00", "referrer": "", "valid_from": ""}, start=BONUS
    )
    assert "keep what held for them" in words_of(bonus.get_data(as_text=True))
    assert newest(quick_site).pays is CommissionKind.KICKBACK
