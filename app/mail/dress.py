"""A mail in the look of its programme: its name, its colours, its sender."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formataddr, parseaddr
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.mail.messages import Paint
from app.referrals.models import Program, Referrer
from app.shopfront.dress import dress_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.mail.messages import Envelope, Letter
    from app.mail.models import Mail
    from app.shopfront.dress import Dress


def dressed(session: Session, mail: Mail, letter: Letter, envelope: Envelope) -> tuple[Letter, Envelope]:
    """Both as the programme looks; as they are where the mail is of no programme, or nothing was said about it."""
    program = _program_of(session, mail)
    dress = dress_of(session, program) if program is not None else None
    if dress is None:
        return letter, envelope
    name, address = parseaddr(envelope.sender)
    sender = formataddr((dress.mail_name or dress.brand or name, dress.mail_from or address))
    return replace(letter, paint=_paint(dress)), replace(
        envelope, sender=sender, reply_to=envelope.reply_to or dress.reply_to
    )


def _program_of(session: Session, mail: Mail) -> Program | None:
    """That of the referrer it goes to. A mail to somebody as a user names its programme, if it is about one."""
    found: Program | None = None
    if mail.referrer_id is not None:
        found = session.scalar(
            select(Program)
            .join(Referrer, Referrer.program_id == Program.id)
            .where(Referrer.id == mail.referrer_id)
        )
    elif "program" in mail.context:
        named = session.scalars(select(Program).where(Program.name == mail.context["program"]).limit(2)).all()
        found = named[0] if len(named) == 1 else None
    return found


def _paint(dress: Dress) -> Paint:
    paint = Paint(brand=dress.brand)
    if dress.light is not None:
        paint = replace(paint, light=dress.light.colour, on_light=dress.light.on)
    if dress.dark is not None:
        paint = replace(paint, dark=dress.dark.colour, on_dark=dress.dark.on)
    return paint
