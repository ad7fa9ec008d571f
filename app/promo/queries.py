"""What the pages read of banners and texts, and what each brought. All by indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from app.promo.models import BannerViews, PromoAsset, PromoPicture
from app.referrals.links import asset_campaign
from app.referrals.models import BY_ASSET, ClickTotal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

MOST: Final = 200
"""Banners and texts that a page shows."""

_COUNTED: Final = "counted"


@dataclass(frozen=True, slots=True)
class Brought:
    """How often a banner was shown, and how often a link of the banner or text was followed; bots not counted."""

    views: int = 0
    clicks: int = 0


def assets_of(session: Session, program_id: int, *, offered: bool = False) -> list[PromoAsset]:
    """The programme's newest banners and texts, newest first; only those ``offered``, or the retired ones too."""
    wanted = select(PromoAsset).where(PromoAsset.program_id == program_id)
    if offered:
        wanted = wanted.where(PromoAsset.retired_at.is_(None))
    return list(session.scalars(wanted.order_by(PromoAsset.id.desc()).limit(MOST)))


def brought_for(session: Session, referrer_id: int, assets: Sequence[PromoAsset]) -> dict[int, Brought]:
    """What each brought one referrer, by number."""
    return _brought(
        session, assets, BannerViews.referrer_id == referrer_id, ClickTotal.referrer_id == referrer_id
    )


def brought_in_all(session: Session, program_id: int, assets: Sequence[PromoAsset]) -> dict[int, Brought]:
    """What each brought all referrers of the programme together, by number."""
    numbers = [asset.id for asset in assets]
    return _brought(session, assets, BannerViews.asset_id.in_(numbers), ClickTotal.program_id == program_id)


def _brought(
    session: Session, assets: Sequence[PromoAsset], shown: ColumnElement[bool], followed: ColumnElement[bool]
) -> dict[int, Brought]:
    views = session.execute(
        select(BannerViews.asset_id, func.sum(BannerViews.count)).where(shown).group_by(BannerViews.asset_id)
    )
    seen = {asset_id: int(count) for asset_id, count in views}
    clicks = session.execute(
        select(ClickTotal.campaign, func.sum(ClickTotal.count))
        .where(followed, BY_ASSET, ClickTotal.label == _COUNTED)
        .group_by(ClickTotal.campaign)
    )
    came = {campaign: int(count) for campaign, count in clicks}
    return {
        asset.id: Brought(seen.get(asset.id, 0), came.get(asset_campaign(asset.id), 0)) for asset in assets
    }


def picture_of(session: Session, digest: str) -> PromoPicture | None:
    """A picture by its content."""
    return session.get(PromoPicture, digest)
