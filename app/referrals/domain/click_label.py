"""Click labels: what kind of request followed a referral link.

Every click is stored with its label and only ``counted`` counts. A label affects counts, never attribution: a
wrong guess here may cost a number on a chart, never a commission.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ClickLabel(StrEnum):
    """What a request on a referral link was. The order of the members is the order of precedence."""

    BAD_TAG = "bad_tag"
    """The link attributes nothing: its tag is not ours, or its referrer is suspended or has left."""

    PREFETCH = "prefetch"
    """A browser fetched ahead of a visit that may never come."""

    HEAD = "head"
    """Asked for the headers only: a link checker or a preview."""

    EMBEDDED = "embedded"
    """Loaded as an image, frame or script inside a page, so that nobody saw it."""

    BOT = "bot"
    """A program that says what it is, or says nothing at all."""

    DUPLICATE = "duplicate"
    """The same visitor followed the same link a moment ago."""

    COUNTED = "counted"
    """A person followed the link."""


class Visit(NamedTuple):
    """What a request shows of its kind.

    ``attributable`` says that the tag is ours and the referrer active; ``purpose`` joins the headers
    ``Sec-Purpose``, ``Purpose`` and ``X-Moz``; ``fetch_dest`` is ``Sec-Fetch-Dest``, empty where the browser
    sent none.
    """

    attributable: bool
    method: str
    purpose: str
    fetch_dest: str
    bot: bool


def label(visit: Visit, *, duplicate: bool = False) -> ClickLabel:
    """The label of a visit: the first that matches, in the order of :class:`ClickLabel`."""
    if not visit.attributable:
        found = ClickLabel.BAD_TAG
    elif is_prefetch(visit.purpose):
        found = ClickLabel.PREFETCH
    elif visit.method == "HEAD":
        found = ClickLabel.HEAD
    elif visit.fetch_dest not in {"", "document"}:
        found = ClickLabel.EMBEDDED
    elif visit.bot:
        found = ClickLabel.BOT
    else:
        found = ClickLabel.DUPLICATE if duplicate else ClickLabel.COUNTED
    return found


def is_prefetch(purpose: str) -> bool:
    """Whether the purpose headers announce a fetch ahead of a visit ("prefetch;prerender", "preview")."""
    if not purpose:
        return False
    purpose = purpose.lower()
    return "prefetch" in purpose or "prerender" in purpose or "preview" in purpose
