"""What staff offer to advertise with, and how often banners were shown."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime, enum_column

__all__ = ["AssetKind", "BannerViews", "PromoAsset", "PromoPicture", "ViewBatch"]


class AssetKind(StrEnum):
    """What a referrer gets to copy."""

    BANNER = "banner"
    """HTML with a picture that leads to the referrer's link."""
    TEXT = "text"
    """Words with the referrer's link."""


class PromoPicture(Base):
    """The bytes of a picture, once for all who use it. In the database, so that every web process has them."""

    __tablename__ = "promo_pictures"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of ``body`` in hex; also its address, which may therefore be kept for ever."""
    media_type: Mapped[str] = mapped_column(String(32))
    body: Mapped[bytes] = mapped_column(LargeBinary)


class PromoAsset(Base):
    """A banner or a text of a programme, in one language. Never edited: retired, and another one added."""

    __tablename__ = "promo_assets"
    __table_args__ = (
        CheckConstraint(
            "(kind = 'banner') = (digest IS NOT NULL) AND (digest IS NOT NULL) = (width IS NOT NULL)"
            " AND (width IS NOT NULL) = (height IS NOT NULL)",
            name="picture",
        ),
        Index("ix_promo_assets_program", "program_id", "retired_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    kind: Mapped[AssetKind] = mapped_column(enum_column(AssetKind))
    locale: Mapped[str] = mapped_column(String(2))
    title: Mapped[str] = mapped_column(String(200))
    """A banner's alternative text; what a text is for."""
    words: Mapped[str] = mapped_column(String(2_000), default="")
    """The text; ``{link}`` stands where the referrer's link goes. Empty for a banner."""
    to: Mapped[str] = mapped_column(String(2000), default="")
    """The page of the shop that it leads to; empty for the landing page."""
    digest: Mapped[str | None] = mapped_column(String(64), ForeignKey("promo_pictures.digest"))
    width: Mapped[int | None]
    height: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(80))
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """From then on nobody is offered it; where it already stands it goes on showing and counting."""


class BannerViews(Base):
    """How often a banner was shown on the pages of one referrer."""

    __tablename__ = "banner_views"
    __table_args__ = (Index("ix_banner_views_referrer", "referrer_id"),)

    asset_id: Mapped[int] = mapped_column(Id, ForeignKey("promo_assets.id"), primary_key=True)
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"), primary_key=True)
    count: Mapped[int] = mapped_column(Id)


class ViewBatch(Base):
    """A batch of counted views that was written: what makes writing it again harmless."""

    __tablename__ = "view_batches"

    batch: Mapped[str] = mapped_column(String(32), primary_key=True)
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)
