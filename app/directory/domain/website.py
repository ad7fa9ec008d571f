"""The address of a partner's own website, the one link in the directory that leads away from it."""

from __future__ import annotations

import re
from typing import Final

from app.kernel.errors import InvalidInput

MOST: Final = 200

_HTTPS: Final = re.compile(
    r"https://(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9])"
    r"(?P<rest>[/?#][\x21-\x7e]*)?",
    re.IGNORECASE | re.ASCII,
)


class UnfitWebsite(InvalidInput):
    """The address is not one that the directory links to."""

    title = "Unfit address"

    def __init__(self) -> None:
        super().__init__(
            f"expected an https address of at most {MOST} characters, without a port or a user name",
            pointer="/website",
        )


def clean_website(raw: str) -> str:
    """The address, its host in small letters; empty stays empty. Raises :class:`UnfitWebsite`.

    Nothing is parsed and then checked, as browsers read addresses more leniently than any parser: an address has
    exactly the shape above, in ASCII (a host with other letters is written in its ``xn--`` form), or is refused.
    """
    text = raw.strip()
    if not text:
        return ""
    if text.lower().startswith("www."):
        text = f"https://{text}"
    match = _HTTPS.fullmatch(text)
    if match is None or len(text) > MOST or "\\" in text:
        raise UnfitWebsite
    return f"https://{match['host'].lower()}{match['rest'] or '/'}"


def host_of(website: str) -> str:
    """The host of a cleaned address, as people read it."""
    return (
        website.removeprefix("https://")
        .partition("/")[0]
        .partition("?")[0]
        .partition("#")[0]
        .removeprefix("www.")
    )
