"""The catalogues of the three languages: complete, in step with the code, in the words of the glossary."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from gettext import GNUTranslations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from flask_babel import force_locale

from app.dashboard import formatting
from app.dashboard.locale import LANGUAGES, TRANSLATIONS

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

    from tests.web.pages.conftest import Site

ROOT = Path(__file__).resolve().parents[3]
FOREIGN = sorted(set(LANGUAGES) - {"en"})
_PLACE = re.compile(r"%\(\w+\)s")
_FUNCTIONS = {"_": None, "_l": None, "ngettext": (1, 2)}

Said = str | tuple[str, ...]


def said_in_code() -> set[Said]:
    """Every text that the pages pass to a translating function."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found: set[Said] = set()
    for folder in ("app/dashboard", "app/payouts/documents", "templates"):
        for name, _line, text, _comments, _context in extract_from_dir(
            ROOT / folder,
            [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in methods],
            options,
            keywords=_FUNCTIONS,
        ):
            if not name.startswith(("mail/", "dev/")):
                found.add(tuple(text) if isinstance(text, tuple | list) else text)
    return found


def catalogue(language: str) -> Catalog:
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def said(message: Message) -> list[str]:
    """A message's forms in its language: one, or one for each plural."""
    text = message.string
    return [text] if isinstance(text, str) else list(text or ())


def texts(language: str) -> list[str]:
    return [text for message in catalogue(language) if message.id for text in said(message)]


@pytest.mark.parametrize("language", FOREIGN)
def test_nothing_is_untranslated_and_no_translation_is_unused(language: str) -> None:
    words = catalogue(language)
    known = {message.id for message in words if message.id}
    wanted = said_in_code()
    assert len(wanted) > 400
    assert wanted - known == set()
    assert known - wanted == set()
    assert [message.id for message in words if message.fuzzy and message.id] == []
    assert all(texts(language))
    assert not words.obsolete


@pytest.mark.parametrize("language", FOREIGN)
def test_a_translation_fills_in_what_the_sentence_names(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        wanted = sorted(_PLACE.findall(message.id if isinstance(message.id, str) else message.id[1]))
        for text in said(message):
            assert sorted(_PLACE.findall(text)) == wanted, text


@pytest.mark.parametrize("language", FOREIGN)
def test_the_compiled_catalogue_is_that_of_the_source(language: str) -> None:
    folder = TRANSLATIONS / language / "LC_MESSAGES"
    with (folder / "messages.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for message in catalogue(language):
        if isinstance(message.id, tuple):
            one, many = message.id
            assert [compiled.ngettext(one, many, count) for count in (1, 2)] == said(message)
        elif message.id:
            assert [compiled.gettext(str(message.id))] == said(message)


@pytest.mark.parametrize(
    ("language", "never"),
    [
        ("nl", r"terugboeking|kickback|\bu\b|\buw\b|affiliate"),
        ("de", r"anmeld|kickback|\bdu\b|\bdein|affiliate|Rückbuchung"),
    ],
)
def test_the_glossarys_forbidden_words_stand_nowhere(language: str, never: str) -> None:
    assert [text for text in texts(language) if re.search(never, text, re.IGNORECASE)] == []


def test_gutschrift_is_said_of_self_billing_alone() -> None:
    for message in catalogue("de"):
        if any("gutschrift" in text.lower() for text in said(message)):
            assert re.search(r"(?i)self-billing|invoice", str(message.id)), message.id


@pytest.mark.parametrize(
    ("language", "amount", "rate", "day", "instant"),
    [
        ("en_GB", "€1,084.20", "0.35%", "2 December 2026", "2 Dec 2026, 14:05"),
        ("nl", "€ 1.084,20", "0,35%", "2 december 2026", "2 dec 2026, 14:05"),
        ("de", "1.084,20 €", "0,35 %", "2. Dezember 2026", "2. Dez. 2026, 14:05"),
    ],
)
def test_amounts_and_dates_are_written_as_the_language_does(
    quick_site: Site, language: str, amount: str, rate: str, day: str, instant: str
) -> None:
    at = datetime(2026, 12, 2, 13, 5, tzinfo=UTC)
    with quick_site.app.test_request_context(), force_locale(language):
        written = [
            formatting.amount(108420, "EUR"),
            formatting.percent(3_500),
            formatting.day(date(2026, 12, 2)),
            formatting.instant(at, "Europe/Amsterdam"),
        ]
    assert [text.replace("\u00a0", " ") for text in written[:3]] == [amount, rate, day]
    assert written[3].replace("\u00a0", " ") in {instant, instant.replace("2. Dez", "2 Dez")}


def test_currencies_keep_their_own_decimals(quick_site: Site) -> None:
    with quick_site.app.test_request_context():
        assert formatting.amount(1580, "JPY").endswith("1,580")
        assert formatting.amount(1234, "KWD").endswith("1.234")
        assert formatting.signed(-250, "EUR") == "\u2212€2.50"


def test_the_language_is_the_persons_then_the_cookies_then_the_browsers(quick_site: Site) -> None:
    browser = quick_site.browser()
    assert 'lang="de"' in browser.get("/", headers={"Accept-Language": "de-AT,en;q=0.5"}).text
    assert 'lang="en"' in browser.get("/", headers={"Accept-Language": "fr"}).text
    browser.post("/preferences", {"language": "nl", "next": "/join"})
    assert 'lang="nl"' in browser.get("/", headers={"Accept-Language": "de"}).text

    zoe = quick_site.browser("zoe@example.org")
    zoe.post("/preferences", {"language": "de"})
    elsewhere = quick_site.browser("zoe@example.org")
    assert 'lang="de"' in elsewhere.get("/dashboard", headers={"Accept-Language": "nl"}).text


def test_the_appearance_is_kept_and_nonsense_is_not(quick_site: Site) -> None:
    browser = quick_site.browser()
    assert "data-theme" not in browser.get("/").text
    browser.post("/preferences", {"theme": "dark"})
    assert 'data-theme="dark"' in browser.get("/").text
    browser.post("/preferences", {"theme": '"><script>'})
    assert 'data-theme="dark"' in browser.get("/").text
