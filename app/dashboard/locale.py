"""Which language a page speaks, and where its words lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import has_request_context, request
from flask_babel import Babel

if TYPE_CHECKING:
    from babel import Locale
    from flask import Flask

LANGUAGES: Final = {"nl": "Nederlands", "de": "Deutsch", "en": "English"}
"""The languages of the pages, each in its own words."""

COOKIE: Final = "lang"
TRANSLATIONS: Final = Path(__file__).resolve().parents[2] / "translations"


def chosen_language() -> str:
    """The language of this request: what was chosen in this browser, else what it asks for, else English.

    The language that is kept with an account is that of its mails.
    """
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(list(LANGUAGES), default="en") or "en"


def babel_locale() -> str:
    """The same, as Babel names it. English dates and amounts are written the British way: "2 December 2026"."""
    language = chosen_language() if has_request_context() else "en"
    return "en_GB" if language == "en" else language


def page_language(locale: Locale) -> str:
    """The value of the page's ``lang`` attribute."""
    return str(locale.language)


def register_babel(app: Flask) -> None:
    """Teach the app its languages."""
    app.config["BABEL_DEFAULT_LOCALE"] = "en"
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    Babel(app, locale_selector=babel_locale)
