"""How the demo's two programmes look, and the shop that shows them in frames."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from PIL import Image, ImageDraw

from app.demo.cast import DIRECTORY, HOSTING
from app.demo.stage import ACTOR
from app.promo.images import read_picture
from app.referrals.programs import find_program
from app.shopfront.looks import BadFrameHost, LookSettings, set_frame_hosts, set_logo, set_look

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

LOOKS: Final = {
    HOSTING: LookSettings(
        brand="Korenhof",
        accent_light="#7a3b12",
        accent_dark="#e8a878",
        mail_name="Korenhof Partner Programme",
        mail_reply_to="partners@korenhof.example",
    ),
    DIRECTORY: LookSettings(
        brand="Newsletter Studio",
        accent_light="#1f4e8c",
        accent_dark="#8db8f0",
        mail_name="Newsletter Studio Partners",
        mail_reply_to="partners@studio.example",
    ),
}
_SIDE: Final = 96


def dress_programs(session: Session, shop_url: str, now: datetime) -> None:
    """Give both programmes their look, and let the shop frame their pages."""
    for slug, look in LOOKS.items():
        program = find_program(session, slug)
        set_look(session, program, look, actor=ACTOR, now=now)
        if slug == HOSTING:
            picture = read_picture(_logo(look.accent_light or ""))
            set_logo(session, program, (picture.body, picture.media_type), actor=ACTOR, now=now)
    let_the_shop_frame(session, shop_url, now)


def let_the_shop_frame(session: Session, shop_url: str, now: datetime) -> None:
    """Let the shop at this address frame both programmes' pages."""
    place = urlsplit(shop_url)
    for slug in LOOKS:
        # A shop on another machine without https is shown no frames; everything else of the demo works there.
        with suppress(BadFrameHost):
            set_frame_hosts(
                session,
                find_program(session, slug),
                [f"{place.scheme}://{place.netloc}"],
                production=False,
                actor=ACTOR,
                now=now,
            )


def _logo(colour: str) -> bytes:
    """An ear of corn on a rounded square."""
    image = Image.new("RGBA", (_SIDE, _SIDE))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, _SIDE - 1, _SIDE - 1), radius=18, fill=colour)
    draw.line((48, 84, 48, 22), fill="#ffffff", width=5)
    for height in (30, 44, 58):
        draw.ellipse((24, height, 44, height + 12), fill="#ffffff")
        draw.ellipse((52, height, 72, height + 12), fill="#ffffff")
    draw.ellipse((41, 10, 55, 30), fill="#ffffff")
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
