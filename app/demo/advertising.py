"""The demo's banners and texts, offered from the first day on, and how a few referrers used them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.demo import banners
from app.demo.banners import KORENHOF, STUDIO, Brand, Words
from app.demo.cast import DIRECTORY, HOSTING
from app.demo.events import FollowLink
from app.demo.scenes.clicks import BROWSERS
from app.demo.scenes.dice import Dice
from app.demo.stage import ACTOR
from app.promo.assets import NewAsset, add_banner, add_text
from app.promo.models import AssetKind, PromoAsset
from app.promo.views import add_views
from app.referrals.links import asset_campaign
from app.referrals.models import Program, Referrer, ReferrerStatus
from app.referrals.programs import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

DAYS: Final = 60
"""How long ago the referrers began to use them, at most."""

USERS: Final = 5
"""Referrers of a programme who do, the first ones who joined."""

_FIRST_KEY: Final = 9_000_000
"""Above every key of the history's own clicks."""

_BANNERS: Final[dict[str, tuple[Brand, str, dict[str, Words]]]] = {
    HOSTING: (
        KORENHOF,
        "Korenhof Hosting",
        {
            "nl": Words(
                "Hosting die gewoon werkt.",
                ("Hosting die", "gewoon werkt."),
                "Nederlandse servers, en mensen die de telefoon opnemen.",
                "Bekijk de pakketten",
            ),
            "de": Words(
                "Hosting, das einfach läuft.",
                ("Hosting, das", "einfach läuft."),
                "Server in Europa, und Menschen, die ans Telefon gehen.",
                "Pakete ansehen",
            ),
        },
    ),
    DIRECTORY: (
        STUDIO,
        "Newsletter Studio",
        {
            "nl": Words(
                "Nieuwsbrieven die aankomen.",
                ("Nieuwsbrieven", "die aankomen."),
                "Schrijven, opmaken, versturen. Zonder voorkennis.",
                "Probeer het gratis",
            ),
            "de": Words(
                "Newsletter, die ankommen.",
                ("Newsletter, die", "ankommen."),
                "Schreiben, gestalten, senden. Ohne Vorkenntnisse.",
                "Kostenlos testen",
            ),
        },
    ),
}

_TEXTS: Final = {
    (HOSTING, "nl"): (
        "Een regel voor je nieuwsbrief",
        "Onze website draait al jaren bij Korenhof. Snel, en bij vragen krijg je een mens aan de lijn: {link}",
    ),
    (HOSTING, "de"): (
        "Eine Zeile für Ihren Newsletter",
        "Unsere Website läuft seit Jahren bei Korenhof. Schnell, und bei Fragen geht ein Mensch ans Telefon: {link}",
    ),
    (DIRECTORY, "nl"): (
        "Een bericht voor LinkedIn",
        "Wij maken nieuwsbrieven voor onze klanten met Newsletter Studio. Zelf proberen kan gratis: {link}",
    ),
    (DIRECTORY, "de"): (
        "Ein Beitrag für LinkedIn",
        "Wir gestalten die Newsletter unserer Kunden mit Newsletter Studio. Selbst testen geht kostenlos: {link}",
    ),
}


def offer_assets(session: Session, now: datetime) -> None:
    """Two banners and a text for each language of each programme."""
    for slug, (brand, name, languages) in _BANNERS.items():
        program = find_program(session, slug)
        for locale, words in languages.items():
            new = NewAsset(locale, f"{name}: {words.head}")
            for drawn in (banners.box, banners.wide):
                add_banner(session, program, new, drawn(brand, name, words), actor=ACTOR, now=now)
            title, text = _TEXTS[slug, locale]
            add_text(session, program, NewAsset(locale, title), text, actor=ACTOR, now=now)


def follow_assets(session: Session, start: datetime, now: datetime, seed: int) -> list[FollowLink]:
    """Clicks on what was offered, in order of time; what it was shown is written at once. Again gives the same."""
    dice, found = Dice(f"{seed}:banners"), list[FollowLink]()
    views: dict[tuple[int, int], int] = {}
    since = max(start + timedelta(days=1), now - timedelta(days=DAYS))
    for program in session.scalars(select(Program).order_by(Program.id)):
        assets = list(
            session.scalars(
                select(PromoAsset).where(PromoAsset.program_id == program.id).order_by(PromoAsset.id)
            )
        )
        for referrer in _users(session, program, since):
            for asset in assets:
                if asset.locale != referrer.locale:
                    continue
                clicks = list(_clicks(dice, program, referrer, asset, (since, now), len(found)))
                found += clicks
                if asset.kind is AssetKind.BANNER:
                    views[asset.id, referrer.id] = dice.number(30, 90) * (len(clicks) + 1)
    add_views(session, f"demo-{seed}", views, now)
    return sorted(found, key=lambda click: click.at)


def _users(session: Session, program: Program, since: datetime) -> list[Referrer]:
    wanted = select(Referrer).where(
        Referrer.program_id == program.id,
        Referrer.status == ReferrerStatus.ACTIVE,
        Referrer.joined_at < since,
    )
    return list(session.scalars(wanted.order_by(Referrer.id).limit(USERS)))


def _clicks(
    dice: Dice,
    program: Program,
    referrer: Referrer,
    asset: PromoAsset,
    span: tuple[datetime, datetime],
    made: int,
) -> Iterator[FollowLink]:
    for number in range(dice.number(3, 14)):
        key = _FIRST_KEY + made + number
        yield FollowLink(
            at=dice.within(span[0], span[1] - span[0]),
            program=program.slug,
            code=referrer.code,
            campaign=asset_campaign(asset.id),
            key=key,
            agent=dice.pick(BROWSERS),
            visitor=key,
        )
