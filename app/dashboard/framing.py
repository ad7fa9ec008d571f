"""Pages in a frame of the merchant's own site live under ``/framed/{programme}/``: the same pages, their own cookies.

A third party's frame has cookies apart from those of our own pages (``SameSite=None; Secure; Partitioned``). Because
they are bound to this path no browser can mix them up with those of a login beside it, also where the merchant's site
and ours are the same site to it. And the path names the programme, so that whom the frame may belong to is known before
anybody is signed in: from the programme's list, and from nothing that the browser says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import abort, g, request
from flask.sessions import SecureCookieSessionInterface

from app.referrals.programs import SLUG
from app.requests import services, session
from app.shopfront.looks import FRAMES, framed_program

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask

    from app.referrals.models import Program

_SLUG: Final = "refledger.framed"

FRAMED: Final = frozenset(
    {"public.preferences", "public.logo", "public.picture", "handover.show", "handover.use"}
)
"""Endpoints that stand in a frame besides those of ``FRAMED_BLUEPRINTS``."""

FRAMED_BLUEPRINTS: Final = frozenset({"home", "customer", "directory"})


@dataclass(frozen=True, slots=True)
class Frame:
    """Whose frame a request is in, and which origins may hold it."""

    program: Program
    origins: tuple[str, ...]


def mount_frames(inner: WSGIApplication) -> WSGIApplication:
    """Serve every page under ``/framed/{programme}/`` as well; addresses that a page builds stay there."""

    def framed(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(FRAMES):
            slug, slash, rest = path.removeprefix(FRAMES).partition("/")
            if slash and SLUG.fullmatch(slug):
                environ[_SLUG] = slug
                environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + FRAMES + slug
                environ["PATH_INFO"] = f"/{rest}"
        return inner(environ, start_response)

    return framed


def is_framed() -> bool:
    """Whether this request is for a page in a frame."""
    return _SLUG in request.environ


def frame() -> Frame | None:
    """The frame that this request is in, once it has been let in."""
    found: Frame | None = g.get("frame")
    return found


def enter_frame() -> None:
    """Let in what may stand in a frame of this programme; anything else is not there."""
    if not is_framed() or request.endpoint == "static":
        return
    if request.endpoint not in FRAMED and request.blueprint not in FRAMED_BLUEPRINTS:
        abort(404)
    slug = request.environ[_SLUG]
    if (request.view_args or {}).get("slug", slug) != slug:
        abort(404)  # another programme's page
    found = framed_program(session(), slug, production=services().settings.production)
    if found is None:
        abort(404)
    g.frame = Frame(*found)


def cookie_manners() -> dict[str, Any]:
    """How a cookie of this request is set: in a frame for the frame alone, else for our own pages."""
    secure = services().settings.secure_cookies
    if not is_framed():
        return {"path": "/", "samesite": "Lax", "secure": secure, "httponly": True}
    return {
        "path": request.script_root,
        # On http there is no Partitioned; there the merchant's site has to be the same site (a demo on one machine).
        "samesite": "None" if secure else "Lax",
        "secure": secure,
        "httponly": True,
        "partitioned": secure,
    }


def cookie_name(name: str) -> str:
    """The full name of a cookie: never the same in a frame and outside, and tied to this host where it is https."""
    secure = services().settings.secure_cookies
    if is_framed():
        return f"{'__Secure-' if secure else ''}framed_{name}"
    return f"{'__Host-' if secure else ''}{name}"


class PlacedSessions(SecureCookieSessionInterface):
    """Flask's signed session cookie, in a frame with the manners of a frame."""

    def get_cookie_name(self, _app: Flask) -> str:
        """``session``, with its prefixes."""
        return cookie_name("session")

    def get_cookie_path(self, _app: Flask) -> str:
        """The frame's own path, or all of the site."""
        return str(cookie_manners()["path"])

    def get_cookie_samesite(self, _app: Flask) -> str:
        """``None`` in the frame of another site."""
        return str(cookie_manners()["samesite"])

    def get_cookie_partitioned(self, _app: Flask) -> bool:
        """Whether it is kept apart for each site that holds the frame."""
        return bool(cookie_manners().get("partitioned", False))


def frame_ancestors() -> str:
    """Who may hold this page in a frame, as a CSP source list."""
    found = frame()
    return " ".join(found.origins) if found and found.origins else "'none'"


def register_framing(app: Flask) -> None:
    """Give the app its frames. Comes before whatever asks who is signed in."""
    app.session_interface = PlacedSessions()
    app.before_request(enter_frame)
    app.wsgi_app = mount_frames(app.wsgi_app)  # type: ignore[method-assign, assignment]
