"""``flask programs look``: how a programme looks, and whose name its mails bear."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.command import answer, blaming, json_option, parts
from app.cli.programs import programs
from app.identity.audit import Actor
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.promo.images import read_picture
from app.referrals.programs import find_program
from app.shopfront.looks import MAX_LOGO, LookSettings, own_look, set_logo, set_look

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program

NONE = "none"
"""Takes a setting away."""


@programs.command("look")
@click.option("--slug", required=True, help="The programme.")
@click.option("--brand", metavar="N", help="What stands at the top of every page; none is Refledger.")
@click.option("--accent-light", metavar="#RRGGBB", help="Colour of links and buttons on a light ground.")
@click.option("--accent-dark", metavar="#RRGGBB", help="The same on a dark ground.")
@click.option("--mail-name", metavar="N", help="Sender of the programme's mails.")
@click.option(
    "--mail-from", metavar="EMAIL", help="Its address; the mail server must be allowed to send for it."
)
@click.option("--mail-reply-to", metavar="EMAIL", help="Where answers go.")
@click.option("--logo", metavar="FILE", help="PNG, JPEG, WebP or GIF; none takes it away.")
@json_option
def look(slug: str, logo: str | None, as_json: bool, **given: str | None) -> None:
    """Say how a programme looks; none takes a setting away."""
    wanted = LookSettings(**{name: "" if text == NONE else text for name, text in given.items()})
    now = clock.now()
    with parts().db.transaction() as session:
        with blaming("--slug"):
            program = find_program(session, slug)
        set_look(session, program, wanted, actor=Actor.cli(), now=now)
        if logo is not None:
            with blaming("--logo"):
                _set_logo(session, program, logo, now)
        kept = own_look(session, program)
        shown = {name: getattr(kept, name) for name in given} | {
            "logo": kept.logo_hash,
            "frame_hosts": kept.frame_origins,
        }
    answer(as_json, shown, f"look of {slug} set")


def _set_logo(session: Session, program: Program, path: str, now: datetime) -> None:
    picture = None
    if path != NONE:
        try:
            raw = Path(path).read_bytes()
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
        read = read_picture(raw, max_bytes=MAX_LOGO)
        picture = (read.body, read.media_type)
    set_logo(session, program, picture, actor=Actor.cli(), now=now)
