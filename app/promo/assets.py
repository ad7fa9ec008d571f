"""What staff do with banners and texts: add, retire, offer again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.identity.audit import Actor, record_event
from app.kernel.db import insert_or_ignore
from app.kernel.errors import InvalidInput, NotFound
from app.promo.models import AssetKind, PromoAsset, PromoPicture
from app.referrals.domain.deep_link import deep_link
from app.referrals.models import Program
from app.referrals.referrers import LOCALES

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.promo.images import Picture

MAX_TITLE: Final = 200
MAX_WORDS: Final = 2_000
PLACE: Final = "{link}"
"""Stands in a text where the referrer's link goes."""
_WHAT_IT_IS: Final = ("kind", "locale", "title", "words", "to", "digest")


class UnknownAsset(NotFound):
    """The programme has no banner or text of that number."""

    def __init__(self, asset_id: int) -> None:
        super().__init__(f"there is no banner or text {asset_id}")


@dataclass(frozen=True, slots=True)
class NewAsset:
    """What banners and texts have in common. ``to`` is a page of the shop, empty for the landing page."""

    locale: str
    title: str
    to: str = ""


def add_banner(
    session: Session, program: Program, new: NewAsset, picture: Picture, *, actor: Actor, now: datetime
) -> PromoAsset:
    """Offer a banner; its title is what is read where the picture is not seen. Raises ``InvalidInput``."""
    digest = hashlib.sha256(picture.body).hexdigest()
    row = {"digest": digest, "media_type": picture.media_type, "body": picture.body}
    insert_or_ignore(session, PromoPicture, [row], key=("digest",))
    asset = _asset(program, new, AssetKind.BANNER, actor, now)
    asset.digest, asset.width, asset.height = digest, picture.width, picture.height
    return _added(session, program, asset, actor, now)


def add_text(
    session: Session, program: Program, new: NewAsset, words: str, *, actor: Actor, now: datetime
) -> PromoAsset:
    """Offer a text of 1 to 2,000 characters; without ``{link}`` in it, the link follows it. Raises ``InvalidInput``."""
    said = words.replace("\r\n", "\n").strip()
    if not 1 <= len(said) <= MAX_WORDS:
        raise InvalidInput(f"words: expected 1 to {MAX_WORDS} characters", pointer="/words")
    asset = _asset(program, new, AssetKind.TEXT, actor, now)
    asset.words = said
    return _added(session, program, asset, actor, now)


def retire(session: Session, program: Program, asset_id: int, *, actor: Actor, now: datetime) -> None:
    """Offer it no more. Where it stands it stays, and goes on counting. Again changes nothing."""
    asset = _own(session, program, asset_id)
    if asset.retired_at is None:
        asset.retired_at = now
        _record(session, program, asset, "promo.retired", actor, now)


def offer_again(session: Session, program: Program, asset_id: int, *, actor: Actor, now: datetime) -> None:
    """Take back that it was retired. Again changes nothing."""
    asset = _own(session, program, asset_id)
    if asset.retired_at is not None:
        asset.retired_at = None
        _record(session, program, asset, "promo.offered_again", actor, now)


def _asset(program: Program, new: NewAsset, kind: AssetKind, actor: Actor, now: datetime) -> PromoAsset:
    if new.locale not in LOCALES:
        raise InvalidInput(f"locale: expected one of {', '.join(LOCALES)}", pointer="/locale")
    title = " ".join(new.title.split())
    if not 1 <= len(title) <= MAX_TITLE:
        raise InvalidInput(f"title: expected 1 to {MAX_TITLE} characters", pointer="/title")
    if new.to and deep_link(new.to, program.landing_url, program.hosts) is None:
        raise InvalidInput(
            "to: expected a path, or an https address on a host of the programme", pointer="/to"
        )
    return PromoAsset(
        program_id=program.id,
        kind=kind,
        locale=new.locale,
        title=title,
        words="",
        to=new.to,
        created_at=now,
        created_by=actor.label,
    )


def _added(session: Session, program: Program, asset: PromoAsset, actor: Actor, now: datetime) -> PromoAsset:
    """The asset, kept; the one that is there where the same is offered already, as when a form is sent twice."""
    # The other sending of the same form waits here: otherwise both would find nothing and offer it twice.
    session.execute(select(Program.id).where(Program.id == program.id).with_for_update(key_share=True))
    alike = [getattr(PromoAsset, name).is_not_distinct_from(getattr(asset, name)) for name in _WHAT_IT_IS]
    wanted = select(PromoAsset).where(
        PromoAsset.program_id == program.id, PromoAsset.retired_at.is_(None), *alike
    )
    if same := session.scalars(wanted.limit(1)).first():
        return same
    session.add(asset)
    session.flush()  # the trail names it by its number
    _record(session, program, asset, "promo.added", actor, now)
    return asset


def _own(session: Session, program: Program, asset_id: int) -> PromoAsset:
    wanted = select(PromoAsset).where(PromoAsset.id == asset_id, PromoAsset.program_id == program.id)
    asset = session.scalars(wanted).one_or_none()
    if asset is None:
        raise UnknownAsset(asset_id)
    return asset


def _record(
    session: Session, program: Program, asset: PromoAsset, action: str, actor: Actor, now: datetime
) -> None:
    details = {"program": program.slug, "kind": asset.kind.value, "locale": asset.locale}
    if asset.digest:
        details["picture"] = asset.digest[:16]
    record_event(session, actor, action, f"asset:{asset.id}", details, now=now, program_id=program.id)
