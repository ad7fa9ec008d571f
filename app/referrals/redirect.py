"""``GET /r/{code}/{tag}`` and ``/r/{code}/{campaign}/{tag}``: a WSGI application of its own, beside Flask.

No session, no template, no framework: a buyer waits here. Whatever is wrong with a link, or with us, a buyer is sent
on to a page of the merchant; there is no error page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from urllib.parse import parse_qsl

import structlog

from app.kernel import clock
from app.referrals.click_record import ClickRecord
from app.referrals.clicks import ClickParts, click_log
from app.referrals.domain import click_id as codec
from app.referrals.domain.agent import MAX_CHARS, read_agent
from app.referrals.domain.click_label import ClickLabel, Visit, label
from app.referrals.domain.deep_link import deep_link, with_ref
from app.referrals.domain.ref_cookie import read_cookie, set_cookie
from app.referrals.domain.visitor import client_address, network_hash, network_of, source_host, visitor_hash
from app.referrals.landing import Landings, Link
from app.referrals.nonces import new_nonce
from app.referrals.stream import DUPLICATE_MS
from app.referrals.visitor_keys import VisitorKeys

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from app.kernel.db import Database
    from app.referrals.clicks import ClickLog
    from app.referrals.landing import Landing
    from app.referrals.links import LinkSigner
    from config import Settings

_log = structlog.get_logger(__name__)

PREFIX: Final = "/r/"

_CAMPAIGN: Final = re.compile(r"[a-z0-9-]{1,20}", re.ASCII)
_NO_STORE: Final = ("Cache-Control", "no-store")
_NO_BODY: Final = ("Content-Length", "0")
_LONGEST_REFERER: Final = 500
_LONGEST_ADDRESS: Final = 64

Answer = tuple[str, list[tuple[str, str]]]


class _Source(NamedTuple):
    """Who follows the link. ``click_ids`` are the cookie's, verified; ``None`` where cookies are not allowed."""

    visitor: str
    agent: str
    bot: bool
    host: str
    network: str
    click_ids: list[str] | None


class Redirect:
    """The WSGI application. ``log`` is where clicks go; it must not raise."""

    def __init__(self, settings: Settings, db: Database, links: LinkSigner, log: ClickLog) -> None:
        self._landings = Landings(db)
        self._keys = VisitorKeys(db)
        self._links = links
        self._log = log
        self._hops = settings.proxy_hops
        self._secure = settings.secure_cookies
        self._default = settings.default_landing_url

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            status, headers = self._answer(environ)
        except Exception:  # noqa: BLE001 - whatever broke in here, the buyer goes on
            _log.exception("redirect_failed", path=environ.get("PATH_INFO"))
            status, headers = _found(self._default)
        start_response(status, headers)
        return []  # a list: granian streams whatever else it is given

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return "405 Method Not Allowed", [("Allow", "GET, HEAD"), _NO_STORE, _NO_BODY]
        path: str = environ["PATH_INFO"]
        landing = self._landings.find(path[len(PREFIX) :].partition("/")[0].lower())
        if landing is None:
            return _found(self._default)
        link = landing.links.get(path) or self._verified(landing, path)
        at_ms = codec.milliseconds(clock.now())
        source = self._source(environ, landing, at_ms)
        kind = label(_visit(environ, attributable=link is not None, bot=source.bot))
        if link is None:
            self._log.append(_record(landing, source, at_ms, kind), None)
            return _found(landing.url)
        click_id = self._append(landing, link, source, kind, at_ms)
        if kind is ClickLabel.PREFETCH:
            return "503 Service Unavailable", [_NO_STORE, _NO_BODY]
        if kind is ClickLabel.EMBEDDED:
            return "204 No Content", [_NO_STORE]
        status, headers = _found(_target(environ.get("QUERY_STRING", ""), landing, click_id))
        if source.click_ids is not None and kind is not ClickLabel.HEAD:
            cookie = set_cookie(
                source.click_ids, click_id, seconds=landing.cookie_seconds, secure=self._secure
            )
            headers.append(("Set-Cookie", cookie))
        return status, headers

    def _verified(self, landing: Landing, path: str) -> Link | None:
        """The link of a path whose tag is ours and whose referrer is active.

        Code and campaign are read in lower case, as people type them off paper.
        """
        parts = path.removeprefix(PREFIX).removesuffix("/").split("/")
        campaign = parts[1].lower() if len(parts) == 3 else ""  # noqa: PLR2004 - code, campaign and tag
        shape = len(parts) == 2 or _CAMPAIGN.fullmatch(campaign)  # noqa: PLR2004 - code and tag
        if (
            landing.active
            and shape
            and self._links.verifies(parts[-1], landing.program, landing.code, campaign)
        ):
            tail = codec.link_tail(landing.program_id, landing.referrer_id, campaign)
            # Only paths that we signed are remembered, so a stranger cannot fill the memory.
            return landing.links.setdefault(path, Link(campaign, tail))
        _log.info("link_without_attribution", code=landing.code, active=landing.active)
        return None

    def _append(self, landing: Landing, link: Link, source: _Source, kind: ClickLabel, at_ms: int) -> str:
        """Make the click durable; the click id that travels on, that of the first click for a duplicate."""
        click_id = self._links.sign_click(codec.payload(at_ms, new_nonce(), link.tail))
        record = ClickRecord(
            event_id=click_id[: codec.EVENT_CHARS],
            at_ms=at_ms,
            program_id=landing.program_id,
            referrer_id=landing.referrer_id,
            campaign=link.campaign,
            visitor=source.visitor,
            agent=source.agent,
            source_host=source.host,
            label=kind,
            click_id=click_id,
            network=source.network,
        )
        if kind is not ClickLabel.COUNTED:
            self._log.append(record, None)
        elif first := self._newest_if_same(record, source.click_ids):
            self._log.append(record._replace(label=ClickLabel.DUPLICATE, click_id=first), None)
            return first
        elif first := self._log.append(record, f"{source.visitor}:{landing.referrer_id}:{link.campaign}"):
            return first
        return click_id

    def _newest_if_same(self, record: ClickRecord, click_ids: list[str] | None) -> str | None:
        """The cookie's newest click id, if it is of this link and a moment old.

        The first click of a new visitor was seen without a cookie, as another visitor; this joins the two.
        """
        newest = self._links.read_click_id(click_ids[-1]) if click_ids else None
        if (
            click_ids
            and newest
            and (newest.referrer_id, newest.campaign) == (record.referrer_id, record.campaign)
            and 0 <= record.at_ms - codec.milliseconds(newest.at) < DUPLICATE_MS
        ):
            return click_ids[-1]
        return None

    def _source(self, environ: WSGIEnvironment, landing: Landing, at_ms: int) -> _Source:
        """Who follows the link; the address and the full agent end here."""
        # Headers are cut before any cache sees them: what a stranger sends must not stay in memory at its length.
        agent_text = environ.get("HTTP_USER_AGENT", "")[:MAX_CHARS]
        agent = read_agent(agent_text)
        click_ids: list[str] | None = None
        if landing.cookies and environ.get("HTTP_SEC_GPC") != "1":
            texts = read_cookie(environ.get("HTTP_COOKIE", ""))
            click_ids = [text for text in texts if self._links.read_click_id(text)]
        address = client_address(
            environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""), self._hops
        )
        network, key = network_of(address[:_LONGEST_ADDRESS]), self._keys.key(at_ms)
        if click_ids:
            visitor = visitor_hash(key, "cookie", click_ids[0])
        else:
            visitor = visitor_hash(key, "network", network, agent_text)
        host = source_host(environ.get("HTTP_REFERER", "")[:_LONGEST_REFERER])
        return _Source(visitor, agent.family, agent.bot, host, network_hash(key, network), click_ids)


class RedirectParts(ClickParts, Protocol):
    """What of the wired services the redirect needs."""

    @property
    def links(self) -> LinkSigner:
        """Verifies tags, makes click ids."""


def mount_redirect(rest: WSGIApplication, parts: RedirectParts) -> WSGIApplication:
    """One WSGI application: the redirect under ``/r/``, and the rest of the house."""
    redirect = Redirect(parts.settings, parts.db, parts.links, click_log(parts.settings))

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(PREFIX):
            return redirect(environ, start_response)
        return rest(environ, start_response)

    return dispatch


def _found(url: str) -> Answer:
    return "302 Found", [("Location", url), _NO_STORE, _NO_BODY]


def _visit(environ: WSGIEnvironment, *, attributable: bool, bot: bool) -> Visit:
    get = environ.get
    return Visit(
        attributable,
        environ["REQUEST_METHOD"],
        f"{get('HTTP_SEC_PURPOSE', '')}{get('HTTP_PURPOSE', '')}{get('HTTP_X_MOZ', '')}",
        get("HTTP_SEC_FETCH_DEST", ""),
        bot,
    )


def _record(landing: Landing, source: _Source, at_ms: int, kind: ClickLabel) -> ClickRecord:
    """The record of a click that attributes nothing."""
    return ClickRecord(
        event_id=codec.event_id(at_ms, new_nonce()),
        at_ms=at_ms,
        program_id=landing.program_id,
        referrer_id=None,
        campaign="",
        visitor=source.visitor,
        agent=source.agent,
        source_host=source.host,
        label=kind,
        click_id="",
    )


def _target(query: str, landing: Landing, click_id: str) -> str:
    """The landing page, or the allowed deep link, with the click id in its query."""
    if "to=" in query:
        # WSGI hands the query over as Latin-1; people send UTF-8.
        pairs = parse_qsl(query.encode("latin-1").decode(errors="replace"), keep_blank_values=True)
        to = next((value for name, value in pairs if name == "to"), "")
        if deep := deep_link(to, landing.url, landing.hosts):
            return with_ref(deep, click_id)
    return landing.before_ref + click_id + landing.after_ref
