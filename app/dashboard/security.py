"""Headers that tell the browser what a page may do: nothing from elsewhere, no script or style without a nonce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import g, request

from app.dashboard.access import ACCESS, BLUEPRINTS
from app.dashboard.framing import frame, frame_ancestors
from app.identity.login import who
from app.kernel import ids

if TYPE_CHECKING:
    from flask import Flask, Response
    from flask_wtf import CSRFProtect

_YEAR: Final = 31_536_000

LARGER_BODIES: Final = {
    # A bank file with its form; it is spooled to disk, never held in memory.
    "staff.upload_feedback": 128 * 1024 * 1024,
    # More than a picture may have, so that the form itself can say that it is too large.
    "staff.add_banner": 16 * 1024 * 1024,
    "staff.change_look": 16 * 1024 * 1024,
}
"""Bytes that these routes take from whoever may use them. From anybody else, and on every other route, they take what
``MAX_CONTENT_LENGTH`` says: the form is read before the guard is asked, and strangers must not fill our disk.
"""


UNASKED: Final = frozenset({"accounts.unsubscribe", "handover.use"})
"""Pressed by mail programmes (RFC 8058), which have no page of ours before: its address is the proof. And sent by a
page that tells nobody its address: that one asks for its token itself.
"""


def csp_nonce() -> str:
    """The nonce of this response; the same wherever the template asks for it."""
    if "csp_nonce" not in g:
        g.csp_nonce = ids.token_text(16)
    return str(g.csp_nonce)


def _policy() -> str:
    nonce = f"'nonce-{csp_nonce()}'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {nonce}",
            f"style-src 'self' {nonce}",
            # Pico draws its form controls with data: images.
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {frame_ancestors()}",
        )
    )


def add_headers(response: Response) -> Response:
    """Put the headers of every page on a response; an answer that set its own policy keeps it."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    if request.endpoint == "static":
        if request.args.get("v") or "/vendor/" in request.path:
            headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
        return response
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", _policy())
        if frame() is None:
            # For browsers that know no frame-ancestors; it cannot name a site, so a page in a frame goes without it.
            headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        headers.setdefault("Cache-Control", "no-store")
    return response


def register_headers(app: Flask) -> None:
    """Set the headers on every answer, and give templates the nonce."""
    app.after_request(add_headers)
    app.add_template_global(csp_nonce, "csp_nonce")


def _may(endpoint: str) -> bool:
    me, action = who(), ACCESS[endpoint]
    return me is not None and action is not None and me.may(action)


def register_csrf(app: Flask, protection: CSRFProtect) -> None:
    """Ask every form of the pages for its token. The API is left out: it takes no cookie, only keys."""

    def check() -> None:
        endpoint = request.endpoint or ""
        if endpoint in LARGER_BODIES and _may(endpoint):
            request.max_content_length = LARGER_BODIES[endpoint]
        if request.blueprint in BLUEPRINTS and request.endpoint not in UNASKED:
            protection.protect()

    app.before_request(check)
