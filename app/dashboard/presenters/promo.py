"""Banners and texts: ready to copy for a referrer, and with what they brought for staff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from flask import url_for
from markupsafe import escape

from app.dashboard import formatting
from app.dashboard.components import Empty, Status, Tone
from app.dashboard.i18n import _
from app.dashboard.locale import LANGUAGES
from app.promo.assets import PLACE
from app.promo.models import AssetKind
from app.referrals.links import asset_campaign, referral_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.promo.models import PromoAsset
    from app.promo.queries import Brought
    from app.referrals.links import LinkSigner
    from app.referrals.queries.dashboard import Membership

AD_LABELS: Final = {"nl": "Advertentie", "de": "Werbung", "en": "Advertisement"}
"""What the reader of an advertisement has to be told, in its own language and not in that of whoever copies it."""


_BROAD: Final = 400
"""Pixels: what is broader takes two of three columns."""


@dataclass(frozen=True, slots=True)
class Tally:
    """One figure with its word."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ShownAsset:
    """A banner or a text. ``copy`` is what a referrer copies; empty on the pages of staff."""

    id: int
    title: str
    kind: str
    locale: str
    about: str
    tallies: tuple[Tally, ...]
    shape: str = ""
    """How the card lies: ``broad``, ``narrow`` or ``text``."""
    picture: str = ""
    width: int = 0
    height: int = 0
    words: str = ""
    copy: str = ""
    status: Status | None = None
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    """What there is in one language."""

    language: str
    locale: str
    assets: tuple[ShownAsset, ...]


@dataclass(frozen=True, slots=True)
class PromoPage:
    """All banners and texts of a programme, by language."""

    shelves: tuple[Shelf, ...]
    empty: Empty


class Copies:
    """Makes what one referrer copies."""

    def __init__(self, signer: LinkSigner, public_url: str, membership: Membership) -> None:
        self._signer, self._public_url = signer, public_url
        self._program, self._code = membership.program.slug, membership.referrer.code

    def of(self, asset: PromoAsset) -> str:
        """HTML for a banner, plain words for a text, each marked as an advertisement."""
        label = AD_LABELS[asset.locale]
        if asset.kind is AssetKind.BANNER:
            return (
                f'<a href="{escape(self._url(asset))}" rel="sponsored">'
                f'<img src="{escape(f"{self._public_url}/b/{self._code}/{asset.id}")}"'
                f' width="{asset.width}" height="{asset.height}" alt="{escape(asset.title)}"></a>\n'
                f"<br><small>{label}</small>"
            )
        words = asset.words if PLACE in asset.words else f"{asset.words}\n{PLACE}"
        return f"{label}: {words.replace(PLACE, self._url(asset))}"

    def _url(self, asset: PromoAsset) -> str:
        campaign = asset_campaign(asset.id)
        url = referral_url(self._signer, self._public_url, self._program, self._code, campaign)
        return f"{url}?to={quote(asset.to, safe='/:')}" if asset.to else url


def my_page(
    assets: Sequence[PromoAsset], brought: Mapping[int, Brought], copies: Copies, language: str
) -> PromoPage:
    """What a referrer may copy; their own language first."""
    shown = [_shown(asset, brought[asset.id], copies.of(asset)) for asset in assets]
    empty = Empty(
        _("No banners or texts yet"),
        _("As soon as the programme offers some, you copy them here with your own link inside."),
        _("To your links"),
        url_for("home.links"),
    )
    return PromoPage(_shelves(shown, language), empty)


def staff_page(
    assets: Sequence[PromoAsset], brought: Mapping[int, Brought], language: str, *, may_add: bool
) -> PromoPage:
    """Everything that was ever offered, with what it brought all referrers together."""
    shown = [_shown(asset, brought[asset.id], "") for asset in assets]
    empty = Empty(
        _("No banners or texts yet"),
        _("What you add here, referrers copy with their own link inside."),
        _("Add a banner") if may_add else "",
        url_for("staff.add_banner") if may_add else "",
    )
    return PromoPage(_shelves(shown, language), empty)


def _shelves(shown: Sequence[ShownAsset], language: str) -> tuple[Shelf, ...]:
    """Banners before texts, what is offered before what is not, each newest first."""
    ordered = sorted(shown, key=lambda each: (each.retired, not each.picture))
    first = sorted(LANGUAGES, key=lambda code: code != language)
    shelves = [
        Shelf(LANGUAGES[code], code, tuple(each for each in ordered if each.locale == code)) for code in first
    ]
    return tuple(shelf for shelf in shelves if shelf.assets)


def _shown(asset: PromoAsset, brought: Brought, copy: str) -> ShownAsset:
    banner = asset.kind is AssetKind.BANNER
    clicks = Tally(_("Clicks"), formatting.number(brought.clicks))
    tallies = (
        (
            Tally(_("Shown"), formatting.number(brought.views)),
            clicks,
            Tally(_("Clicked"), formatting.share(brought.clicks, brought.views) or "\u2013"),
        )
        if banner
        else (clicks,)
    )
    retired = asset.retired_at is not None
    return ShownAsset(
        id=asset.id,
        title=asset.title,
        kind=_("Banner") if banner else _("Text"),
        locale=asset.locale,
        about=_about(asset),
        tallies=tallies,
        shape="text" if not banner else "broad" if (asset.width or 0) > _BROAD else "narrow",
        picture=url_for("public.picture", digest=asset.digest) if banner else "",
        width=asset.width or 0,
        height=asset.height or 0,
        words=asset.words,
        copy=copy,
        status=Status(_("No longer offered"), Tone.STOP) if retired else Status(_("Offered"), Tone.DONE),
        retired=retired,
    )


def _about(asset: PromoAsset) -> str:
    if asset.kind is AssetKind.TEXT:
        return asset.to
    size = _("%(width)s \u00d7 %(height)s pixels", width=asset.width, height=asset.height)
    return f"{size} · {asset.to}" if asset.to else size
