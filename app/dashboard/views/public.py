"""The pages that anybody may see: the programmes, and the choice of language and appearance."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from app.dashboard.framing import cookie_manners
from app.dashboard.locale import COOKIE as LANGUAGE_COOKIE
from app.dashboard.locale import LANGUAGES
from app.dashboard.look import wear
from app.dashboard.page import THEME_COOKIE, THEMES
from app.dashboard.presenters import programs as presenter
from app.dashboard.presenters.terms import paragraphs
from app.directory.queries import directory_of
from app.identity.login import who
from app.identity.queries import user_by_public_id
from app.identity.users import change_locale
from app.kernel import clock
from app.referrals.published_terms import newest_terms
from app.referrals.queries import programs_shown
from app.requests import session
from app.shopfront.looks import find_logo

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

public = Blueprint("public", __name__)

_YEAR = 31_536_000


@public.get("/")
def index() -> ResponseReturnValue:
    """Every programme with what it pays."""
    wanted = programs_shown.programs(session())
    shown = programs_shown.shown_programs(session(), wanted, clock.now())
    return render_template(
        "public/index.html",
        programs=[presenter.program_card(program) for program in shown],
        nothing=presenter.no_programs(),
    )


@public.get("/programs/<slug>")
def program(slug: str) -> ResponseReturnValue:
    """One programme: what it pays, how it works, its terms in figures."""
    found = programs_shown.program_by_slug(session(), slug)
    if found is None:
        abort(404)
    wear(found)
    shown = programs_shown.shown_programs(session(), [found], clock.now())
    terms = newest_terms(session(), found.id)
    directory = directory_of(session(), found.id)
    return render_template(
        "public/program.html",
        program=presenter.program_page(shown[0]),
        terms=paragraphs(terms) if terms else (),
        directory_href=url_for("directory.index", slug=slug) if directory and directory.is_open else None,
    )


@public.post("/preferences")
def preferences() -> ResponseReturnValue:
    """Language and appearance, kept in cookies; the language also with the account."""
    answer = redirect(local_target(request.form.get("next")) or url_for("public.index"))
    language, theme = request.form.get("language"), request.form.get("theme")
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR, **cookie_manners())
        me = who()
        user = user_by_public_id(session(), me.public_id) if me else None
        if user is not None:
            change_locale(user, language)
    if theme in THEMES:
        answer.set_cookie(THEME_COOKIE, theme, max_age=_YEAR, **cookie_manners())
    return answer


@public.get("/logos/<digest>")
def logo(digest: str) -> ResponseReturnValue:
    """A programme's logo by its content, for a year: another picture is another address."""
    found = find_logo(session(), digest)
    if found is None:
        abort(404)
    answer = Response(found[0], mimetype=found[1])
    answer.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    # Opened by itself it can do nothing.
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def local_target(target: str | None) -> str | None:
    """A path of ours to go on to, or ``None``: never another host, whatever the form says."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not target.isprintable() or "\\" in target:
        return None
    return target
