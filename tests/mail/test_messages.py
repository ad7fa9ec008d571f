"""What people read in their mail, in three languages."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from jinja2 import UndefinedError

from app.identity.users import LOCALES
from app.mail.advice import Advice, advice_for
from app.mail.messages import Block, Envelope, blocks_of, compose, message_id, render_letter
from app.mail.models import MailKind

if TYPE_CHECKING:
    from email.message import EmailMessage

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
CONTEXT = {
    "name": "Zoë",
    "program": "Hosting & Co",
    "public_url": "https://refer.shop.example",
    "link": "https://refer.shop.example/password/abc",
    "usable_on": "2026-12-02",
    "since_on": "2026-12-02",
    "until_on": "2026-12-02",
    "paid_on": "2026-12-02",
    "last4": "0300",
    "reference": "POABC",
    "returned": False,
    "undo": "dst_1",
    "code": "zoe-1",
    "path": "/dashboard/commissions/7",
    "amount": {"minor": 8420, "currency": "EUR"},
    "advice": "check",
    "available_on": "2026-12-02",
    "effective_on": "2026-12-02",
    "from_on": "2026-12-02",
    "issued_on": "2026-12-02",
    "month": "2026-10",
    "opening": {"minor": -150, "currency": "EUR"},
    "closing": {"minor": 8270, "currency": "EUR"},
    "is_new": True,
    "released": True,
    "product": "Webhosting",
    "bonus": False,
    "everybody": True,
    "slug": "hosting",
    "number": "2026-7",
    "correction": False,
    "sender": "Bea <b>",
    "reply_to": "bea@example.org",
    "lines": ["Hi", ">> Press | https://evil.example/"],
    "stars": 4,
    "inviter": "Zoë",
    "referrer": "Bakkerij Zoë",
    "member": "ann@example.org",
    "level": "viewer",
    "is_left": False,
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", list(MailKind))
def test_every_message_exists_in_every_language(kind: MailKind, locale: str) -> None:
    letter = render_letter(kind.value, locale, CONTEXT)
    assert 10 < len(letter.subject) < 90
    assert "Zoë" in letter.plain
    assert any(block.url for block in letter.blocks), "every message says where to go"
    assert f'<html lang="{locale}">' in letter.html
    for block in letter.blocks:
        assert block.text in letter.plain
        assert "{" not in block.text
        assert "None" not in block.text
        assert block.url is None or block.url.startswith("https://refer.shop.example/")


VARIANTS: list[tuple[str, dict[str, object]]] = [
    *[("payout_failed", dict[str, object](advice=advice.value)) for advice in Advice],
    ("payout_failed", {"returned": True}),
    ("review_decided", {"released": False}),
    ("address_changed", {"is_new": True}),
    ("factor_changed", {"is_new": True, "is_left": True}),
    ("factor_changed", {"is_new": False, "is_left": True}),
    ("factor_changed", {"is_new": False, "is_left": False}),
    ("address_changed", {"is_new": False}),
    ("team_invited", {"level": "owner"}),
    ("team_invited", {"level": "viewer"}),
    ("team_joined", {"level": "owner"}),
    ("team_joined", {"level": "viewer"}),
    ("rates_worse", {"everybody": False, "product": None}),
    ("rates_worse", {"bonus": True, "product": None}),
    ("document_issued", {"correction": True}),
]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_variant_of_a_message_reads_differently_and_has_no_gap(locale: str) -> None:
    texts = [render_letter(kind, locale, CONTEXT | more).plain for kind, more in VARIANTS]
    assert len(set(texts)) == len(VARIANTS)
    for text in texts:
        assert "{" not in text
        assert "None" not in text
        assert "\n\n\n" not in text


def test_the_figures_of_a_statement_stand_in_its_mail() -> None:
    letter = render_letter("statement_ready", "de", CONTEXT)
    assert letter.subject == "Ihre Provisionsabrechnung für Oktober 2026"
    assert "-1,50\u00a0€" in letter.plain
    assert "82,70\u00a0€" in letter.plain


@pytest.mark.parametrize(
    ("code", "blocked", "advice"),
    [
        ("AC01", True, Advice.NEW_NUMBER),
        ("AC04", True, Advice.OTHER_ACCOUNT),
        ("RVNM", True, Advice.RIGHT_HOLDER),
        ("AC04", False, Advice.WAIT),
        ("AM05", False, Advice.WAIT),
        ("MD07", False, Advice.WAIT),
        ("BE04", False, Advice.WAIT),
        ("MS03", False, Advice.CHECK),
        (None, False, Advice.CHECK),
    ],
)
def test_what_to_do_follows_from_the_banks_reason(code: str | None, blocked: bool, advice: Advice) -> None:
    assert advice_for(code, account_blocked=blocked) is advice


def test_only_a_mail_that_may_be_turned_off_offers_it() -> None:
    stop = "https://refer.shop.example/unsubscribe/abc"
    envelope = Envelope("R <r@shop.example>", "zoe@shop.example", "<a.1@shop.example>", NOW)
    for locale in LOCALES:
        letter = render_letter("payout_sent", locale, CONTEXT, stop)
        message = compose(letter, envelope)
        assert message["List-Unsubscribe"] == f"<{stop}>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert stop in letter.plain
        assert f'href="{stop}"' in letter.html
    plain = compose(render_letter("payout_sent", "nl", CONTEXT), envelope)
    assert plain["List-Unsubscribe"] is None
    assert plain["List-Unsubscribe-Post"] is None


def test_no_two_languages_share_a_sentence() -> None:
    for kind in MailKind:
        bodies = [
            {block.text for block in render_letter(kind.value, locale, CONTEXT).blocks} for locale in LOCALES
        ]
        assert not bodies[0] & bodies[1]
        assert not bodies[1] & bodies[2]
        assert not bodies[0] & bodies[2]


@pytest.mark.parametrize(
    ("locale", "amount", "day"),
    [
        ("nl", "€\u00a084,20", "2 december 2026"),
        ("de", "84,20\u00a0€", "2. Dezember 2026"),
        ("en", "€84.20", "December 2, 2026"),
    ],
)
def test_amounts_and_days_are_written_as_the_language_does(locale: str, amount: str, day: str) -> None:
    plain = render_letter("payout_sent", locale, CONTEXT).plain
    assert amount in plain
    assert day in plain


@pytest.mark.parametrize(("minor", "currency", "text"), [(1580, "JPY", "¥1,580"), (1234, "KWD", "KWD1.234")])
def test_a_currency_keeps_its_own_decimals(minor: int, currency: str, text: str) -> None:
    amount = {"minor": minor, "currency": currency}
    assert text in render_letter("payout_sent", "en", CONTEXT | {"amount": amount}).plain


def test_a_name_is_shown_as_it_is_and_does_nothing() -> None:
    name = "<script>alert(1)</script>\n\n>> Click here | https://evil.example"
    letter = render_letter("partner_chosen", "en", CONTEXT | {"name": name})
    assert "<script>" not in letter.html
    assert "&lt;script&gt;" in letter.html
    assert [block.url for block in letter.blocks if block.url] == ["https://refer.shop.example/dashboard"]
    assert "evil.example" not in [block.text for block in letter.blocks if block.url]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("begins", [">> ", "\u00a0>> ", ">>>> ", "> \u00a0>> "])
def test_a_name_at_the_head_of_a_paragraph_makes_no_button_of_it(locale: str, begins: str) -> None:
    name = f"{begins}Log in | https://evil.example/"
    asked = {
        "name": "",
        "program": "P",
        "reply_to": "a@b.example",
        "lines": [name],
        "public_url": "https://p.test",
    }
    invited = {
        "inviter": name,
        "referrer": name,
        "program": "P",
        "level": "owner",
        "link": "https://p.test/i",
    }
    for kind, context in (("partner_asked", {**asked, "sender": name}), ("team_invited", invited)):
        urls = [block.url for block in render_letter(kind, locale, context).blocks if block.url]
        assert len(urls) == 1, "our own button"
        assert urls[0].startswith("https://p.test")


def test_a_person_without_a_name_is_greeted_all_the_same() -> None:
    assert render_letter("welcome", "en", CONTEXT | {"name": ""}).blocks[0] == Block("Hello,")


def test_a_forgotten_value_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(UndefinedError, match="amount"):
        render_letter("payout_sent", "en", {key: value for key, value in CONTEXT.items() if key != "amount"})


def test_a_composed_message_reads_the_same_after_the_mail_server() -> None:
    letter = render_letter("bank_account_changed", "de", CONTEXT)
    envelope = Envelope("Refledger <no-reply@shop.example>", "zoe@shop.example", "<a.1@shop.example>", NOW)
    raw = bytes(compose(letter, envelope))
    assert raw.isascii(), "no mail server may choke on it"
    read: EmailMessage = email.message_from_bytes(raw, policy=email.policy.default)
    assert read["Subject"] == letter.subject
    assert read["Date"] == "Thu, 10 Sep 2026 12:00:00 +0000"
    plain = read.get_body(("plain",))
    assert plain is not None
    assert blocks_of(plain.get_content()) == letter.blocks


def test_a_line_break_cannot_add_a_header() -> None:
    letter = render_letter("welcome", "en", CONTEXT | {"program": "Hosting\nBcc: all@shop.example"})
    assert letter.subject == "Welcome to Hosting Bcc: all@shop.example: choose your password"


def test_the_message_id_names_our_host_and_stays_the_same() -> None:
    one = message_id("payout-sent:POABC", 7, "https://refer.shop.example:8443/x")
    assert one == "<payout.sent.7@refer.shop.example>"
