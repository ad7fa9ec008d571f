"""The referrer's links, ready to copy, print and share, and what each campaign brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, NavItem, Table
from app.dashboard.i18n import _
from app.dashboard.presenters.qr import downloads
from app.dashboard.presenters.share import ShareLink, share_links
from app.referrals.links import ASSET_CAMPAIGN, referral_url
from app.referrals.queries.campaigns import MOST_LINKS, Brought

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.ledger.balances import Balance
    from app.referrals.links import LinkSigner
    from app.referrals.models import Link, Program
    from app.referrals.queries.dashboard import Membership


@dataclass(frozen=True, slots=True)
class ShownLink:
    """One link with all that one can do with it."""

    label: str
    target: str
    url: str
    downloads: tuple[NavItem, ...]
    share: tuple[ShareLink, ...]


@dataclass(frozen=True, slots=True)
class LinksPage:
    """All links of one membership, and what they brought."""

    links: tuple[ShownLink, ...]
    campaigns: Table


def link_url(
    signer: LinkSigner, public_url: str, membership: Membership, campaign: str = "", to: str = ""
) -> str:
    """The address of a link, with its target behind it."""
    url = referral_url(signer, public_url, membership.program.slug, membership.referrer.code, campaign)
    return f"{url}?to={quote(to, safe='/:')}" if to else url


def links_page(
    links: Sequence[Link],
    brought: Mapping[str, Brought],
    balance: Balance,
    signer: LinkSigner,
    public_url: str,
    membership: Membership,
) -> LinksPage:
    """The plain link first, then the referrer's own, newest first."""
    url = link_url(signer, public_url, membership)
    plain = ShownLink(_("Plain link"), "", url, downloads(None), share_links(url))

    def shown(link: Link) -> ShownLink:
        url = link_url(signer, public_url, membership, link.campaign, link.to)
        label = link.campaign or _("Without a campaign")
        return ShownLink(label, link.to, url, downloads(link.id), share_links(url))

    named = {link.campaign: Brought() for link in links if link.campaign} | dict(brought)
    return LinksPage((plain, *map(shown, links)), _campaigns(named, balance, membership.program))


def _campaigns(brought: Mapping[str, Brought], balance: Balance, program: Program) -> Table:
    """What each campaign brought, the best first; the last row is all that no campaign did."""
    named, assets = [], Brought()
    for campaign, each in brought.items():
        if ASSET_CAMPAIGN.fullmatch(campaign):
            assets.add(each)
        elif campaign:
            named.append((campaign, each))
    named.sort(key=lambda item: (-item[1].commission_minor, -item[1].clicks, item[0]))
    rows = [_row(Cell(name, wraps=True), each, each.commission_minor, program) for name, each in named]
    if assets.clicks or assets.signups:
        label = Cell(_("Banners and texts"), href=url_for("home.promo"))
        rows.append(_row(label, assets, assets.commission_minor, program))
    counted = assets.commission_minor + sum(each.commission_minor for _name, each in named)
    others = brought.get("", Brought())
    rest = balance.earned - balance.clawed_back - counted
    label = Cell(_("Plain link"), sub=_("and coupons, codes and partners chosen"))
    return Table(
        title=_("What each campaign brought"),
        id="campaigns",
        folds=True,
        columns=(
            Column(_("Campaign"), fold=False),
            Column(_("Clicks"), numeric=True),
            Column(_("Signups"), numeric=True),
            Column(_("Paying customers"), numeric=True),
            Column(_("Commission"), numeric=True),
        ),
        rows=(*rows[:MOST_LINKS], _row(label, others, rest, program)),
        empty=Empty("", ""),
    )


def _row(label: Cell, brought: Brought, commission: int, program: Program) -> tuple[Cell, ...]:
    return (
        label,
        Cell(formatting.number(brought.clicks)),
        Cell(formatting.number(brought.signups)),
        Cell(formatting.number(brought.paying)),
        Cell(formatting.amount(commission, program.currency)),
    )


def target_help(program: Program) -> str:
    """Which targets a link may have, by the programme's own hosts."""
    hosts = dict.fromkeys([urlsplit(program.landing_url).netloc.lower(), *program.hosts])
    return _(
        "A path such as /pricing, or an https address on one of these hosts: %(hosts)s.",
        hosts=", ".join(host for host in hosts if host),
    )
