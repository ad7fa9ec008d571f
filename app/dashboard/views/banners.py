"""Banners on other people's pages: the view is counted, the picture comes from an address that never changes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flask import Response, abort, current_app, redirect, request, url_for

from app.dashboard.views.public import public
from app.promo.queries import picture_of
from app.referrals.domain.agent import MAX_CHARS, read_agent
from app.requests import session

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue
    from werkzeug.wrappers import Response as AnyResponse

    from app.promo.views import Banners

_EXTENSION: Final = "refledger.banners"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_YEAR: Final = 31_536_000


def register_banners(app: Flask, banners: Banners) -> None:
    """Give the app what it counts views with."""
    app.extensions[_EXTENSION] = banners


@public.get("/b/<code>/<int(max=2147483647):asset_id>")
def banner(code: str, asset_id: int) -> ResponseReturnValue:
    """Count the view and lead on to the picture, which browsers keep: the next view costs this small answer only.

    The picture comes for every code, also a suspended one's: a page of somebody else's must not show a hole.
    """
    banners: Banners = current_app.extensions[_EXTENSION]
    shown = banners.find(asset_id)
    if shown is None:
        abort(404)
    if _is_seen():
        banners.count(code.lower(), asset_id, shown)
    answer = redirect(url_for("public.picture", digest=shown.digest))
    answer.headers["Cache-Control"] = "no-store"
    return _for_other_sites(answer)


def _is_seen() -> bool:
    """Whether a person's browser is about to show it."""
    headers = request.headers
    ahead = f"{headers.get('Sec-Purpose', '')}{headers.get('Purpose', '')}{headers.get('X-Moz', '')}"
    return (
        request.method == "GET"
        and "prefetch" not in ahead.lower()
        and not read_agent(headers.get("User-Agent", "")[:MAX_CHARS]).bot
    )


@public.get("/pictures/<digest>")
def picture(digest: str) -> ResponseReturnValue:
    """A picture by its content, for a year: another content is another address."""
    found = picture_of(session(), digest) if _DIGEST.fullmatch(digest) else None
    if found is None:
        abort(404)
    answer = Response(found.body, mimetype=found.media_type)
    answer.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    answer.set_etag(digest)
    return _for_other_sites(answer.make_conditional(request))


def _for_other_sites(answer: AnyResponse) -> AnyResponse:
    """Any page may show it, and opened by itself it can do nothing."""
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
