"""The referrer's links with what each brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from app.dashboard.i18n import _, ngettext
from app.referrals.links import referral_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.referrals.links import LinkSigner
    from app.referrals.models import Link
    from app.referrals.queries.dashboard import Membership


@dataclass(frozen=True, slots=True)
class ShownLink:
    """One link, ready to copy."""

    label: str
    target: str
    url: str
    clicks: str


@dataclass(frozen=True, slots=True)
class LinksPage:
    """All links of one membership."""

    links: tuple[ShownLink, ...]


def links_page(
    links: Sequence[Link],
    clicks: Mapping[str, int],
    signer: LinkSigner,
    public_url: str,
    membership: Membership,
) -> LinksPage:
    """The plain link first, then the referrer's own, oldest first."""
    program, code = membership.program.slug, membership.referrer.code

    def shown(campaign: str, to: str) -> ShownLink:
        url = referral_url(signer, public_url, program, code, campaign)
        return ShownLink(
            label=campaign or (_("Plain link") if not to else _("Without a campaign")),
            target=to,
            url=f"{url}?to={quote(to, safe='/:')}" if to else url,
            clicks=ngettext("%(num)s click", "%(num)s clicks", clicks.get(campaign, 0)),
        )

    return LinksPage((shown("", ""), *(shown(link.campaign, link.to) for link in links)))
