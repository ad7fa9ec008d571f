"""What every page needs around its own content: navigation, language, appearance, who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request, url_for

from app.dashboard import formatting
from app.dashboard.i18n import _
from app.dashboard.locale import LANGUAGES, page_language
from app.dashboard.navigation import navigation
from app.identity.login import who
from app.identity.roles import STAFF

if TYPE_CHECKING:
    from flask import Flask

THEME_COOKIE: Final = "theme"
THEMES: Final = ("auto", "light", "dark")


def chosen_theme() -> str:
    """The appearance of this request: ``auto`` follows the machine."""
    theme = request.cookies.get(THEME_COOKIE, "auto")
    return theme if theme in THEMES else "auto"


def page_context() -> dict[str, Any]:
    """The variables of the layout."""
    me = who() if request.endpoint else None
    start = "public.index" if me is None else "staff.index" if me.role in STAFF else "home.index"
    return {
        "page_language": page_language(formatting.language()),
        "languages": LANGUAGES,
        "theme": chosen_theme(),
        "themes": [("auto", _("Automatic")), ("light", _("Light")), ("dark", _("Dark"))],
        "navigation": navigation(me),
        "signed_in": me,
        "search_href": url_for("staff.search") if me is not None and me.role in STAFF else None,
        "home_href": url_for(start),
        "this_page": request.script_root
        + (request.full_path.rstrip("?") if request.method == "GET" else request.path),
    }


def register_page(app: Flask) -> None:
    """Give the layout its variables."""
    app.context_processor(page_context)
