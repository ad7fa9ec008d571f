"""``GET /r/{code}/{tag}`` and ``/r/{code}/{campaign}/{tag}``: answered on the event loop, beside Flask.

No session, no template, no framework: a buyer waits here. Whatever is wrong with a link, or with us, a buyer is sent
on to a page of the merchant; there is no error page.
"""

from __future__ import annotations

import asyncio
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
    from collections.abc import Mapping

    from app.kernel.db import Database
    from app.referrals.clicks import ClickLog
    from app.referrals.landing import Landing
    from app.referrals.links import LinkSigner
    from config import Settings

_log = structlog.get_logger(__name__)

PREFIX: Final = "/r/"

_CAMPAIGN: Final = re.compile(r"[a-z0-9-]{1,20}", re.ASCII)
_NO_STORE: Final = ("cache-control", "no-store")
_NO_BODY: Final = ("content-length", "0")
_LONGEST_REFERER: Final = 500
_LONGEST_ADDRESS: Final = 64

Answer = tuple[int, list[tuple[str, str]]]
"""Status and headers; there is never a body."""


class _Source(NamedTuple):
    """Who follows the link. ``click_ids`` are the cookie's, verified; ``None`` where cookies are not allowed."""

    visitor: str
    agent: str
    bot: bool
    host: str
    network: str
    click_ids: list[str] | None


class Asked(NamedTuple):
    """A request as its server read it: ``path`` and ``query`` are text, ``remote`` is the other end of the connection.

    ``headers`` go by their names in lower case; those that came several times are joined.
    """

    method: str
    path: str
    query: str
    remote: str
    headers: Mapping[str, str]


class Redirect:
    """What answers a referral link. ``log`` is where clicks go; it must not raise. It belongs to one event loop."""

    def __init__(self, settings: Settings, db: Database, links: LinkSigner, log: ClickLog) -> None:
        self._landings = Landings(db)
        self._keys = VisitorKeys(db)
        self._links = links
        self._log = log
        self._hops = settings.proxy_hops
        self._secure = settings.secure_cookies
        self._default = settings.default_landing_url

    async def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        try:
            return await self._answer(asked)
        except Exception:  # noqa: BLE001 - whatever broke in here, the buyer goes on
            _log.exception("redirect_failed", path=asked.path)
            return _found(self._default)

    async def _answer(self, asked: Asked) -> Answer:
        if asked.method not in {"GET", "HEAD"}:
            return 405, [("allow", "GET, HEAD"), _NO_STORE, _NO_BODY]
        landing = await self._landing(asked.path[len(PREFIX) :].partition("/")[0].lower())
        if landing is None:
            return _found(self._default)
        link = landing.links.get(asked.path) or self._verified(landing, asked.path)
        at_ms = codec.milliseconds(clock.now())
        source = self._source(asked, landing, await self._key(at_ms))
        kind = label(_visit(asked, attributable=link is not None, bot=source.bot))
        if link is None:
            await self._log.append(_record(landing, source, at_ms, kind), None)
            return _found(landing.url)
        click_id = await self._append(landing, link, source, kind, at_ms)
        if kind is ClickLabel.PREFETCH:
            return 503, [_NO_STORE, _NO_BODY]
        if kind is ClickLabel.EMBEDDED:
            return 204, [_NO_STORE]
        status, headers = _found(_target(asked.query, landing, click_id))
        if source.click_ids is not None and kind is not ClickLabel.HEAD:
            cookie = set_cookie(
                source.click_ids, click_id, seconds=landing.cookie_seconds, secure=self._secure
            )
            headers.append(("set-cookie", cookie))
        return status, headers

    async def _landing(self, code: str) -> Landing | None:
        """Where a code leads; the database is asked on a thread, so that nobody else's click waits for it."""
        if self._landings.known(code):
            return self._landings.find(code)
        return await asyncio.to_thread(self._landings.find, code)

    async def _key(self, at_ms: int) -> bytes:
        if self._keys.known(at_ms):
            return self._keys.key(at_ms)
        return await asyncio.to_thread(self._keys.key, at_ms)

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

    async def _append(
        self, landing: Landing, link: Link, source: _Source, kind: ClickLabel, at_ms: int
    ) -> str:
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
            await self._log.append(record, None)
        elif first := self._newest_if_same(record, source.click_ids):
            await self._log.append(record._replace(label=ClickLabel.DUPLICATE, click_id=first), None)
            return first
        elif first := await self._log.append(
            record, f"{source.visitor}:{landing.referrer_id}:{link.campaign}"
        ):
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

    def _source(self, asked: Asked, landing: Landing, key: bytes) -> _Source:
        """Who follows the link, under the day's key; the address and the full agent end here."""
        # Headers are cut before any cache sees them: what a stranger sends must not stay in memory at its length.
        header = asked.headers.get
        agent_text = header("user-agent", "")[:MAX_CHARS]
        agent = read_agent(agent_text)
        click_ids: list[str] | None = None
        if landing.cookies and header("sec-gpc") != "1":
            click_ids = [
                text for text in read_cookie(header("cookie", "")) if self._links.read_click_id(text)
            ]
        address = client_address(asked.remote, header("x-forwarded-for", ""), self._hops)
        network = network_of(address[:_LONGEST_ADDRESS])
        if click_ids:
            visitor = visitor_hash(key, "cookie", click_ids[0])
        else:
            visitor = visitor_hash(key, "network", network, agent_text)
        host = source_host(header("referer", "")[:_LONGEST_REFERER])
        return _Source(visitor, agent.family, agent.bot, host, network_hash(key, network), click_ids)


class RedirectParts(ClickParts, Protocol):
    """What of the wired services the redirect needs."""

    @property
    def links(self) -> LinkSigner:
        """Verifies tags, makes click ids."""


def redirect_of(parts: RedirectParts) -> Redirect:
    """The redirect of this installation."""
    return Redirect(parts.settings, parts.db, parts.links, click_log(parts.settings))


def _found(url: str) -> Answer:
    return 302, [("location", url), _NO_STORE, _NO_BODY]


def _visit(asked: Asked, *, attributable: bool, bot: bool) -> Visit:
    get = asked.headers.get
    purpose = f"{get('sec-purpose', '')}{get('purpose', '')}{get('x-moz', '')}"
    return Visit(attributable, asked.method, purpose, get("sec-fetch-dest", ""), bot)


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
        to = next((value for name, value in parse_qsl(query, keep_blank_values=True) if name == "to"), "")
        if deep := deep_link(to, landing.url, landing.hosts):
            return with_ref(deep, click_id)
    return landing.before_ref + click_id + landing.after_ref
