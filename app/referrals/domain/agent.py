"""User agents: whether one is a program's, and the little of it that we keep.

The full agent never leaves the redirect. What is stored is the family and the major version, "Firefox 144".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

import crawleruseragents

MAX_CHARS: Final = 1_000
"""What is read of an agent; no browser's is longer. Cut before it is remembered, or strangers fill the memory."""

_CUBOT: Final = re.compile(r"cubot", re.IGNORECASE)
"""A maker of phones whose name ends like a robot's."""

_ALSO_BOTS: Final = re.compile(r"\b(?:undici|Java/|Cardyb)", re.IGNORECASE)
"""Programs that the crawler list lacks (FIELD.md: no false positive on 2,010 human agents)."""

_FAMILIES: Final = (
    # Nearly every browser also claims to be Chrome and Safari, so the particular ones come first.
    ("Edge", re.compile(r"(?:Edg|EdgA|EdgiOS|Edge)/(\d+)")),
    ("Opera", re.compile(r"(?:OPR|OPT|Opera)/(\d+)")),
    ("Samsung Internet", re.compile(r"SamsungBrowser/(\d+)")),
    ("Vivaldi", re.compile(r"Vivaldi/(\d+)")),
    ("Yandex Browser", re.compile(r"YaBrowser/(\d+)")),
    ("DuckDuckGo", re.compile(r"(?:Ddg|DuckDuckGo)/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:Chrome|CriOS|Chromium)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)[\d.]* (?:Mobile/\w+ )?Safari/")),
    ("Apple WebKit", re.compile(r"AppleWebKit/(\d+)")),
)
_FIRST_PRODUCT: Final = re.compile(r"([A-Za-z][A-Za-z0-9._-]{0,30})(?:/v?(\d{1,6}))?")


class Agent(NamedTuple):
    """``family`` is "Firefox 144", empty where nothing is recognised; ``bot``: no person uses it."""

    family: str
    bot: bool


@lru_cache(maxsize=8192)
def read_agent(text: str) -> Agent:
    """What a ``User-Agent`` header says; the caller cuts it to :data:`MAX_CHARS`.

    Cached, because one look through the crawler list costs about 0.1 ms.
    """
    text = text.strip()
    return Agent(_family(text), _is_bot(text))


def _is_bot(text: str) -> bool:
    if not text:
        return True
    without_phone = _CUBOT.sub("", text)
    return bool(_ALSO_BOTS.search(without_phone)) or bool(crawleruseragents.is_crawler(without_phone))


def _family(text: str) -> str:
    for name, pattern in _FAMILIES:
        if match := pattern.search(text):
            return f"{name} {match[1]}"
    if match := _FIRST_PRODUCT.match(text):
        return f"{match[1]} {match[2]}" if match[2] else match[1]
    return ""
