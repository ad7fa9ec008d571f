"""Sharing a link: plain links to the services, with a text that says that it is advertising."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from app.dashboard.i18n import _


@dataclass(frozen=True, slots=True)
class ShareLink:
    """One way of sharing. ``leaves`` says that it opens another site."""

    label: str
    href: str
    leaves: bool = True


def share_links(url: str) -> tuple[ShareLink, ...]:
    """Mail, WhatsApp and LinkedIn. Nothing is asked of them before somebody follows one.

    The label is the law's: who earns by a recommendation says so in the recommendation.
    """
    words = _("Advertisement: I recommend this. If you order through my link, I receive a commission.")
    text = quote(f"{words}\n{url}", safe="")
    lines = quote(f"{words}\r\n\r\n{url}\r\n", safe="")
    subject = quote(_("A recommendation (advertisement)"), safe="")
    return (
        ShareLink(_("E-mail"), f"mailto:?subject={subject}&body={lines}", leaves=False),
        ShareLink("WhatsApp", f"https://wa.me/?text={text}"),
        ShareLink("LinkedIn", f"https://www.linkedin.com/feed/?shareActive=true&text={text}"),
    )
