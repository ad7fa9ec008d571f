"""What people read in their mail, in three languages."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from jinja2 import UndefinedError

from app.identity.users import LOCALES
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
