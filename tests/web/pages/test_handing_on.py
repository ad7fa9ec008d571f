"""How payouts are paid and the books are handed on is set on pages, by those who may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.finance.settings import settings_of
from app.identity.models import AuditEvent
from app.identity.roles import Role
from app.referrals.models import Program
from tests.web.pages.conftest import PASSWORD, words_of

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

PAYMENTS, BOOKS = "/staff/settings/payments", "/staff/settings/books"


def program(site: Site) -> Program:
    with site.services.db.reading() as session:
        return session.scalars(select(Program).where(Program.slug == "hosting")).one()


def test_the_account_that_pays_is_changed_with_the_password_and_stays_where_nothing_is_typed(
    site: Site,
) -> None:
    site.person("owner@example.org", Role.OWNER)
    owner = site.browser("owner@example.org")
    form = {
        "debtor_name": "Hosting B.V.",
        "debtor_iban": "",
        "debtor_bic": "abnanl2a",
        "bank_profile": "bunq",
        "rail": "sepa",
        "instant": "y",
    }
    assert owner.post(PAYMENTS, form, start=PAYMENTS).status_code == 422
    wrong = owner.post(
        PAYMENTS, {**form, "password": PASSWORD, "debtor_iban": "NL00ABNA0123456789"}, start=PAYMENTS
    )
    assert wrong.status_code == 422
    assert 'id="debtor_iban-error"' in wrong.text
    assert program(site).instant is False
    assert owner.post(PAYMENTS, {**form, "password": PASSWORD}, start=PAYMENTS).status_code == 302
    now = program(site)
    assert (now.instant, now.bank_profile, now.debtor_bic, now.debtor_iban) == (
        True,
        "bunq",
        "ABNANL2A",
        "NL02ABNA0123456789",
    )
    page = owner.get(PAYMENTS).text
    assert "6789" in page
    assert "NL02ABNA0123456789" not in page
    nobody = {**form, "password": PASSWORD, "debtor_name": ""}
    assert "An account needs its holder" in words_of(owner.post(PAYMENTS, nobody, start=PAYMENTS).text)
    with site.services.db.reading() as session:
        last = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert last.action == "program.changed"


def test_the_books_settings_are_changed_together_or_not_at_all(site: Site) -> None:
    site.person("fin@example.org", Role.FINANCE)
    finance = site.browser("fin@example.org")
    form = {
        "chart": "skr04",
        "adviser": "29098",
        "client": "55003",
        "year_begins": "7",
        "account_bank": "1810",
    }
    odd = finance.post(BOOKS, {**form, "account_bank": "181000"}, start=BOOKS)
    assert odd.status_code == 422
    assert "have the same length" in words_of(odd.text)
    assert 'value="181000"' in odd.text
    with site.services.db.reading() as session:
        assert settings_of(session, program(site).id).adviser is None
    assert finance.post(BOOKS, form, start=BOOKS).status_code == 302
    assert finance.post(BOOKS, {**form, "adviser": ""}, start=BOOKS).status_code == 302
    with site.services.db.reading() as session:
        kept = settings_of(session, program(site).id)
    assert (kept.chart, kept.adviser, kept.client, kept.year_begins) == ("skr04", 29098, 55003, 7)
    assert (kept.accounts["bank"], kept.accounts["payable"]) == ("1810", "3500")
    assert 'value="1810"' in finance.get(BOOKS).text


def test_who_may_only_look_gets_no_form(quick_site: Site) -> None:
    quick_site.person("eyes@example.org", Role.AUDITOR)
    eyes = quick_site.browser("eyes@example.org")
    for path in (PAYMENTS, BOOKS):
        assert "In force now" in eyes.text(path)
        assert 'type="submit">Save' not in eyes.get(path).text
        assert eyes.post(path, start="/staff").status_code == 403
