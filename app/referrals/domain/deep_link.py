r"""Deep links: where ``?to=`` may lead, and how a URL gets its ``ref``.

An open redirect lends our name to a swindler's page. Browsers read URLs more leniently than any parser (tabs
vanish, ``\`` is ``/``, ``https:/x`` has a host), so nothing is parsed, joined and then checked: a target
either has exactly the shape below or is ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_CHARS: Final = 2_000
"""A longer target is ignored."""

_HTTPS: Final = re.compile(
    r"https://(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?P<port>:[0-9]{1,5})?(?P<rest>[/?#].*)?",
    re.IGNORECASE,
)
_PATH: Final = re.compile(r"/(?!/).*")
_PRINTABLE_ASCII: Final = "".join(map(chr, range(0x21, 0x7F)))
_ORIGIN: Final = re.compile(r"https?://[^/?#]+", re.IGNORECASE)


def deep_link(to: str, landing_url: str, hosts: Collection[str]) -> str | None:
    """The absolute ASCII URL that an allowed ``to`` names, or ``None`` where it is to be ignored.

    Allowed are a path with exactly one leading ``/``, on the landing page's own origin, and https on the landing
    page's host or one of ``hosts`` (lower case; a host may carry a port of its own, "shop.example:8443").
    """
    if len(to) > MAX_CHARS or not to.isprintable() or " " in to or "\\" in to:
        return None
    if _PATH.fullmatch(to):
        origin = _ORIGIN.match(landing_url)
        return origin[0] + ascii_url(to) if origin else None
    match = _HTTPS.fullmatch(to)
    if match is None:
        return None
    host, port = match["host"].lower(), match["port"] or ""
    named = (host + port).removesuffix(":443")
    if named not in hosts and named != _host_of(landing_url):
        return None
    return f"https://{host}{port}{ascii_url(match['rest'] or '/')}"


def _host_of(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2].lower().removesuffix(":443")


def split_for_ref(url: str) -> tuple[str, str]:
    """The parts between which a click id makes ``url`` carry it: ``before + click_id + after``.

    Whatever ``ref`` the URL had is dropped: the shop must not find two.
    """
    head, hash_sign, fragment = url.partition("#")
    base, _, query = head.partition("?")
    kept = [pair for pair in query.split("&") if pair and unquote_plus(pair.partition("=")[0]) != "ref"]
    return f"{base}?{'&'.join([*kept, 'ref='])}", hash_sign + fragment


def with_ref(url: str, click_id: str) -> str:
    """``url`` with ``ref={click_id}`` added to its query, before its fragment."""
    before, after = split_for_ref(url)
    return before + click_id + after


def ascii_url(text: str) -> str:
    """Letters outside ASCII percent-encoded, all else as it is: a header holds ASCII only."""
    return quote(text, safe=_PRINTABLE_ASCII)
